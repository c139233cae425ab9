"""Wilder's directional movement: the two indicators and their average index."""

from __future__ import annotations

import numpy as np

from admf_ray.rules.compile import kernel
from admf_ray.rules.indicators.valid import FloatArray, blank, first_valid
from admf_ray.rules.indicators.volatility import true_range

__all__ = ["adx", "minus_di", "plus_di"]


@kernel
def _indicators(
    high: FloatArray, low: FloatArray, close: FloatArray, length_bars: int
) -> tuple[FloatArray, FloatArray]:
    plus = blank(close.size)
    minus = blank(close.size)
    ranges = true_range(high, low, close)
    start = first_valid(ranges)
    if length_bars < 1 or length_bars > close.size - start:
        return plus, minus
    sum_up = 0.0
    sum_down = 0.0
    sum_range = 0.0
    for t in range(start, close.size):
        rise = high[t] - high[t - 1]
        fall = low[t - 1] - low[t]
        up = rise if rise > 0.0 and rise > fall else 0.0
        down = fall if fall > 0.0 and fall > rise else 0.0
        if t >= start + length_bars - 1:  # the first sums hold one bar less than the length
            sum_up -= sum_up / length_bars
            sum_down -= sum_down / length_bars
            sum_range -= sum_range / length_bars
        sum_up += up
        sum_down += down
        sum_range += ranges[t]
        if t >= start + length_bars - 1:
            plus[t] = 100.0 * (sum_up / sum_range) if sum_range != 0.0 else 0.0
            minus[t] = 100.0 * (sum_down / sum_range) if sum_range != 0.0 else 0.0
    return plus, minus


@kernel
def plus_di(high: FloatArray, low: FloatArray, close: FloatArray, length_bars: int) -> FloatArray:
    """Measure the upward part of the true range.

    Parameters
    ----------
    high, low, close : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        Percent, from 0 to 100.

    Notes
    -----
    NaN for `length_bars` bars from the first finite ones on; a later NaN stays for ever; all NaN
    for a length below 1 or with too few bars. As TA-Lib PLUS_DI: Wilder's sums start from
    `length_bars` - 1 bars, and it is 0 where the true range is 0. TA-Lib takes a range below 1e-14
    for 0, and at length 1 gives a fraction; here only 0 is 0 and it is always percent.

    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """
    return _indicators(high, low, close, length_bars)[0]


@kernel
def minus_di(high: FloatArray, low: FloatArray, close: FloatArray, length_bars: int) -> FloatArray:
    """Measure the downward part of the true range.

    Parameters
    ----------
    high, low, close : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        Percent, from 0 to 100.

    Notes
    -----
    See `plus_di`. As TA-Lib MINUS_DI.

    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """
    return _indicators(high, low, close, length_bars)[1]


@kernel
def adx(high: FloatArray, low: FloatArray, close: FloatArray, length_bars: int) -> FloatArray:
    """Measure the strength of a trend, whatever its direction.

    Parameters
    ----------
    high, low, close : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        Percent, from 0 to 100.

    Notes
    -----
    Wilder's mean of 100 × |plus - minus| / (plus + minus). NaN for 2 × `length_bars` - 1 bars from
    the first finite ones on; otherwise as `plus_di`. As TA-Lib ADX, seeded by the simple mean of
    `length_bars` values. A bar on which both indicators are 0 (nothing has moved yet, or at length 1
    an inside bar) counts as 0, so constant prices give 0; TA-Lib keeps the mean as it was, also
    where both are below 1e-14.

    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """
    out = blank(close.size)
    plus, minus = _indicators(high, low, close, length_bars)
    start = first_valid(plus)
    mean = 0.0
    for t in range(start, close.size):
        both = plus[t] + minus[t]
        index = 100.0 * (np.abs(plus[t] - minus[t]) / both) if both != 0.0 else 0.0
        if t < start + length_bars:
            mean += index / length_bars
        else:
            mean = (mean * (length_bars - 1) + index) / length_bars
        if t >= start + length_bars - 1:
            out[t] = mean
    return out
