"""Plateau or luck: a point's score beside its neighbours'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Robustness", "as_scores", "best_first", "robust_score", "robustness"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

ROBUST_QUANTILE = 0.25
BLOCK_ENTRIES = 2**18  # some 20 MB while a block is judged


class Robustness(NamedTuple):
    """How each point's score holds in its neighbourhood.

    Attributes
    ----------
    robust_score : float64 array (n_points, n_windows)
        25th percentile over the point and its neighbours.
    stability : float64 array (n_points, n_windows)
        Median of the neighbours over the point's own, from 0 to 1; 0 for a point <= 0.
    degradation : float64 array (n_points, n_windows)
        1 less mean of the neighbours over the point's own; NaN for a point <= 0.
    """

    robust_score: Floats
    stability: Floats
    degradation: Floats


def as_scores(values: Floats, trades: Floats, *, maximize: bool = True) -> Floats:
    """Return a metric as scores, higher better: no trades score 0, undefined or failed ones -inf.

    Parameters
    ----------
    values, trades : float64 arrays of one shape
        The metric, and the number of trades.
    maximize : bool
        Whether more of the metric is better.

    Examples
    --------
    >>> as_scores(np.array([1.5, np.nan, np.nan]), np.array([9.0, 0.0, 2.0])).tolist()
    [1.5, 0.0, -inf]
    """
    signed = values if maximize else -values
    return np.where(np.isnan(values), np.where(trades == 0.0, 0.0, -np.inf), signed)


def best_first(scores: Floats) -> Indices:
    """Return the points' places, best first; ties in their own order, undefined ones last."""
    return np.argsort(-np.where(np.isnan(scores), -np.inf, scores), kind="stable")


def robustness(scores: Floats, near: Callable[[int, int], Indices], n_points: int) -> Robustness:
    """Judge points by their neighbours, block by block.

    Parameters
    ----------
    scores : float64 array (n_rows, n_windows)
        Higher is better; -inf for failed ones. No NaN.
    near : callable
        Told a first and an after-last point, returns the rows of each one's neighbours, int64
        (n, n_neighbours), -1 where there is none: `Surroundings.index`.
    n_points : int
        The points are the first rows.

    Returns
    -------
    Robustness

    Notes
    -----
    Percentile and median interpolate linearly between order statistics (Hyndman and Fan, 1996, type 7);
    one that would interpolate with -inf is -inf. A point without neighbours has its own score as robust
    score; stability and degradation of a positive one are NaN.
    """
    out = Robustness(*(np.full((n_points, scores.shape[1]), np.nan) for _ in Robustness._fields))
    for block, w, own, others, count in _neighbourhoods(scores, near, n_points):
        out.robust_score[block, w] = _robust(own, others, count)
        out.stability[block, w] = _stability(own, np.sort(others, axis=1), count)
        out.degradation[block, w] = _degradation(own, np.where(others < np.inf, others, 0.0), count)
    return out


def robust_score(scores: Floats, near: Callable[[int, int], Indices], n_points: int) -> Floats:
    """Return the `robust_score` of `robustness` alone, float64 (n_points, n_windows)."""
    out = np.empty((n_points, scores.shape[1]))
    for block, w, own, others, count in _neighbourhoods(scores, near, n_points):
        out[block, w] = _robust(own, others, count)
    return out


def _neighbourhoods(
    scores: Floats, near: Callable[[int, int], Indices], n_points: int
) -> Iterator[tuple[slice, int, Floats, Floats, Indices]]:
    """Yield each block and window with own scores, neighbours' (inf where none) and their number."""
    step = max(BLOCK_ENTRIES // (near(0, 0).shape[1] + 1), 1)
    for begin in range(0, n_points, step):
        block = slice(begin, min(begin + step, n_points))
        index = near(block.start, block.stop)
        there = index >= 0
        for w in range(scores.shape[1]):
            # absent ones sort to the end, behind every score
            yield block, w, scores[block, w], np.where(there, scores[index, w], np.inf), there.sum(axis=1)


def _robust(own: Floats, others: Floats, count: Indices) -> Floats:
    return _quantile(np.sort(np.column_stack([own, others]), axis=1), count + 1, ROBUST_QUANTILE)


def _quantile(ordered: Floats, count: Indices, q: float) -> Floats:
    """Return the quantile of each row's first `count` values, which ascend; `count` >= 1."""
    rows, place = np.arange(len(ordered)), q * (count - 1)
    below = np.floor(place).astype(np.int64)
    low, high = ordered[rows, below], ordered[rows, np.minimum(below + 1, count - 1)]
    between = (place > below) & (low > -np.inf)
    low[between] += (place - below)[between] * (high[between] - low[between])
    return low


def _stability(own: Floats, ordered: Floats, count: Indices) -> Floats:
    known = (own > 0) & (count > 0)
    out = np.where(own > 0, np.nan, 0.0)
    if known.any():
        middle = _quantile(ordered[known], count[known], 0.5)
        with np.errstate(over="ignore"):  # own next to 0
            out[known] = np.clip(middle / own[known], 0.0, 1.0)
    return out


def _degradation(own: Floats, others: Floats, count: Indices) -> Floats:
    known = (own > 0) & (count > 0)
    out = np.full(own.size, np.nan)
    with np.errstate(over="ignore"):
        out[known] = 1.0 - others[known].sum(axis=1) / count[known] / own[known]
    return out
