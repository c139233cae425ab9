"""The order in which a container's parts are initialised."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from admf_ray.errors import ComponentError, closest

__all__ = ["initialisation_order"]


def initialisation_order(
    where: str, needs: Mapping[str, Sequence[str]], services: Collection[str]
) -> tuple[str, ...]:
    """Return components such that each comes after what it needs, otherwise as created.

    Parameters
    ----------
    where : str
        Who speaks in error messages.
    needs : mapping of str to sequence of str
        What each component needs, components in order of creation.
    services : collection of str
        Names that are there from the beginning.

    Raises
    ------
    ComponentError
        Something needed is not there, or components need each other in a circle.

    Examples
    --------
    >>> initialisation_order("demo", {"strategy": ["data"], "data": ["bars"], "broker": []}, ["bars"])
    ('data', 'strategy', 'broker')
    """
    order: dict[str, None] = {}
    path: list[str] = []

    def visit(name: str) -> None:
        if name in order or name in services:
            return
        if name in path:
            circle = " -> ".join([*path[path.index(name) :], name])
            raise ComponentError(
                f"{where}: components must not need each other, found {circle}; cut one link"
            )
        if name not in needs:
            hint = (
                closest(name, [*needs, *services])
                or "; register a service or create a component of that name"
            )
            raise ComponentError(
                f"{where}: component '{path[-1]}' needs '{name}', found neither service nor component{hint}"
            )
        path.append(name)
        for needed in needs[name]:
            visit(needed)
        path.pop()
        order[name] = None

    for name in needs:
        visit(name)
    return tuple(order)
