"""Test data stay closed: while they are sealed, loading them raises."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from admf_ray.errors import DataError
from admf_ray.market.sources import files_of, path_of
from admf_ray.storage import is_address, is_elsewhere

__all__ = ["Seal", "close", "closed_now", "overlap", "refuse_sealed", "reopen", "sealed"]


class Seal(NamedTuple):
    """What is closed, in plain facts that another process can close too.

    Attributes
    ----------
    source : str
        As the configuration writes it.
    place : str
        Seen from the folder of the process that closed it first.
    first : date or None
        First closed day; all of it when None.
    """

    source: str
    place: str
    first: date | None

    @property
    def files(self) -> frozenset[str]:
        """Its files now, for a process in this folder or in the first one's."""
        return _files(self.source) | _files(self.place)


# Of the process, not of a thread or context; forked children inherit it.
_closed: list[Seal] = []


def close(*seals: Seal) -> None:
    """Close sources in this process, and in those that it forks."""
    _closed.extend(seals)


def reopen(*seals: Seal) -> None:
    """Take closed sources' seals off, one each."""
    for seal in seals:
        _closed.remove(seal)


def closed_now() -> tuple[Seal, ...]:
    """Return what is closed in this process."""
    return tuple(_closed)


@contextmanager
def sealed(source: str, first: date | None) -> Iterator[None]:
    """Keep a source closed from a day on, or whole, for as long as the block lasts.

    Parameters
    ----------
    source : str
        As the configuration writes it.
    first : date or None
        First closed day; all of it when None.
    """
    place = source if _has_no_folder(source) else os.path.abspath(os.path.expanduser(source))
    seal = Seal(source, place, first)
    close(seal)
    try:
        yield
    finally:
        reopen(seal)


def overlap(one: str, other: str) -> bool:
    """Tell whether two sources have a file in common, however they are written."""
    return _meet(_files(one), _files(other))


def refuse_sealed(source: object, last: date) -> None:
    """Refuse bars that reach into sealed ones.

    Parameters
    ----------
    source : str, Path or pandas.DataFrame
        What was read.
    last : date
        Day of the last bar.

    Raises
    ------
    DataError
        They do.
    """
    if not _closed or not isinstance(source, str | Path):
        return
    files = _files(str(source))
    for seal in closed_now():
        if (seal.first is None or last >= seal.first) and _meet(files, seal.files):
            since = f" from {seal.first}" if seal.first else ""
            raise DataError(
                f"{seal.source}: test data{since} are sealed until phase 3, found bars to {last} asked for; "
                f"set phase_1_mining.data.end before them"
            )


def _has_no_folder(source: str) -> bool:
    return source.startswith("sample:") or is_address(source)


def _files(source: str) -> frozenset[str]:
    """Return the true paths of a source's files; where they are elsewhere, the address without its rights."""
    if source.startswith("sample:"):
        return frozenset((source,))
    if is_elsewhere(source):
        kind, _, place = source.partition("?")[0].partition("://")
        bucket, _, name = place.partition("/")
        return frozenset((str(PurePosixPath(f"{kind}:", bucket.rpartition("@")[2], name.lstrip("/"))),))
    try:
        found = files_of(source)
    except DataError:
        found = [path_of(source)]
    return frozenset(os.path.realpath(file) for file in found)


def _meet(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether files are the same, or an address stands below another."""
    return not (one.isdisjoint(other) and _above(one).isdisjoint(other) and _above(other).isdisjoint(one))


def _above(files: frozenset[str]) -> set[str]:
    """Return all folders above addresses; true paths, which begin with a slash, are files and need none."""
    return {str(above) for file in files if file[0] != "/" for above in PurePosixPath(file).parents}
