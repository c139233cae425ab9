"""Where the price stands in its recent range: Bollinger bands, Donchian channel, z-score."""

from __future__ import annotations

from admf_ray.rules.compile import kernel
from admf_ray.rules.indicators.extremes import rolling_max, rolling_min
from admf_ray.rules.indicators.moving import sma
from admf_ray.rules.indicators.valid import FloatArray
from admf_ray.rules.indicators.volatility import rolling_std

__all__ = [
    "bollinger_lower",
    "bollinger_middle",
    "bollinger_upper",
    "donchian_high",
    "donchian_low",
    "zscore",
]


@kernel
def _band(values: FloatArray, length_bars: int, deviations: float) -> FloatArray:
    out = sma(values, length_bars)
    std = rolling_std(values, length_bars)
    for t in range(values.size):
        out[t] += deviations * std[t]
    return out


@kernel
def bollinger_upper(values: FloatArray, length_bars: int, deviations: float) -> FloatArray:
    """Draw the band `deviations` standard deviations above the mean.

    Parameters
    ----------
    values : array (n_bars,) of float64
    length_bars : int
    deviations : float

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    `sma` + `deviations` × `rolling_std` (of the population), as TA-Lib BBANDS with simple means;
    NaN policy and warm-up as `sma`. Over equal values all three bands are that value.

    Source: Bollinger (2001), Bollinger on Bollinger Bands.
    """
    return _band(values, length_bars, deviations)


@kernel
def bollinger_middle(values: FloatArray, length_bars: int) -> FloatArray:
    """Draw the middle of the Bollinger bands.

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
    The same bits as `sma`.

    Source: Bollinger (2001), Bollinger on Bollinger Bands.
    """
    return sma(values, length_bars)


@kernel
def bollinger_lower(values: FloatArray, length_bars: int, deviations: float) -> FloatArray:
    """Draw the band `deviations` standard deviations below the mean.

    Parameters
    ----------
    values : array (n_bars,) of float64
    length_bars : int
    deviations : float

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    See `bollinger_upper`.

    Source: Bollinger (2001), Bollinger on Bollinger Bands.
    """
    return _band(values, length_bars, -deviations)


@kernel
def donchian_high(high: FloatArray, length_bars: int) -> FloatArray:
    """Draw the highest high of the last `length_bars` bars, the current one included.

    Parameters
    ----------
    high : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        In the unit of prices.

    Notes
    -----
    A close can never be above it: a breakout compares with ``lag(donchian_high(high, n), 1)``.
    NaN policy and warm-up as `rolling_max`. As TA-Lib MAX.

    Source: Donchian (1960), whose four-week rule it is.
    """
    return rolling_max(high, length_bars)


@kernel
def donchian_low(low: FloatArray, length_bars: int) -> FloatArray:
    """Draw the lowest low of the last `length_bars` bars, the current one included.

    Parameters
    ----------
    low : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        In the unit of prices.

    Notes
    -----
    A close can never be below it: a breakout compares with ``lag(donchian_low(low, n), 1)``.
    NaN policy and warm-up as `rolling_min`. As TA-Lib MIN.

    Source: Donchian (1960), whose four-week rule it is.
    """
    return rolling_min(low, length_bars)


@kernel
def zscore(values: FloatArray, length_bars: int) -> FloatArray:
    """Measure the distance from the rolling mean in standard deviations.

    Parameters
    ----------
    values : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        Dimensionless; within ± sqrt(`length_bars` - 1), since the window holds the value.

    Notes
    -----
    (value - `sma`) / `rolling_std`, of the population: beyond k means outside the Bollinger band
    of k deviations. 0 where the deviation is 0. NaN policy and warm-up as `sma`. Not in TA-Lib.

    Source: common usage; Kaufman (2013), Trading Systems and Methods.
    """
    out = sma(values, length_bars)
    std = rolling_std(values, length_bars)
    for t in range(values.size):
        out[t] = (values[t] - out[t]) / std[t] if std[t] != 0.0 else 0.0
    return out
