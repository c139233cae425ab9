"""How rules become machine code: one set of options, one digest, one cache folder.

numba's own disk cache looks only at the file a function stands in, so an edit in a helper's file
would run old code. Here everything numba freezes into a function (code, constants, globals,
closures, helpers, recursively) is digested, and the digest names the cached module.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
import platformdirs
from numba import njit
from numba.core.dispatcher import Dispatcher

from admf_ray.errors import ComponentError

__all__ = [
    "INNER_KERNEL_OPTIONS",
    "KERNEL_OPTIONS",
    "RULE_OPTIONS",
    "cached",
    "digest",
    "kernel",
    "load_module",
    "rule",
]

# Rules return scalars or tuples of scalars. Without `_nrt=False` array arguments leave reference
# counting in the loop (9 times slower); with it an allocation in a rule is a compile error.
# A rule that returned an array would corrupt the heap, so `rule` code must never do that.
RULE_OPTIONS: dict[str, Any] = {"error_model": "numpy", "forceinline": True, "_nrt": False}
KERNEL_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}
# What only compiled code calls needs no way in from Python; making one takes a third of the compile time.
INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
INNER_KERNEL_OPTIONS = KERNEL_OPTIONS | INNER

_lock = threading.RLock()


def rule(function: Callable[..., Any]) -> Any:
    """Compile a scalar function that is inlined into the sweep; only compiled code can call it."""
    return njit(**RULE_OPTIONS, **INNER)(function)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a whole-array function; callable from other kernels, cached on disk by `cached`."""
    return njit(**KERNEL_OPTIONS)(function)


def digest(*roots: Any) -> str:
    """Digest everything numba would freeze into the given functions and constants.

    Parameters
    ----------
    *roots
        Functions (plain or compiled), numbers, strings, tuples, dicts, arrays, NamedTuple classes.

    Returns
    -------
    str
        32 hexadecimal digits. Comments and line numbers do not count; the modules' names and the versions
        of Python, numba, llvmlite and numpy do.

    Raises
    ------
    ComponentError
        For an object whose frozen value cannot be known, such as an open file.
    """
    hasher = hashlib.blake2b(digest_size=16)
    versions = (platform.python_version(), numba.__version__, llvmlite.__version__, np.__version__)
    hasher.update(repr(versions).encode())
    seen: dict[int, int] = {}
    for root in roots:
        _feed(hasher, root, seen, "")
    return hasher.hexdigest()


def _feed(hasher: Any, item: Any, seen: dict[int, int], where: str) -> None:
    def put(*words: Any) -> None:
        for word in words:
            data = word if isinstance(word, bytes) else repr(word).encode()
            hasher.update(len(data).to_bytes(8, "little") + data)

    put(type(item).__name__)
    if item is None or isinstance(item, (bool, int, float, complex, str, bytes, np.generic)):
        put(item if isinstance(item, bytes) else repr(item))
        return
    if id(item) in seen:
        put("seen", seen[id(item)])
        return
    seen[id(item)] = len(seen)
    if isinstance(item, Dispatcher):
        put(sorted((key, repr(value)) for key, value in item.targetoptions.items()))
        _feed(hasher, item.py_func, seen, where)
    elif isinstance(item, types.FunctionType):
        name = f"{item.__module__}.{item.__qualname__}"
        put(item.__module__)  # kept machine code imports it: it must not name a file that has moved
        _feed(hasher, item.__code__, seen, name)
        _feed(hasher, item.__defaults__, seen, name)
        for cell in item.__closure__ or ():
            _feed(hasher, cell.cell_contents, seen, name)
        for word in sorted(_names(item.__code__)):
            if word in item.__globals__:
                put(word)
                _feed(hasher, item.__globals__[word], seen, f"{name} uses {word}")
    elif isinstance(item, types.CodeType):
        put(item.co_code, item.co_names, item.co_varnames, item.co_argcount, item.co_freevars)
        for constant in item.co_consts:
            _feed(hasher, constant, seen, where)
    elif isinstance(item, (tuple, list)):
        put(len(item))
        for member in item:
            _feed(hasher, member, seen, where)
    elif isinstance(item, (frozenset, set)):
        put(sorted(map(repr, item)))
    elif isinstance(item, Mapping):
        put(len(item))
        for key in sorted(item, key=repr):
            put(key)
            _feed(hasher, item[key], seen, where)
    elif isinstance(item, np.ndarray):
        put(item.dtype.str, item.shape, item.tobytes())
    elif isinstance(item, types.ModuleType):
        put(item.__name__, getattr(item, "__version__", ""))
    elif isinstance(item, type):
        put(item.__module__, item.__qualname__, getattr(item, "_fields", ()))
    elif isinstance(item, (np.ufunc, types.BuiltinFunctionType)):
        put(getattr(item, "__module__", ""), item.__name__)
    elif hasattr(item, "_defn"):  # a numba intrinsic
        _feed(hasher, item._defn, seen, where)
    elif callable(item) and hasattr(item, "__name__"):
        put(getattr(item, "__module__", ""), item.__name__)
    else:
        raise ComponentError(
            f"{where}: a compiled rule may use only functions, numbers, strings, tuples and arrays, "
            f"found a {type(item).__name__}; pass it as a parameter"
        )


def _names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names


@cache
def cache_root() -> Path:
    """Return the folder of compiled modules: ``$ADMF_RAY_CACHE_DIR`` or the user's cache folder.

    Where neither can be written, a temporary folder serves this process alone.
    """
    chosen = os.environ.get("ADMF_RAY_CACHE_DIR") or platformdirs.user_cache_dir("admf_ray")
    root = Path(chosen) / "kernels"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError:
        root = Path(tempfile.mkdtemp(prefix="admf_ray_kernels_"))
    return root


def load_module(kind: str, text: str, names: Mapping[str, Any]) -> types.ModuleType:
    """Execute module `text` with `names` injected, from a file that numba's disk cache can use.

    Parameters
    ----------
    kind : str
        Prefix of the module's name.
    text : str
        Python source; its functions compile with ``cache=True``.
    names : mapping
        Globals the text refers to; part of the digest.

    Returns
    -------
    module
        The same object for equal text and names within a process.

    Notes
    -----
    Safe across threads and processes: the file appears by an atomic rename and equal names mean
    equal content.
    """
    name = f"{kind}_{digest(text, dict(names))}"
    with _lock:
        if name in sys.modules:
            return sys.modules[name]
        path = cache_root() / name / f"{name}.py"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "w") as file:
                file.write(text)
            os.replace(temporary, path)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        vars(module).update(names)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module


_ENTRY = """\
from numba import njit

@njit(cache=True, **OPTIONS)
def entry({arguments}):
    return target({arguments})
"""


@cache
def cached(compiled: Dispatcher, *types: type[Any]) -> Any:
    """Return `compiled` behind an entry point whose machine code is kept on disk.

    Parameters
    ----------
    compiled : a function made by `kernel` or `rule`
        Positional arguments only.
    *types : NamedTuple classes
        Of its arguments, which kept machine code imports by module and name.
    """
    count = compiled.py_func.__code__.co_argcount
    arguments = ", ".join(f"a{i}" for i in range(count))
    names = {"target": compiled, "OPTIONS": KERNEL_OPTIONS, "TYPES": types}
    return load_module("kernel", _ENTRY.format(arguments=arguments), names).entry
