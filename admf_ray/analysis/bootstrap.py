"""Resampled history: the stationary bootstrap and what rests on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from admf_ray.rules.metrics import NOISE

__all__ = [
    "Interval",
    "as_factors",
    "block_length",
    "interval",
    "long_run_variance",
    "redrawn",
    "sharpe_intervals",
    "times_drawn",
]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

DRAWN_BYTES, FACTOR_BYTES = 256 * 2**20, 128 * 2**20


class Interval(NamedTuple):
    """What a figure may be, its estimate inside or not.

    Attributes
    ----------
    estimate, low, high : float
    """

    estimate: float
    low: float
    high: float


def block_length(returns: Floats) -> float:
    """Return the mean block length in bars that suits the stationary bootstrap of these returns.

    Parameters
    ----------
    returns : float64 array (n_bars,) or (n_bars, n_series)

    Returns
    -------
    float
        >= 1; the median over the series that vary, 1 where none does.

    Notes
    -----
    Source: Politis and White (2004), "Automatic block-length selection for the dependent bootstrap",
    corrected by Patton, Politis and White (2009); computed by arch. Fewer than 10 bars are too few to
    tell: 1.
    """
    from arch.bootstrap import optimal_block_length  # a second, needed once a run

    columns = returns.reshape(len(returns), -1)
    spread = ((columns - columns.mean(axis=0)) ** 2).sum(axis=0)
    columns = columns[:, spread > NOISE * (columns**2).sum(axis=0)]
    if len(columns) < 10 or not columns.shape[1]:
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        found = optimal_block_length(columns)["stationary"].to_numpy()
    return float(np.median(np.maximum(np.nan_to_num(found, nan=1.0, posinf=1.0), 1.0)))


def redrawn(n_bars: int, block_bars: float, n_draws: int, seed: int) -> Iterator[Indices]:
    """Yield the bars of each resampled history.

    Parameters
    ----------
    n_bars, n_draws : int
    block_bars : float
        Mean length of a block; >= 1.
    seed : int

    Yields
    ------
    int64 array (n_bars,)
        Places in the original, wrapped round its end.

    Notes
    -----
    Blocks start anywhere and last a geometric number of bars: Politis and Romano (1994), "The stationary
    bootstrap". Drawn by arch, from PCG64.
    """
    from arch.bootstrap import StationaryBootstrap

    # any mean length will do, though it is declared whole
    drawing = StationaryBootstrap(cast(int, block_bars), np.empty(n_bars), seed=np.random.default_rng(seed))
    for _ in range(n_draws):
        yield drawing.update_indices()


def times_drawn(
    n_bars: int, block_bars: float, n_draws: int, seed: int
) -> Iterator[tuple[slice, NDArray[np.int16]]]:
    """Yield how often each bar stands in each resampled history of `redrawn`, some histories at a time.

    A mean over a resampled history is a row of this times the returns, over `n_bars`.

    Yields
    ------
    (slice, int16 array (k, n_bars))
        Which histories, and their counts; the array is filled anew for the next ones.

    Notes
    -----
    Counts take 256 MB at most: 1,000 histories of up to 134,217 bars come at once.
    """
    most = min(max(DRAWN_BYTES // (2 * n_bars), 1), n_draws)
    counts = np.empty((most, n_bars), dtype=np.int16)
    histories = redrawn(n_bars, block_bars, n_draws, seed)
    for begin in range(0, n_draws, most):
        own = counts[: n_draws - begin]
        for row in own:
            row[:] = np.bincount(next(histories), minlength=n_bars)
        yield slice(begin, begin + len(own)), own


def as_factors(drawn: NDArray[np.int16], most: int) -> Iterator[tuple[slice, Floats]]:
    """Yield counts of `times_drawn` as float64, some histories at a time.

    Parameters
    ----------
    drawn : int16 array (n_draws, n_bars)
    most : int
        Histories at a time; fewer where they would take more than 128 MB.

    Yields
    ------
    (slice, float64 array (k, n_bars))
    """
    step = min(most, max(FACTOR_BYTES // (8 * drawn.shape[1]), 1))
    for begin in range(0, len(drawn), step):
        rows = slice(begin, begin + step)
        yield rows, drawn[rows].astype(np.float64)


def long_run_variance(returns: Floats, block_bars: float) -> Floats:
    """Return n times the variance of the mean, as the stationary bootstrap has it with endless draws.

    Parameters
    ----------
    returns : float64 array (n_bars, n_series)
    block_bars : float
        Mean length of a block; 1 gives the plain variance (divisor n).

    Returns
    -------
    float64 array (n_series,)

    Notes
    -----
    ``sum of k(i) g(i)`` over lags, ``g`` the circular autocovariance and
    ``k(i) = (1 - i/n)(1 - p)^i + (i/n)(1 - p)^(n - i)``, ``p = 1/block_bars``: Politis and Romano (1994),
    lemma 1; Hansen (2005) studentizes with it. Taken as a weighted sum of the periodogram, so it
    costs one Fourier transform per series and is never negative.
    """
    from scipy.fft import rfft

    n = len(returns)
    lags, stay = np.arange(n), 1.0 - 1.0 / block_bars
    kernel = (1.0 - lags / n) * stay**lags + (lags / n) * stay ** (n - lags)
    weights = np.maximum(rfft(kernel).real, 0.0)  # k(n - i) is k(i)
    weights[1 : (n + 1) // 2] *= 2.0
    waves = rfft(returns - returns.mean(axis=0), axis=0)
    return np.einsum("f,fk->k", weights, waves.real**2 + waves.imag**2) / n**2


def interval(
    returns: Floats,
    metric: Callable[[Floats], float],
    *,
    seed: int,
    block_bars: float | None = None,
    n_draws: int = 2000,
    confidence: float = 0.95,
) -> Interval:
    """Return a figure of a return series with its bootstrap interval.

    Parameters
    ----------
    returns : float64 array (n_bars,) or (n_bars, n_series)
    metric : callable
        The figure of such an array.
    seed : int
    block_bars : float, optional
        Mean block length; by default `block_length`'s.
    n_draws : int
    confidence : float
        Equal tails.

    Returns
    -------
    Interval
        NaN bounds where the figure is undefined in more than half of the draws.

    Notes
    -----
    Percentile interval: Efron (1979), "Bootstrap methods: another look at the jackknife". Draws in which
    the figure is undefined are left out.
    """
    block = block_length(returns) if block_bars is None else block_bars
    draws = np.array([metric(returns[bars]) for bars in redrawn(len(returns), block, n_draws, seed)])
    known = draws[~np.isnan(draws)]
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(known, [tail, 1.0 - tail]) if 2 * known.size >= n_draws else (np.nan, np.nan)
    return Interval(float(metric(returns)), float(low), float(high))


def sharpe_intervals(
    returns: Floats, *, block_bars: float, seed: int, n_draws: int = 2000, confidence: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Return (estimate, low, high) of many series' per-bar Sharpe ratios, each (n_series,).

    Parameters
    ----------
    returns : float64 array (n_bars, n_series)
    block_bars : float
        Mean block length, the same for all: they see the same resampled histories.
    seed, n_draws, confidence
        As in `interval`, whose draws these are.

    Notes
    -----
    `interval` of the Sharpe ratio (n - 1) for all series at once, from how often each bar is drawn. A series
    that does not vary has NaN.
    """
    n = len(returns)
    sums, squares = np.empty((2, n_draws, returns.shape[1]))
    powers = returns, returns**2
    for at, drawn in times_drawn(n, block_bars, n_draws, seed):
        for rows, factors in as_factors(drawn, n_draws):
            for out, power in zip((sums, squares), powers, strict=True):
                out[at][rows] = factors @ power
    found = _sharpes(sums, squares, n)
    tail = (1.0 - confidence) / 2.0
    known = np.isfinite(found).sum(axis=0) * 2 >= n_draws
    low, high = (np.full(returns.shape[1], np.nan) for _ in range(2))
    if known.any():
        low[known], high[known] = np.nanquantile(found[:, known], [tail, 1.0 - tail], axis=0)
    return _sharpes(returns.sum(axis=0), (returns**2).sum(axis=0), n), low, high


def _sharpes(sums: Floats, squares: Floats, n: int) -> Floats:
    variance = (squares - sums * sums / n) / (n - 1)
    varies = variance > NOISE * squares / n
    return np.where(varies, sums / n / np.sqrt(np.where(varies, variance, 1.0)), np.nan)
