"""How much prices move: standard deviations and true ranges."""

from __future__ import annotations

import numpy as np

from admf_ray.rules.compile import kernel
from admf_ray.rules.indicators.oscillators import roc
from admf_ray.rules.indicators.valid import FloatArray, blank, first_valid

__all__ = ["atr", "rolling_std", "true_range", "volatility"]


@kernel
def _rolling_squares(values: FloatArray, length_bars: int) -> FloatArray:
    # Squared distances from the window's mean, summed: tail and head blocks of distances from an
    # anchor as in `moving`, each grown by Welford's update and joined by the formula of Chan, Golub
    # and LeVeque. No large sums are subtracted, so never negative, and 0 to the bit for equal values.
    out = blank(values.size)
    start = first_valid(values)
    if length_bars < 1 or length_bars > values.size - start:
        return out
    tail_mean = np.zeros(length_bars)
    tail = np.zeros(length_bars)
    for block in range(start, values.size, length_bars):
        anchor = values[block]
        mean = 0.0
        squares = 0.0
        if block > start:
            for j in range(length_bars - 1, 0, -1):
                value = values[block - length_bars + j] - anchor
                distance = value - mean
                mean += distance / (length_bars - j)
                squares += distance * (value - mean)
                tail_mean[j - 1] = mean
                tail[j - 1] = squares
        mean = 0.0
        squares = 0.0
        for j in range(min(length_bars, values.size - block)):
            value = values[block + j] - anchor
            distance = value - mean
            mean += distance / (j + 1)
            squares += distance * (value - mean)
            if block > start or j == length_bars - 1:
                apart = mean - tail_mean[j]
                share = (j + 1.0) * (length_bars - 1.0 - j) / length_bars
                out[block + j] = tail[j] + squares + apart * (apart * share)
    return out


@kernel
def rolling_std(values: FloatArray, length_bars: int) -> FloatArray:
    """Measure the standard deviation of the last `length_bars` values.

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
    Of the population (divided by n), as TA-Lib STDDEV; 0 for equal values. NaN policy and warm-up
    as `sma`. TA-Lib subtracts squared sums and loses digits where the mean is large against the
    deviation (price 1e6, deviation 1e-2); this keeps them.

    Source: Welford (1962); Chan, Golub and LeVeque (1983), eq. 2.1.
    """
    out = _rolling_squares(values, length_bars)
    for t in range(values.size):
        out[t] = np.sqrt(out[t] / length_bars)
    return out


@kernel
def volatility(close: FloatArray, length_bars: int) -> FloatArray:
    """Measure the standard deviation of the last `length_bars` simple returns.

    Parameters
    ----------
    close : array (n_bars,) of float64
    length_bars : int
        Number of returns; at least 2.

    Returns
    -------
    array (n_bars,) of float64
        A fraction per bar, not annualised.

    Notes
    -----
    Of the sample (divided by n - 1). Simple rather than log returns: they need no logarithm, whose
    last bit differs between systems. NaN for `length_bars` bars from the first finite value on;
    NaN policy otherwise as `sma`; all NaN for a length below 2. Constant prices give 0. The return
    on a price of 0 counts as 0, as in `roc`.

    Source: Hull (2018), Options, Futures, and Other Derivatives, section 15.4.
    """
    if length_bars < 2:
        return blank(close.size)
    out = _rolling_squares(roc(close, 1), length_bars)
    for t in range(close.size):
        out[t] = np.sqrt(out[t] / (length_bars - 1))
    return out


@kernel
def true_range(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """Measure the range of the bar, a gap from the previous close included.

    Parameters
    ----------
    high, low, close : array (n_bars,) of float64

    Returns
    -------
    array (n_bars,) of float64
        In the unit of prices.

    Notes
    -----
    The largest of high - low, |high - previous close|, |low - previous close|. NaN at the first
    bar where all three are finite, having no previous close; a later NaN makes NaN of the bars that
    use it. As TA-Lib TRANGE.

    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """
    out = blank(close.size)
    start = max(first_valid(high), first_valid(low), first_valid(close))
    for t in range(start + 1, close.size):
        before = close[t - 1]
        gap = np.maximum(np.abs(high[t] - before), np.abs(low[t] - before))
        out[t] = np.maximum(high[t] - low[t], gap)
    return out


@kernel
def atr(high: FloatArray, low: FloatArray, close: FloatArray, length_bars: int) -> FloatArray:
    """Average the true range in Wilder's way.

    Parameters
    ----------
    high, low, close : array (n_bars,) of float64
    length_bars : int
        A new range weighs 1 / `length_bars`.

    Returns
    -------
    array (n_bars,) of float64
        In the unit of prices.

    Notes
    -----
    The first result is the simple mean of the first `length_bars` true ranges, as in TA-Lib ATR;
    NaN for `length_bars` bars from the first finite ones on. A later NaN stays for ever; all NaN
    for a length below 1 or with too few bars.

    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """
    out = blank(close.size)
    ranges = true_range(high, low, close)
    start = first_valid(ranges)
    if length_bars < 1 or length_bars > close.size - start:
        return out
    mean = 0.0
    for t in range(start, close.size):
        if t < start + length_bars:
            mean += ranges[t] / length_bars
        else:
            mean = (mean * (length_bars - 1) + ranges[t]) / length_bars
        if t >= start + length_bars - 1:
            out[t] = mean
    return out
