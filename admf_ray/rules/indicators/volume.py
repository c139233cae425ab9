"""Volume: on-balance volume and volume-weighted average prices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from admf_ray.rules.compile import kernel
from admf_ray.rules.indicators.valid import FloatArray, blank, first_valid

__all__ = ["obv", "session_vwap", "vwap"]


@kernel
def obv(close: FloatArray, volume: FloatArray) -> FloatArray:
    """Sum volume, counted up on rising and down on falling closes.

    Parameters
    ----------
    close, volume : array (n_bars,) of float64

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `volume`.

    Notes
    -----
    Starts with the volume of the first bar where both are finite, as TA-Lib OBV; NaN before. An
    unchanged close adds nothing. A NaN volume stays for ever; a NaN close compares as unchanged.
    The level depends on where the data begin: use its changes.

    Source: Granville (1963), Granville's New Key to Stock Market Profits.
    """
    out = blank(close.size)
    start = max(first_valid(close), first_valid(volume))
    total = 0.0
    for t in range(start, close.size):
        if t == start or close[t] > close[t - 1]:
            total += volume[t]
        elif close[t] < close[t - 1]:
            total -= volume[t]
        out[t] = total
    return out


@kernel
def _typical(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    out = np.empty(close.size)
    for t in range(close.size):
        out[t] = (high[t] + low[t] + close[t]) / 3.0
    return out


@kernel
def vwap(
    high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray, length_bars: int
) -> FloatArray:
    """Average the typical price of the last `length_bars` bars, weighted by volume.

    Parameters
    ----------
    high, low, close, volume : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        In the unit of prices.

    Notes
    -----
    The typical price is (high + low + close) / 3. NaN where no volume was traded in the window;
    NaN policy, warm-up and rounding otherwise as `sma`. Not in TA-Lib.

    Source: Berkowitz, Logue and Noser (1988), The Total Cost of Transactions on the NYSE.
    """
    out = blank(close.size)
    price = _typical(high, low, close)
    start = max(first_valid(price), first_valid(volume))
    if length_bars < 1 or length_bars > close.size - start:
        return out
    tail = np.zeros(length_bars)
    tail_traded = np.zeros(length_bars)
    for block in range(start, close.size, length_bars):
        anchor = price[block]
        total = 0.0
        traded = 0.0
        if block > start:
            for j in range(length_bars - 1, 0, -1):
                t = block - length_bars + j
                total += (price[t] - anchor) * volume[t]
                traded += volume[t]
                tail[j - 1] = total
                tail_traded[j - 1] = traded
        total = 0.0
        traded = 0.0
        for j in range(min(length_bars, close.size - block)):
            t = block + j
            total += (price[t] - anchor) * volume[t]
            traded += volume[t]
            if block > start or j == length_bars - 1:
                out[t] = anchor + (tail[j] + total) / (tail_traded[j] + traded)
    return out


@kernel
def session_vwap(
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    volume: FloatArray,
    day: npt.NDArray[np.int64] | FloatArray,
) -> FloatArray:
    """Average the typical price since the day began, weighted by volume.

    Parameters
    ----------
    high, low, close, volume : array (n_bars,) of float64
    day : array (n_bars,) of int64 or float64
        Any number that changes where a new session begins.

    Returns
    -------
    array (n_bars,) of float64
        In the unit of prices.

    Notes
    -----
    The typical price is (high + low + close) / 3. NaN until volume was traded in the session. No
    warm-up beyond leading NaNs, but a first session cut by the start of the data is averaged from
    there. A later NaN lasts to the end of its session. Not in TA-Lib.

    Source: Berkowitz, Logue and Noser (1988), The Total Cost of Transactions on the NYSE.
    """
    out = blank(close.size)
    price = _typical(high, low, close)
    start = max(first_valid(price), first_valid(volume))
    anchor = 0.0
    total = 0.0
    traded = 0.0
    for t in range(start, close.size):
        if t == start or day[t] != day[t - 1]:
            anchor = price[t]
            total = 0.0
            traded = 0.0
        total += (price[t] - anchor) * volume[t]
        traded += volume[t]
        out[t] = anchor + total / traded
    return out
