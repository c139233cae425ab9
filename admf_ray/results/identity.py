"""What a result is named by: the code, the data, the windows and the parameters that gave it."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import ComponentError

__all__ = ["code_digest", "digest_of", "distinct", "engine_facts", "point_ids", "sources_digest"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Everything in the package that can move a bit of a stored row.
ENGINE = ("rules", "engine", "components", "market", "results/schema.py")
LIBRARY = "library"


def digest_of(facts: Any) -> str:
    """Return 32 hexadecimal digits of plain data: the order of keys does not matter, of lists it does."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@cache
def sources_digest(*places: str) -> str:
    """Return a digest of sources of the package, for what is stored to be named by what made it.

    Parameters
    ----------
    *places : str
        Folders and files of the package, such as ``rules`` or ``results/schema.py``. The component library
        is left out everywhere: it counts by class.

    Notes
    -----
    Sources, not the package's version: a package under work must not find the answers of its former self.
    """
    root = Path(__file__).parent.parent
    hasher = hashlib.blake2b(digest_size=16)
    for place in places:
        for file in sorted((root / place).rglob("*.py")) or [root / place]:
            inside = file.relative_to(root)
            if LIBRARY not in inside.parts:
                hasher.update(inside.as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return hasher.hexdigest()


@cache
def engine_facts() -> Mapping[str, str]:
    """Return what the engine is made of: a digest of its sources, and the versions that move bits."""
    return {
        "sources": sources_digest(*ENGINE),
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: metadata.version(name) for name in ("numpy", "numba", "llvmlite")},
    }


def code_digest(*classes: type[Any]) -> str:
    """Return a digest of the sources that classes stand in, and of every module of the user's they import.

    Parameters
    ----------
    *classes : type
        Components, in the order in which they work.

    Raises
    ------
    ComponentError
        A class whose source cannot be read, such as one typed into a console.
    """
    hasher = hashlib.blake2b(digest_size=16)
    for cls in classes:
        hasher.update(cls.__qualname__.encode() + b"\0")
        for module in _modules_of(cls):
            hasher.update(_source(module, cls) + b"\0")
    return hasher.hexdigest()


def distinct(ids: Ints) -> Ints:
    """Return the different numbers, ascending.

    Notes
    -----
    `np.unique` hashes them: for a million it takes seven times as long and leaves 32 MiB behind.
    """
    ordered = np.sort(ids)
    kept = np.ones(ordered.size, dtype=np.bool_)
    kept[1:] = ordered[1:] != ordered[:-1]
    return ordered[kept]


def point_ids(rows: Floats, salt: str) -> Ints:
    """Return a number for each row of parameters, equal for equal rows wherever they are computed.

    Parameters
    ----------
    rows : float64 array (n, n_columns)
    salt : str
        Hexadecimal digest of the code that the parameters belong to.

    Returns
    -------
    int64 array (n,)
        63 bits, never negative, so that every tool that reads Parquet can hold them. Among a million points
        two share a number with probability 5e-8; who places rows by number checks for it.

    Notes
    -----
    Columns are mixed in one after the other by the finaliser of splitmix64. Source: Steele, Lea and Flood
    (2014), "Fast splittable pseudorandom number generators".
    """
    mixed = np.full(len(rows), int(salt[:16], 16), dtype=np.uint64)
    for k in range(rows.shape[1]):
        bits = np.ascontiguousarray(rows[:, k] + 0.0).view(np.uint64)  # -0.0 is 0.0
        mixed = _mix((mixed ^ bits) + np.uint64((0x9E3779B97F4A7C15 * (k + 1)) % 2**64))
    return (mixed >> np.uint64(1)).astype(np.int64)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _modules_of(cls: type[Any]) -> list[ModuleType]:
    """Return the class's module and all modules of the user's that it reaches, in order of names."""
    found: dict[str, ModuleType] = {}
    waiting = [_module(base.__module__, cls) for base in cls.__mro__ if _counts(base.__module__)]
    while waiting:
        module = waiting.pop()
        if module.__name__ in found:
            continue
        found[module.__name__] = module
        waiting += list(_imported(module))
    return [found[name] for name in sorted(found, key=lambda name: _name(found[name]))]


def _name(module: ModuleType) -> str:
    """Return what a module is sorted by: its file's name, since the file may stand elsewhere tomorrow."""
    return Path(getattr(module, "__file__", "") or module.__name__).name


def _counts(name: str) -> bool:
    """Tell whether a class's module is counted here: the user's own and the library, not the engine."""
    return name.startswith(f"admf_ray.components.{LIBRARY}") or not name.startswith(("admf_ray.", "builtins"))


def _module(name: str, cls: type[Any]) -> ModuleType:
    module = sys.modules.get(name)
    if module is None:
        raise ComponentError(f"{cls.__qualname__}: its module {name} is gone, found none; import it again")
    return module


def _imported(module: ModuleType) -> Iterator[ModuleType]:
    for value in list(vars(module).values()):
        other = (
            value
            if isinstance(value, ModuleType)
            else sys.modules.get(getattr(value, "__module__", "") or "")
        )
        if other is not None and other is not module and _is_users(other):
            yield other


@cache
def _foreign() -> tuple[str, ...]:
    """Return the folders of installed packages and of Python itself: their versions are known."""
    paths = sysconfig.get_paths()
    found = [Path(paths[name]).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return tuple(f"{folder}/" for folder in (*found, Path(__file__).parent.parent))


def _is_users(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and not str(Path(file).resolve()).startswith(_foreign())


def _source(module: ModuleType, cls: type[Any]) -> bytes:
    file = getattr(module, "__file__", None)
    try:
        return Path(file or "").read_bytes()
    except OSError:
        raise ComponentError(
            f"{cls.__qualname__}: must stand in a file, so that its results can be named by its source, "
            f"found module {module.__name__}; put it in a file and name that under strategies"
        ) from None
