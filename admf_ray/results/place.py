"""Where results stand: a folder, or an address of a storage."""

from __future__ import annotations

import os
from typing import Any

import pyarrow as pa
import pyarrow.fs

from admf_ray.errors import StoreError

__all__ = ["opened", "refused"]

MOST_SAID = 300  # characters of what a storage's library says
GOOGLE_ANSWERS_S = 60  # its library's own limit is a quarter of an hour


def opened(uri: str) -> tuple[Any, str]:
    """Return the file system of a folder or storage address, and the path there.

    Raises
    ------
    StoreError
        An empty name, a kind of storage that is not known, or one that does not answer.
    """
    if not uri.strip():
        raise StoreError("a folder or storage address of results: must have a name, found nothing; name one")
    if "://" not in uri:
        return pa.fs.LocalFileSystem(), os.path.abspath(uri)
    try:
        found, path = pa.fs.FileSystem.from_uri(_bounded(uri))
    # ArrowNotImplementedError: pyarrow was built without that storage
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
