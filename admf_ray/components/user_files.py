"""Users' own files: imported when they are named, and nothing else is."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

from admf_ray.components.base import Component
from admf_ray.components.registry import forget, register, registered_in
from admf_ray.errors import ComponentError, StoreError, line_in
from admf_ray.storage import fetched, is_address, is_elsewhere

__all__ = ["import_components"]


def import_components(path: str | Path) -> list[type[Component]]:
    """Import a user's Python file and return the components it defines, in order.

    Parameters
    ----------
    path : str or Path
        A ``.py`` file. Its folder is importable while it is imported, so it may use its neighbours. Or a
        `pyarrow.fs` address of one, such as ``s3://BUCKET/FILE.py``: it is copied here once a process, alone,
        so it has no neighbours.

    Returns
    -------
    list of type
        Those it registered, and component classes it defined without registering, which are registered
        under their own names.

    Raises
    ------
    ComponentError
        No such file, no component in it, or it fails to import.
    """
    file = _file(str(path))
    # by the address, not by its copy: what compiled code is kept under holds the module's name
    place = str(path) if is_elsewhere(str(path)) else str(file.resolve())
    digest = hashlib.blake2b(place.encode(), digest_size=4).hexdigest()
    name = f"admf_ray_user_{file.stem}_{digest}"
    forget(name)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(file.resolve().parent)
    sys.modules[name] = module
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except ComponentError:
        raise
    except (Exception, SystemExit) as error:  # sys.exit would end the program, as if all were well
        line = line_in(error, str(spec.origin))
        raise ComponentError(
            f"{path}{line}: does not import, {type(error).__name__}: {error}; mend it"
        ) from error
    finally:
        sys.path.remove(folder)
    _register_the_rest(vars(module).values(), name)
    found = registered_in(name)
    if not found:
        raise ComponentError(f"{path}: must define a component, found none; subclass Strategy or Filter")
    return found


def _file(path: str) -> Path:
    try:
        file = fetched(path)
    except StoreError as error:
        raise ComponentError(str(error)) from None
    if file.suffix != ".py" or not file.is_file():
        hint = "address" if is_address(path) else f"path, relative to the working directory {Path.cwd()}"
        raise ComponentError(f"{path}: must be an existing Python file, found none; correct the {hint}")
    return file


def _register_the_rest(members: Iterable[object], module: str) -> None:
    known = registered_in(module)
    for member in members:
        if not (isinstance(member, type) and issubclass(member, Component)):
            continue
        if member.__module__ == module and member not in known:
            register()(member)
