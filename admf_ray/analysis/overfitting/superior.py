"""Is the best of all points better than the benchmark, counting how many were looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.bootstrap import as_factors, long_run_variance, times_drawn
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
    chunks: Callable[[], Iterable[Floats]], n_bars: int, *, block_bars: float, seed: int, n_draws: int = 1000
) -> Superior:
    """Test the best of all points; `extremes` and what they prove, in one."""
    return extremes(chunks, n_bars, block_bars=block_bars, seed=seed, n_draws=n_draws).superior()


def extremes(
    chunks: Callable[[], Iterable[Floats]], n_bars: int, *, block_bars: float, seed: int, n_draws: int = 1000
) -> Extremes:
    """Return what the reality check and the test for superior predictive ability need of all points.

    Parameters
    ----------
    chunks : callable
        Returns an iterable of float64 arrays (n_bars, k), the returns less the benchmark's, some points at a
        time; each point once, in order, every time it is called. One chunk is in memory at a time.
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
    Memory is bounded by `times_drawn`: all points are gone through once for each block of its draws.
    """
    high, high_t = np.full(n_draws, -np.inf), np.zeros(n_draws)
    scales: list[_Scale] = []
    root, n_points = np.sqrt(n_bars), 0
    for at, drawn in times_drawn(n_bars, block_bars, n_draws, seed):
        for k, excess in enumerate(chunks()):
            if k == len(scales):
                scales.append(_Scale.of(excess, n_bars, block_bars, n_points))
                n_points += excess.shape[1]
            _raise(drawn, (excess - scales[k].means) / root, scales[k], high[at], high_t[at])
    columns = [one.means for one in scales], [one.t for one in scales]
    means, t = (np.concatenate([np.empty(0), *own]) for own in columns)
    best = int(means.argmax()) if n_points else -1
    best_t = int(t.argmax()) if (t > 0.0).any() else -1
    return Extremes(
        high, high_t, float(root * means.max(initial=-np.inf)), float(t.max(initial=0.0)), best, best_t,
        n_points, (n_bars, float(block_bars), seed),
    )  # fmt: skip


class _Scale(NamedTuple):
    """Some points' means and studentized means, what makes the one the other, and where that is centred."""

    means: Floats
    t: Floats
    inverse: Floats
    shift: Floats

    @classmethod
    def of(cls, excess: Floats, n_bars: int, block_bars: float, before: int) -> _Scale:
        """Return those of a chunk, so many points before it."""
        if len(excess) != n_bars:
            raise DataError(f"returns from point {before} on: must have {n_bars} bars, found {len(excess)}")
        means: Floats = excess.mean(axis=0)
        bad = np.flatnonzero(~np.isfinite(means))
        if bad.size:
            raise DataError(f"returns of point {before + bad[0]}: must be finite; leave out failed points")
        variance = long_run_variance(excess, block_bars)
        varies = variance > NOISE * (excess**2).mean(axis=0)
        inverse = np.where(varies, 1.0 / np.sqrt(np.where(varies, variance, 1.0)), 0.0)
        t = np.sqrt(n_bars) * means * inverse
        slack = np.sqrt(2.0 * np.log(np.log(n_bars)))
        return cls(means, t, inverse, np.where(t < -slack, t, 0.0))


def _raise(drawn: NDArray[np.int16], centred: Floats, scale: _Scale, high: Floats, high_t: Floats) -> None:
    """Raise each draw's highest mean and studentized mean (times the root of n_bars) by some points'."""
    for rows, factors in as_factors(drawn, DRAWS_AT_A_TIME):
        means = factors @ centred
        np.maximum(high[rows], means.max(axis=1), out=high[rows])
        means *= scale.inverse
        means += scale.shift
        np.maximum(high_t[rows], means.max(axis=1), out=high_t[rows])
