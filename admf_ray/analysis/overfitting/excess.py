"""Skill without the drift: returns beyond having been in the market, and their moments."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.rules.metrics import NOISE

__all__ = ["Shape", "held_through", "matched_excess", "shape"]

Floats = NDArray[np.float64]


class Shape(NamedTuple):
    """What significance rests on.

    Attributes
    ----------
    sharpe : float
        Per bar, never annualised: mean over the n - 1 standard deviation.
    skew, kurtosis : float
        Moment ratios; kurtosis is raw, 3 for a normal.
    n_bars : int
    """

    sharpe: float
    skew: float
    kurtosis: float
    n_bars: int


def matched_excess(returns: Floats, mean_exposure: Floats | float, benchmark: Floats) -> Floats:
    """Return returns less those of holding the mean exposure all the time.

    Parameters
    ----------
    returns : float64 array (n_bars,) or (n_bars, n_points)
    mean_exposure : float or float64 array (n_points,)
        Mean signed position value over equity.
    benchmark : float64 array (n_bars,)
        Buy-and-hold return of each bar.

    Returns
    -------
    float64 array, the shape of `returns`

    Examples
    --------
    >>> matched_excess(np.array([0.01, -0.02]), 0.5, np.array([0.02, -0.04])).tolist()
    [0.0, 0.0]
    """
    return returns - np.multiply.outer(benchmark, mean_exposure)


def held_through(benchmark: Floats, start: int, stop: int) -> Floats:
    """Return the benchmark's returns in a window, 0 in its first bar, which no account holds through.

    Parameters
    ----------
    benchmark : float64 array (n_bars,)
        Buy-and-hold return of each bar.
    start, stop : int

    Notes
    -----
    Accounts start flat: what is decided at the first bar's close is filled in the second. The figure
    ``matched_excess_sharpe`` leaves that bar's benchmark out as well.
    """
    found = benchmark[start:stop].copy()
    found[:1] = 0.0
    return found


def shape(returns: Floats) -> Shape:
    """Return the per-bar Sharpe ratio and moment ratios of a return series.

    Parameters
    ----------
    returns : float64 array (n_bars,)

    Returns
    -------
    Shape
        NaN figures for fewer than 2 bars or returns that do not vary.
    """
    n = returns.size
    if n >= 2:
        mean = returns.mean()
        rest = returns - mean
        variance = (rest**2).mean()
        if variance > NOISE * (returns**2).mean():
            sharpe = mean / np.sqrt(variance * n / (n - 1))
            third, fourth = (rest**3).mean(), (rest**4).mean()
            return Shape(float(sharpe), float(third / variance**1.5), float(fourth / variance**2), n)
    return Shape(np.nan, np.nan, np.nan, n)
