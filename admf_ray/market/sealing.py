"""Test data stay closed: while they are sealed, loading them raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import NamedTuple

from admf_ray.errors import DataError

__all__ = ["refuse_sealed", "sealed"]


class _Seal(NamedTuple):
    source: str
    first: date | None


_closed: ContextVar[_Seal | None] = ContextVar("closed", default=None)


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
    token = _closed.set(_Seal(source, first))
    try:
        yield
    finally:
        _closed.reset(token)


def refuse_sealed(source: object, last: date) -> None:
    """Refuse bars that reach into sealed ones.

    Parameters
    ----------
    source : str or Path
        What was read.
    last : date
        Day of the last bar.

    Raises
    ------
    DataError
        They do.
    """
    seal = _closed.get()
    if seal is None or str(source) != seal.source:
        return
    if seal.first is None or last >= seal.first:
        since = f" from {seal.first}" if seal.first else ""
        raise DataError(
            f"{seal.source}: test data{since} are sealed until phase 3, found bars to {last} asked for; set "
            f"phase_1_mining.data.end before them"
        )
