"""Whether a Parquet file is damaged: by a fault of the disk, or cut or written over."""

from __future__ import annotations

import errno
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["damage_in", "is_damage", "told"]

ROWS = 4_096  # at a time, so that long lists of returns are never in memory together


def is_damage(error: Exception) -> bool:
    """Tell whether an error of reading may lie in the file, not in the system or in what was asked of it.

    Notes
    -----
    Arrow reports broken content as OSError without a number; what the system refuses has one. EIO is a disk
    that cannot give what it was given.
    """
    if isinstance(error, MemoryError):
        return False
    return not isinstance(error, OSError) or error.errno in (None, errno.EIO)


def damage_in(path: str, filesystem: Any) -> str:
    """Return what is wrong inside a Parquet file; empty where it is whole or is not there.

    Notes
    -----
    Reads every page of every column and compares its checksum, where it was written with one.
    """
    try:
        with pq.ParquetFile(path, filesystem=filesystem, page_checksum_verification=True) as file:
            for _ in file.iter_batches(batch_size=ROWS):
                pass
    except (OSError, pa.ArrowException) as error:
        return told(error) if is_damage(error) else ""
    return ""


def told(error: Exception) -> str:
    """Return an error's text in one line."""
    return " ".join(str(error).split()).rstrip(".")
