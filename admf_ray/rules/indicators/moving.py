"""Moving averages: simple, exponential, linearly weighted.

Windowed sums are made of blocks as long as the window: a window is the tail of one block and the
head of the next. Tails and heads are built by additions alone, of distances from the block's first
value, which every window that ends in the block contains. So nothing ever has to be subtracted
again: rounding does not grow with the number of bars, a NaN touches only the windows that hold it,
and the mean of equal values is that value to the bit.
"""

from __future__ import annotations

import numpy as np

from admf_ray.rules.compile import kernel
from admf_ray.rules.indicators.valid import FloatArray, blank, first_valid

__all__ = ["ema", "ema_from", "sma", "wma"]


@kernel
def sma(values: FloatArray, length_bars: int) -> FloatArray:
    """Average the last `length_bars` values.

    Parameters
    ----------
    values : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    NaN for `length_bars` - 1 bars from the first finite value on; a later NaN makes NaN of the
    windows that hold it. All NaN for a length below 1 or longer than the data. Two additions and
    one division a bar. As TA-Lib SMA, but rounding does not depend on how many bars came before.

    Source: the block scheme is van Herk (1992), Gil and Werman (1993), there for maxima.
    """
    out = blank(values.size)
    start = first_valid(values)
    if length_bars < 1 or length_bars > values.size - start:
        return out
    tail = np.zeros(length_bars)  # tail[j]: what a window ending at j takes from the block before
    for block in range(start, values.size, length_bars):
        anchor = values[block]
        total = 0.0
        if block > start:
            for j in range(length_bars - 1, 0, -1):
                total += values[block - length_bars + j] - anchor
                tail[j - 1] = total
        total = 0.0
        for j in range(min(length_bars, values.size - block)):
            total += values[block + j] - anchor
            if block > start or j == length_bars - 1:
                out[block + j] = anchor + (tail[j] + total) / length_bars
    return out


@kernel
def ema_from(values: FloatArray, start: int, length_bars: int) -> FloatArray:
    """Average exponentially from bar `start` on.

    Parameters
    ----------
    values : array (n_bars,) of float64
    start : int
        First bar that counts.
    length_bars : int
        Sets the weight of a new value, 2 / (`length_bars` + 1).

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`; see `ema`.
    """
    out = blank(values.size)
    if length_bars < 1 or length_bars > values.size - start:
        return out
    first = values[start]
    total = 0.0
    for t in range(start, start + length_bars):
        total += values[t] - first
    mean = first + total / length_bars
    out[start + length_bars - 1] = mean
    weight = 2.0 / (length_bars + 1.0)
    for t in range(start + length_bars, values.size):
        mean += (values[t] - mean) * weight
        out[t] = mean
    return out


@kernel
def ema(values: FloatArray, length_bars: int) -> FloatArray:
    """Average exponentially, a new value weighing 2 / (`length_bars` + 1).

    Parameters
    ----------
    values : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    The first result is the simple mean of the first `length_bars` finite values, as in TA-Lib EMA;
    NaN before it. A later NaN stays for ever. All NaN for a length below 1 or longer than the data.

    Source: Brown (1956), Exponential Smoothing for Predicting Demand; seed as in TA-Lib.
    """
    return ema_from(values, first_valid(values), length_bars)


@kernel
def wma(values: FloatArray, length_bars: int) -> FloatArray:
    """Average the last `length_bars` values with weights 1 (oldest) to `length_bars` (newest).

    Parameters
    ----------
    values : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    NaN policy, warm-up and rounding as `sma`. As TA-Lib WMA. With d the distances from the anchor,
    a window ending at j of its block is sum (k - j) d[k] over the tail k > j of the block before
    plus sum (n - j + k) d[k] over the head k <= j; both grow by additions.

    Source: the weights are Macaulay (1931), The Smoothing of Time Series.
    """
    out = blank(values.size)
    start = first_valid(values)
    if length_bars < 1 or length_bars > values.size - start:
        return out
    tail = np.zeros(length_bars)
    weights = 0.5 * length_bars * (length_bars + 1.0)
    for block in range(start, values.size, length_bars):
        anchor = values[block]
        plain = 0.0
        weighted = 0.0
        if block > start:
            for j in range(length_bars - 1, 0, -1):
                plain += values[block - length_bars + j] - anchor
                weighted += plain
                tail[j - 1] = weighted
        plain = 0.0
        weighted = 0.0
        for j in range(min(length_bars, values.size - block)):
            distance = values[block + j] - anchor
            plain += distance
            weighted += (j + 1) * distance
            if block > start or j == length_bars - 1:
                head = (length_bars - 1 - j) * plain + weighted
                out[block + j] = anchor + (tail[j] + head) / weights
    return out
