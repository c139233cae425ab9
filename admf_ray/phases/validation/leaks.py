"""What strategies could leave behind in a process, and what of it has changed."""

from __future__ import annotations

import hashlib
import pickle
import random
import sys
from collections.abc import Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

__all__ = ["changed", "state_of"]

SKIPPED = (ModuleType, FunctionType, staticmethod, classmethod, property)


def state_of(classes: Iterable[type[Any]]) -> dict[str, str]:
    """Return digests of all that outlives a container where classes stand, by what it is.

    Parameters
    ----------
    classes : iterable of type
        Components. Their modules' globals, class attributes and functions' defaults are looked at, and the
        global random generators of Python and numpy.

    Notes
    -----
    The package's own modules are left out: they hold no scope. What cannot be pickled is known by its text.
    """
    found = {
        "shared random generator random": _digest(random.getstate()),
        "shared random generator numpy.random": _digest(np.random.get_state()),
    }
    for name in dict.fromkeys(cls.__module__ for base in classes for cls in base.__mro__):
        if not name.startswith(("admf_ray.", "builtins")):
            found.update(_module(sys.modules[name]))
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> tuple[str, ...]:
    """Return the names of what is not as it was, sorted."""
    return tuple(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))


def _module(module: ModuleType) -> Iterator[tuple[str, str]]:
    for name, value in list(vars(module).items()):
        if name.startswith("__"):
            continue
        own = isinstance(value, (type, FunctionType)) and value.__module__ == module.__name__
        if isinstance(value, type):
            if own:
                yield from _class(value)
        elif isinstance(value, FunctionType):
            if own:
                yield from _defaults(name, value)
        elif not isinstance(value, SKIPPED):
            yield f"{_kind(value, 'module global')} {name}", _seen(value)


def _class(cls: type[Any]) -> Iterator[tuple[str, str]]:
    for name, value in list(vars(cls).items()):
        function = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
        if isinstance(function, FunctionType):
            yield from _defaults(f"{cls.__name__}.{name}", function)
        elif not name.startswith("__") and not isinstance(value, SKIPPED):
            yield f"{_kind(value, 'class attribute')} {cls.__name__}.{name}", _seen(value)


def _defaults(name: str, function: FunctionType) -> Iterator[tuple[str, str]]:
    held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    if held:
        yield f"mutable default of {name}", _digest(held)
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    if cells:
        yield f"closure of {name}", _digest(cells)


def _kind(value: Any, otherwise: str) -> str:
    if isinstance(value, (np.random.Generator, np.random.RandomState, random.Random)):
        return "shared random generator"
    if isinstance(value, np.ndarray):
        return "array written to:"
    return "cached results of" if hasattr(value, "cache_info") else otherwise


def _seen(value: Any) -> str:
    """Return a digest of a value; pickling a generator has its state, a cache only its name."""
    return repr(value.cache_info()) if hasattr(value, "cache_info") else _digest(value)


def _digest(value: Any) -> str:
    try:
        data = pickle.dumps(value)
    except Exception:  # anything may refuse to be pickled
        data = repr(value).encode()
    return hashlib.blake2b(data, digest_size=12).hexdigest()
