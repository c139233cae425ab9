"""Several symbols on one time axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import DataError
from admf_ray.market.arrays import stamp_text
from admf_ray.market.clock import local_calendar
from admf_ray.market.table import PRICES, SymbolTable

__all__ = ["align", "check_sessions"]

_APART_MINUTES = 30


def check_sessions(tables: Sequence[SymbolTable]) -> None:
    """Refuse symbols whose sessions do not end together.

    Parameters
    ----------
    tables : sequence of SymbolTable
        One per symbol, in order of time.

    Raises
    ------
    DataError
        When two daily symbols close at different instants of one day, or the usual ends of two
        intraday symbols' days are more than 30 minutes apart.

    Notes
    -----
    One decision sees all symbols of a bar. Were a Tokyo close taken for a New York one of the same
    date, a strategy would trade hours before it could.
    """
    ends: list[tuple[SymbolTable, NDArray[np.int64], NDArray[np.int64], bool]] = []
    for table in tables:
        day, minute = local_calendar(table.time_ns, table.zone)
        final = np.append(day[1:] != day[:-1], True)
        ends.append((table, day[final], minute[final], bool(final.all())))
    if len(ends) < 2:
        return
    first, days, minutes, daily = ends[0]
    for table, other_days, other_minutes, other_daily in ends[1:]:
        if daily and other_daily:
            _, mine, theirs = np.intersect1d(days, other_days, return_indices=True)
            differ = np.flatnonzero(minutes[mine] != other_minutes[theirs])
            if differ.size == 0:
                continue
            k = differ[0]
            found = (
                f"{first.symbol} at {stamp_text(first.time_ns[mine[k]])} and {table.symbol} at "
                f"{stamp_text(table.time_ns[theirs[k]])} UTC"
            )
        else:
            usual, other = int(np.median(minutes)), int(np.median(other_minutes))
            if abs(usual - other) <= _APART_MINUTES:
                continue
            found = f"{first.symbol} at {_clock(usual)} and {table.symbol} at {_clock(other)}"
        raise DataError(
            f"symbols: sessions must end together, found {found}; load them apart, "
            "or declare mixed_sessions: true"
        )


def align(
    tables: Sequence[SymbolTable], fill: bool
) -> tuple[
    dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]], NDArray[np.int64], NDArray[np.bool_], int
]:
    """Put symbols on the union of their stamps.

    Parameters
    ----------
    tables : sequence of SymbolTable
        One per symbol, clean, in order of symbols.
    fill : bool
        Whether a symbol's missing bars between its first and last are forward-filled.

    Returns
    -------
    columns, extra : dict of str to float64 array (n_bars, n_symbols)
        NaN where a symbol has no bar.
    time_ns : int64 array (n_bars,)
        The union.
    tradable : bool array (n_bars, n_symbols)
        Where a real bar stands.
    gaps : int
        Missing bars between a symbol's first and last, filled or not.
    """
    time_ns = np.unique(np.concatenate([table.time_ns for table in tables]))
    shape = (time_ns.size, len(tables))
    names = [*PRICES, *(["volume"] if any("volume" in table.columns for table in tables) else [])]
    more = sorted({name for table in tables for name in table.extra})
    columns = {name: np.full(shape, np.nan) for name in names}
    extra = {name: np.full(shape, np.nan) for name in more}
    tradable = np.zeros(shape, dtype=np.bool_)
    gaps = 0
    for k, table in enumerate(tables):
        at = np.searchsorted(time_ns, table.time_ns)
        for target, source in ((columns, table.columns), (extra, table.extra)):
            for name, array in source.items():
                target[name][at, k] = array
        tradable[at, k] = table.tradable
        inside = np.arange(at[0], at[-1] + 1)
        missing = inside[~np.isin(inside, at, assume_unique=True)]
        gaps += missing.size
        if fill and missing.size:
            before = at[np.searchsorted(at, missing) - 1]
            close = columns["close"][before, k]
            for name, column in columns.items():
                column[missing, k] = close if name in PRICES else 0.0
            for column in extra.values():
                column[missing, k] = column[before, k]
    return columns, extra, time_ns, tradable, gaps


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
