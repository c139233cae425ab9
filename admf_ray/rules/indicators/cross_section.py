"""Symbols against each other at the same bar."""

from __future__ import annotations

import numpy as np

from admf_ray.rules.compile import kernel
from admf_ray.rules.indicators.valid import FloatArray

__all__ = ["cross_rank"]


@kernel
def cross_rank(values: FloatArray) -> FloatArray:
    """Rank the symbols at each bar, the highest value first.

    Parameters
    ----------
    values : array (n_bars, n_symbols) of float64
        NaN where a symbol is missing.

    Returns
    -------
    array (n_bars, n_symbols) of float64
        0 for the highest value of the bar, 1 for the next; equal values in the order of columns.

    Notes
    -----
    NaN where the value is NaN; missing symbols take no rank. Infinities rank like numbers. No
    warm-up; each bar stands alone, at O(s log s) of its s symbols. Not in TA-Lib.

    Source: the use of ranks is Jegadeesh and Titman (1993), Returns to Buying Winners.
    """
    n_bars, n_symbols = values.shape
    out = np.full((n_bars, n_symbols), np.nan)
    keys = np.empty(n_symbols)
    columns = np.empty(n_symbols, np.int64)
    for t in range(n_bars):
        count = 0
        for s in range(n_symbols):
            if not np.isnan(values[t, s]):
                keys[count] = -values[t, s]
                columns[count] = s
                count += 1
        order = np.argsort(keys[:count], kind="mergesort")  # stable, so ties keep the column order
        for place in range(count):
            out[t, columns[order[place]]] = place
    return out
