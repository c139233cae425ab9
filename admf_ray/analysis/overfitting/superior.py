"""Is the best of all points better than the benchmark, counting how many were looked at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.bootstrap import long_run_variance, times_drawn
from admf_ray.errors import DataError
from admf_ray.rules.metrics import NOISE

__all__ = ["Extremes", "Superior", "extremes", "superior_ability"]

Floats = NDArray[np.float64]

DRAWS_AT_A_TIME = 128


class Superior(NamedTuple):
    """Evidence that the best point beats the benchmark, over all points.

    Attributes
    ----------
    reality_check_p : float
        White's p-value, on means.
    spa_p : float
        Hansen's consistent p-value, on studentized means.
    best_mean, best_t : int
        Points with the highest mean and studentized mean, -1 without any.
    t : float
        That highest studentized mean; 0 where none is above 0.
    n_points : int
    """

    reality_check_p: float
    spa_p: float
    best_mean: int
    best_t: int
    t: float
    n_points: int


class Extremes(NamedTuple):
    """The best of some points as seen, and the best of them in each resampled history.

    Attributes
    ----------
    high, high_t : float64 array (n_draws,)
        Highest mean and highest studentized mean of each draw, times the root of the number of bars.
    mean, t : float
        As seen, on the same scale; -inf and 0 without any point.
    best_mean, best_t, n_points : int
        As in `Superior`.
    drawn : tuple (n_bars, block_bars, seed)
        What the draws are of.

    Notes
    -----
    A maximum over two populations is the higher one of each, so populations that saw the same draws are
    joined without their returns, and p-values are those of all points tested together.
    """

    high: Floats
    high_t: Floats
    mean: float
    t: float
    best_mean: int
    best_t: int
    n_points: int
    drawn: tuple[int, float, int]

    def joined(self, other: Extremes) -> Extremes:
        """Return those of both populations; the other's points are numbered after these.

        Raises
        ------
        DataError
            They saw other draws.
        """
        mine, its = (self.drawn, len(self.high)), (other.drawn, len(other.high))
        if mine != its:
            raise DataError(f"extremes: must be of the same draws to be joined, found {mine} and {its}")
        higher, higher_t = other.mean > self.mean, other.t > self.t
        return Extremes(
            np.maximum(self.high, other.high),
            np.maximum(self.high_t, other.high_t),
            max(self.mean, other.mean),
            max(self.t, other.t),
            self.n_points + other.best_mean if higher else self.best_mean,
            self.n_points + other.best_t if higher_t else self.best_t,
            self.n_points + other.n_points,
            self.drawn,
        )

    def superior(self) -> Superior:
        """Return what they prove."""
        if not self.n_points:
            return Superior(1.0, 1.0, -1, -1, 0.0, 0)
        n = len(self.high)
        p, p_t = (1 + (self.high >= self.mean).sum()) / (1 + n), (1 + (self.high_t >= self.t).sum()) / (1 + n)
        return Superior(float(p), float(p_t), self.best_mean, self.best_t, self.t, self.n_points)


def superior_ability(
    chunks: Iterable[Floats], n_bars: int, *, block_bars: float, seed: int, n_draws: int = 1000
) -> Superior:
    """Test the best of all points; `extremes` and what they prove, in one."""
    return extremes(chunks, n_bars, block_bars=block_bars, seed=seed, n_draws=n_draws).superior()


def extremes(
    chunks: Iterable[Floats], n_bars: int, *, block_bars: float, seed: int, n_draws: int = 1000
) -> Extremes:
    """Return what the reality check and the test for superior predictive ability need of all points.

    Parameters
    ----------
    chunks : iterable of float64 arrays (n_bars, k)
        Returns less the benchmark's, some points at a time; each point once, in order. One chunk is in
        memory at a time.
    n_bars : int
        At least 3.
    block_bars : float
        Mean block length of the stationary bootstrap, the same for all points.
    seed : int
        All points see the same resampled histories.
    n_draws : int

    Returns
    -------
    Extremes

    Raises
    ------
    DataError
        A chunk has another number of bars, or a return is not finite.

    Notes
    -----
    Sources: White (2000), "A reality check for data snooping"; Hansen (2005), "A test for superior
    predictive ability", consistent version: variances exact for the stationary bootstrap, points recentred at
    their mean unless it is below ``-s sqrt(2 log log n / n)``. p-values are
    ``(1 + draws at least as high) / (1 + draws)``, never 0. Points whose excess does not vary have no
    studentized mean and count as 0. Cost: ``n_draws n_bars`` multiplications per point, in BLAS, whose
    last bits depend on its threads; a p-value would change only with a draw that close to what was seen.
    """
    drawn = times_drawn(n_bars, block_bars, n_draws, seed)
    high, high_t = np.full(n_draws, -np.inf), np.zeros(n_draws)
    best, best_t, mean_at, t_at, n_points = -np.inf, 0.0, -1, -1, 0
    root, slack = np.sqrt(n_bars), np.sqrt(2.0 * np.log(np.log(n_bars)))
    for excess in chunks:
        means = _means(excess, n_bars, n_points)
        variance = long_run_variance(excess, block_bars)
        varies = variance > NOISE * (excess**2).mean(axis=0)
        inverse = np.where(varies, 1.0 / np.sqrt(np.where(varies, variance, 1.0)), 0.0)
        t = root * means * inverse
        if means.max() > best:
            best, mean_at = means.max(), n_points + int(means.argmax())
        if t.max() > best_t:
            best_t, t_at = t.max(), n_points + int(t.argmax())
        _raise(drawn, (excess - means) / root, inverse, np.where(t < -slack, t, 0.0), high, high_t)
        n_points += excess.shape[1]
    drawn_of = (n_bars, float(block_bars), seed)
    return Extremes(high, high_t, float(root * best), float(best_t), mean_at, t_at, n_points, drawn_of)


def _means(excess: Floats, n_bars: int, before: int) -> Floats:
    if len(excess) != n_bars:
        raise DataError(f"returns from point {before} on: must have {n_bars} bars, found {len(excess)}")
    means: Floats = excess.mean(axis=0)
    bad = np.flatnonzero(~np.isfinite(means))
    if bad.size:
        raise DataError(f"returns of point {before + bad[0]}: must be finite; leave out failed points")
    return means


def _raise(
    drawn: NDArray[np.int16], centred: Floats, inverse: Floats, shift: Floats, high: Floats, high_t: Floats
) -> None:
    """Raise each draw's highest mean and studentized mean (times the root of n_bars) by some points'."""
    for begin in range(0, len(drawn), DRAWS_AT_A_TIME):
        rows = slice(begin, begin + DRAWS_AT_A_TIME)
        means = drawn[rows].astype(np.float64) @ centred
        np.maximum(high[rows], means.max(axis=1), out=high[rows])
        means *= inverse
        means += shift
        np.maximum(high_t[rows], means.max(axis=1), out=high_t[rows])
