"""What a component of a container is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from admf_ray.components.base import Component
from admf_ray.components.registry import find
from admf_ray.errors import ComponentError, closest
from admf_ray.space.parameters import ServiceName

__all__ = ["ComponentSpec"]

_KEYS = ("name", "class", "params", "depends_on", "shared_data")


@dataclass(frozen=True)
class ComponentSpec:
    """A component's name, class, parameters and needs.

    Attributes
    ----------
    name : str
        Unique in its container.
    cls : type of Component
    params : mapping
        Values by parameter.
    needs : tuple of str
        Services and components that must be ready before it.
    shared_data : bool
        Whether it sees the shared services themselves, or private copies.
    """

    name: str
    cls: type[Component]
    params: Mapping[str, Any]
    needs: tuple[str, ...]
    shared_data: bool

    @classmethod
    def read(cls, where: str, given: Mapping[str, Any]) -> ComponentSpec:
        """Return a checked specification.

        Parameters
        ----------
        where : str
            Who speaks in error messages.
        given : mapping
            ``name``, ``class``, and optionally ``params``, ``depends_on``, ``shared_data``.

        Raises
        ------
        ComponentError
            A key is missing or unknown, or the class is not a component's.
        """
        for key in given:
            if key not in _KEYS:
                hint = closest(str(key), _KEYS) or "; remove it"
                raise ComponentError(f"{where}: a component has {', '.join(_KEYS)}, found '{key}'{hint}")
        for key in _KEYS[:2]:
            if key not in given:
                raise ComponentError(f"{where}: a component needs name and class, found no '{key}'; add it")
        name, made_by, shared = given["name"], given["class"], given.get("shared_data", True)
        params, depends_on = given.get("params") or {}, given.get("depends_on") or ()
        here = f"{where}: component {name!r}"
        if isinstance(made_by, str):
            made_by = find(made_by)
        if not (isinstance(made_by, type) and issubclass(made_by, Component)):
            raise ComponentError(
                f"{here}: class must be a registered name or a Component, found {made_by!r}; name one"
            )
        if not isinstance(params, Mapping):
            raise ComponentError(
                f"{here}: params must be a mapping, found {type(params).__name__}; write key: value"
            )
        if isinstance(depends_on, str) or not all(isinstance(one, str) for one in depends_on):
            raise ComponentError(
                f"{here}: depends_on must be a list of names, found {depends_on!r}; write [a, b]"
            )
        if not isinstance(shared, bool):
            raise ComponentError(
                f"{here}: shared_data must be true or false, found {shared!r}; write one of them"
            )
        named = [
            params.get(k, p.default) for k, p in made_by.parameters.items() if isinstance(p, ServiceName)
        ]
        needs = tuple(dict.fromkeys([*made_by.requires, *map(str, named), *depends_on]))
        return cls(name, made_by, dict(params), needs, shared)
