"""Names to classes. A class named in a configuration is looked up here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from admf_ray.components.base import Component
from admf_ray.errors import ComponentError, closest

__all__ = ["find", "forget", "register", "registered", "registered_in"]

C = TypeVar("C", bound=type[Component])
_classes: dict[str, type[Any]] = {}


def register(*names: str) -> Callable[[C], C]:
    """Register a component class under the names and under its own.

    Raises
    ------
    ComponentError
        A name is taken by another class, or the class has no docstring.
    """

    def enter(cls: C) -> C:
        if not (cls.__doc__ or "").strip():
            raise ComponentError(
                f"{cls.__name__}: a component says what it does in a docstring, found none; write one"
            )
        if names:
            cls.name = names[0]
        for name in (*names, cls.__name__):
            known = _classes.get(name)
            if known is not None and (known.__module__, known.__qualname__) != (
                cls.__module__,
                cls.__qualname__,
            ):
                raise ComponentError(
                    f"component '{name}': the name is taken by {known.__module__}.{known.__qualname__}; "
                    f"choose another"
                )
            _classes[name] = cls
        return cls

    return enter


def find(name: str, kind: str | None = None) -> type[Any]:
    """Return the class registered as `name`.

    Parameters
    ----------
    name : str
    kind : str, optional
        ``strategy``, ``filter``, ``risk_manager``, ``broker``, ``portfolio`` or ``data_handler``.

    Raises
    ------
    ComponentError
        No such component, or one of another kind.
    """
    cls = _classes.get(name)
    if cls is None:
        choices = sorted(n for n, c in _classes.items() if kind in (None, c.kind))
        hint = closest(name, choices) or f"; known: {', '.join(choices)}"
        raise ComponentError(f"component '{name}': no {kind or 'component'} of that name is registered{hint}")
    if kind is not None and cls.kind != kind:
        raise ComponentError(f"component '{name}': must be a {kind}, is a {cls.kind}; name a {kind}")
    return cls


def registered(kind: str | None = None) -> dict[str, type[Any]]:
    """Return the registered classes by their first name, sorted."""
    by_name = {c.label(): c for c in _classes.values() if kind in (None, c.kind)}
    return dict(sorted(by_name.items()))


def forget(module: str) -> None:
    """Take out what a module registered, before it is imported again."""
    for name in [name for name, cls in _classes.items() if cls.__module__ == module]:
        del _classes[name]


def registered_in(module: str) -> list[type[Any]]:
    """Return the classes that a module registered, in order, each once."""
    return list(dict.fromkeys(c for c in _classes.values() if c.__module__ == module))
