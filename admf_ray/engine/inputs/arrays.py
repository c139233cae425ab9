"""Bars as compiled rules look at them: read-only arrays, and the flags that the data set."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import ConfigError
from admf_ray.market import Bars
from admf_ray.rules.state import DELISTED, SESSION_END, Market

__all__ = ["benchmark_returns", "market_arrays", "market_flags", "regime_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def market_arrays(bars: Bars) -> Market:
    """Return the bars as the read-only arrays that rules look at.

    Notes
    -----
    The benchmark holds every listed symbol with equal weight, rebalanced at each close. A symbol whose
    last bar comes before the data's end is marked to be liquidated at that bar's close.
    """
    close_out = np.zeros(bars.close.shape, dtype=np.uint8)
    ends = session_ends(bars)
    if ends is not None:
        close_out[ends[:, None] & bars.tradable] = np.uint8(SESSION_END)
    for s, last in enumerate(bars.last):
        if 0 <= last < bars.n_bars - 1:
            close_out[last, s] = np.uint8(DELISTED)
    instruments = bars.instruments
    arrays: list[NDArray[Any]] = [
        bars.open,
        bars.high,
        bars.low,
        bars.close,
        bars.tradable.astype(np.uint8),
        close_out,
        bars.day.astype(np.float64),
        benchmark_returns(bars),
        np.array([i.multiplier for i in instruments]),
        np.array([i.tick for i in instruments]),
        np.array([i.lot for i in instruments]),
        np.full(bars.n_symbols, 1.0 / bars.n_symbols),
    ]
    if bars.n_symbols == 1:
        arrays = [array.reshape(-1) for array in arrays]
    for array in arrays:
        array.setflags(write=False)
    columns = dict(zip(Market._fields, arrays, strict=False))
    return Market(**columns, bars_per_year=float(bars.bars_per_year))


def market_flags(bars: Bars, market: Market) -> dict[str, bool]:
    """Return the flags that the data set themselves."""
    return {
        "SINGLE": bars.n_symbols == 1,
        "GAPS": not bool(bars.tradable.all()),
        "CLOSES": bool((market.close_out == DELISTED).any()),
    }


def session_ends(bars: Bars) -> NDArray[np.bool_] | None:
    """Return where a session's last bar closes, shape (n_bars,); None where no session end is declared.

    Notes
    -----
    A day that ends early ends with its last bar: exchanges announce such days.
    """
    if bars.session_end_minute is None:
        return None
    last_of_day = np.append(bars.day[1:] != bars.day[:-1], False)
    return np.asarray((bars.minute_of_day == bars.session_end_minute) | last_of_day)


def benchmark_returns(bars: Bars) -> Floats:
    """Return the buy-and-hold return of each bar, mean over the symbols then listed, shape (n_bars,)."""
    filled = bars.close.copy()
    for s in range(bars.n_symbols):
        has_bar = np.isfinite(filled[:, s])
        place = np.maximum.accumulate(np.where(has_bar, np.arange(bars.n_bars), 0))
        filled[:, s] = filled[place, s]
    moves = np.full(filled.shape, np.nan)
    moves[1:] = filled[1:] / filled[:-1] - 1.0
    listed = np.isfinite(moves) & (np.arange(bars.n_bars)[:, None] <= bars.last)
    count = listed.sum(axis=1)
    total = np.where(listed, moves, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), 0.0)


def regime_rows(labels: Ints | None, n_regimes: int, n_bars: int) -> Ints:
    """Return the regime each bar's return belongs to: the label known when the bar began.

    Parameters
    ----------
    labels : int64 array (n_bars,) or None
        At each close, -1 where unknown.
    n_regimes, n_bars : int

    Returns
    -------
    int64 array (n_bars,)
        ``labels[t - 1]``, `n_regimes` where unknown; read-only, empty without labels.

    Raises
    ------
    ConfigError
        Another shape or other labels: compiled code would write foreign memory.
    """
    if labels is None:
        rows = np.empty(0, dtype=np.int64)
    elif labels.shape != (n_bars,) or labels.min() < -1 or labels.max() >= n_regimes:
        raise ConfigError(
            f"labels: must be {n_bars}, one a bar, from -1 to {n_regimes - 1}, found shape {labels.shape}, "
            f"{labels.min(initial=0)} to {labels.max(initial=0)}; make them with a regime classifier"
        )
    else:
        known = np.where(labels < 0, n_regimes, labels)
        rows = np.concatenate([[n_regimes], known[:-1]]).astype(np.int64)
    rows.setflags(write=False)
    return rows
