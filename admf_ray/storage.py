"""Places: a folder or file of this machine, or an address that `pyarrow.fs` opens."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.fs

from admf_ray.errors import StoreError

__all__ = ["fetched", "is_address", "is_elsewhere", "opened", "refused"]

MOST_SAID = 300  # characters of what a storage's library says
GOOGLE_ANSWERS_S = 60  # its library's own limit is a quarter of an hour
AT_ONCE = 16  # files of a folder that are copied together


def is_address(place: str) -> bool:
    """Tell whether a place is an address, such as ``s3://BUCKET/FILE``, and no path."""
    return "://" in place


def is_elsewhere(place: str) -> bool:
    """Tell whether a place is an address, and not one of a file of this machine (``file://``)."""
    return is_address(place) and not place.startswith("file://")


def fetched(place: str) -> Path:
    """Return the local path of the file or folder that a path or an address names.

    Parameters
    ----------
    place : str
        A path is itself, and so is that of a ``file://``; neither is looked for. What stands elsewhere is
        copied once a process, under its own name, into a folder without neighbours that ends with the
        process; of a folder, the files directly in it.

    Raises
    ------
    StoreError
        A glob, nothing there, or a storage that does not answer or refuses.
    """
    if not is_address(place):
        return Path(place)
    if any(sign in place.partition("?")[0] for sign in "*["):
        raise StoreError(
            f"{place}: an address must name one file or folder, found a glob; name the folder of the files"
        )
    return _copied(place) if is_elsewhere(place) else Path(opened(place)[1])


@cache
def _copied(address: str) -> Path:
    there, path = opened(address)
    folder = Path(tempfile.mkdtemp(prefix="admf_ray_"))
    atexit.register(_end, folder, os.getpid())
    here = pa.fs.LocalFileSystem()
    target = folder / PurePosixPath(path).name

    def copy(source: str, file: Path) -> None:
        pa.fs.copy_files(source, str(file), source_filesystem=there, destination_filesystem=here)

    try:
        kind = there.get_file_info(path).type
        if kind == pa.fs.FileType.NotFound:
            raise StoreError(f"{address}: must be a file or folder, found nothing there; correct the address")
        if kind == pa.fs.FileType.File:
            copy(path, target)
            return target
        target.mkdir()
        files = [one for one in there.get_file_info(pa.fs.FileSelector(path)) if one.is_file]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(copy, [one.path for one in files], [target / one.base_name for one in files]))
    except (OSError, pa.ArrowException) as error:
        raise refused(address, str(error).replace(str(folder), "the copy")) from None
    return target


def _end(folder: Path, process: int) -> None:
    if os.getpid() == process:  # a forked child leaves its parent's copies alone
        shutil.rmtree(folder, ignore_errors=True)


def opened(uri: str) -> tuple[Any, str]:
    """Return the file system of a folder or storage address, and the path there.

    Raises
    ------
    StoreError
        An empty name, a kind of storage that is not known, or one that does not answer.
    """
    if not uri.strip():
        raise StoreError("a file, folder or storage address: must have a name, found nothing; name one")
    if not is_address(uri):
        return pa.fs.LocalFileSystem(), os.path.abspath(uri)
    try:
        found, path = pa.fs.FileSystem.from_uri(_bounded(uri))
    # nothing is passed over: whatever pyarrow finds wrong with an address is refused in one line;
    # ArrowNotImplementedError is what it raises where it was built without that storage
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, ValueError) as error:
        raise refused(uri, error) from None
    if not path.strip("/"):
        raise refused(uri, "neither bucket nor folder")
    return found, path


def refused(uri: str, found: object) -> StoreError:
    """Return the error of a place that cannot be used."""
    return StoreError(
        f"{uri}: must be a folder, or a storage address that answers, such as s3://BUCKET/FOLDER, "
        f"found {' '.join(str(found).split())[:MOST_SAID]}; see the address and your rights there"
    )


def _bounded(uri: str) -> str:
    """Return an address whose storage is given up after a while, where it would be asked for very long."""
    if not uri.startswith(("gs://", "gcs://")) or "retry_limit_seconds" in uri:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}retry_limit_seconds={GOOGLE_ANSWERS_S}"
