"""Files that are whole or not there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from admf_ray.errors import StoreError

__all__ = ["usable_folder", "written_whole"]


@contextmanager
def written_whole(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name only when the block ends well.

    Parameters
    ----------
    path : str or Path
        Its folder is made when it is not there; an old file is replaced.

    Yields
    ------
    binary file
        To write to.

    Raises
    ------
    StoreError
        When the system refuses.

    Notes
    -----
    Written under a temporary name in the same folder, synced, renamed, and the folder synced: after a
    crash at any instant the old file or the new one stands there, never a part.
    """
    target = Path(path)
    if target.is_dir():
        raise StoreError(f"{target}: must be writable, found a folder; choose another place")
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # not tempfile: its files are readable by their owner only, and results are for colleagues too
        unique = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        with open(unique, "xb") as file:
            temporary = unique
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        raise StoreError(
            f"{target}: must be writable, found {error.strerror or error}; choose another place"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def usable_folder(path: str | Path) -> Path:
    """Return a folder that files can be written to: asked before long work, leaves nothing behind.

    Raises
    ------
    StoreError
        It cannot be made or written to.
    """
    folder = Path(path)
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{secrets.token_hex(8)}"
        probe.touch()
        probe.unlink()
        for one in made:
            one.rmdir()
    except OSError as error:
        reason = "a file" if isinstance(error, FileExistsError) else error.strerror or error
        raise StoreError(
            f"{folder}: must be a folder to write to, found {reason}; choose another place"
        ) from error
    return folder


def _sync_folder(folder: Path) -> None:
    flags: Any = getattr(os, "O_DIRECTORY", None)
    if flags is None:
        return
    handle = os.open(folder, os.O_RDONLY | flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
