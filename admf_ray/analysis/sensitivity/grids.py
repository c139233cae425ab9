"""Scores over two parameters at a time, and over one through a point."""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.parameters import ParameterTable

__all__ = ["Levels", "PairGrid", "Slice", "levels_of", "pair_grids", "slices_through"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# More values than this on one side cannot be told apart in a figure, and n x n cells would fill memory.
MOST_LEVELS = 200


class Levels(NamedTuple):
    """The distinct values of a parameter, or ranges of them.

    Attributes
    ----------
    low, high : float64 arrays (n_levels,)
        First and last value of each level, equal unless `merged`.
    of : int64 array (n_points,)
        Each point's level.
    merged : bool
        Whether neighbouring values share a level because there are more than `MOST_LEVELS`.
    """

    low: Floats
    high: Floats
    of: Indices
    merged: bool


class PairGrid(NamedTuple):
    """Scores over two parameters; all others are reduced by median and lower quartile.

    Attributes
    ----------
    first, second : int
        Places of the two parameters.
    rows_at, columns_at : Levels
        Values of the first and of the second parameter.
    median, lower_quartile : float64 arrays (n_first, n_second)
        Of the score; NaN where no point has one.
    robust_median, robust_lower_quartile : float64 arrays (n_first, n_second)
        Of the robust score.
    counts : int64 array (n_first, n_second)
        Points with a score.
    failed : int64 array (n_first, n_second)
        Points without one, left out of the figures.
    """

    first: int
    second: int
    rows_at: Levels
    columns_at: Levels
    median: Floats
    lower_quartile: Floats
    robust_median: Floats
    robust_lower_quartile: Floats
    counts: Indices
    failed: Indices

    def rows(self, points: ParameterTable) -> list[dict[str, Any]]:
        """Return a row per cell that has a point; where levels are merged, values are the lowest of each."""
        a, b = self.first, self.second
        return [
            {
                "first": points.names[a],
                "second": points.names[b],
                "first_value": points.cell(a, self.rows_at.low[i]),
                "second_value": points.cell(b, self.columns_at.low[j]),
                "median": float(self.median[i, j]),
                "lower_quartile": float(self.lower_quartile[i, j]),
                "robust_median": float(self.robust_median[i, j]),
                "robust_lower_quartile": float(self.robust_lower_quartile[i, j]),
                "points": int(self.counts[i, j]),
                "failed": int(self.failed[i, j]),
            }
            for i, j in np.argwhere(self.counts + self.failed)
        ]


class Slice(NamedTuple):
    """Scores along one parameter, all others as at a point.

    Attributes
    ----------
    parameter : int
        Its place.
    points : int64 array (n_values,)
        Places of the points, by ascending value; failed ones too.
    values, score, robust_score : float64 arrays (n_values,)
        Scores of failed points are NaN.
    """

    parameter: int
    points: Indices
    values: Floats
    score: Floats
    robust_score: Floats

    def rows(self, points: ParameterTable) -> list[dict[str, Any]]:
        """Return a row per value."""
        k = self.parameter
        return [
            {
                "parameter": points.names[k],
                "value": points.cell(k, value),
                "point": int(point),
                "score": float(score),
                "robust_score": float(robust),
            }
            for point, value, score, robust in zip(*self[1:], strict=True)
        ]


def levels_of(values: Floats, *, words: bool = False) -> Levels:
    """Return a parameter's levels.

    Parameters
    ----------
    values : float64 array (n_points,)
        No NaN.
    words : bool
        Words are never merged.

    Examples
    --------
    >>> levels_of(np.array([3.0, 1.0, 3.0])).of.tolist()
    [1, 0, 1]
    """
    distinct, of = np.unique(values, return_inverse=True)
    n = len(distinct)
    if words or n <= MOST_LEVELS:
        return Levels(distinct, distinct, of.astype(np.int64), False)
    level = np.arange(n) * MOST_LEVELS // n
    firsts = np.searchsorted(level, np.arange(MOST_LEVELS))
    lasts = np.append(firsts[1:], n) - 1
    return Levels(distinct[firsts], distinct[lasts], level[of], True)


def pair_grids(points: ParameterTable, score: Floats, robust_score: Floats) -> tuple[PairGrid, ...]:
    """Return the grid of every pair of parameters; none where there is only one.

    Parameters
    ----------
    points : ParameterTable
    score, robust_score : float64 arrays (n_points,)
        Points whose score is not finite are left out and counted; a robust score that is not finite is
        left out of its own figures only.

    Notes
    -----
    Quantiles interpolate linearly between order statistics. O(n_pairs x n_points log n_points).
    """
    sides = [
        levels_of(column, words=words is not None)
        for column, words in zip(points.values.T, points.words, strict=True)
    ]
    return tuple(
        _pair(a, b, sides[a], sides[b], score, robust_score) for a, b in combinations(range(len(sides)), 2)
    )


def _pair(a: int, b: int, x: Levels, y: Levels, score: Floats, robust_score: Floats) -> PairGrid:
    shape = len(x.low), len(y.low)
    cell, n = x.of * shape[1] + y.of, shape[0] * shape[1]
    known = np.isfinite(score)
    sure = known & np.isfinite(robust_score)
    plain = _quartiles(cell[known], n, score[known])
    robust = _quartiles(cell[sure], n, robust_score[sure])
    counts, failed = (np.bincount(cell[which], minlength=n).reshape(shape) for which in (known, ~known))
    middle, lower, robust_middle, robust_lower = (one.reshape(shape) for one in (*plain, *robust))
    return PairGrid(a, b, x, y, middle, lower, robust_middle, robust_lower, counts, failed)


def _quartiles(cell: Indices, n_cells: int, values: Floats) -> tuple[Floats, Floats]:
    """Return each cell's median and lower quartile, NaN in empty ones."""
    ordered = values[np.lexsort((values, cell))]
    counts = np.bincount(cell, minlength=n_cells)
    first = np.cumsum(counts) - counts
    some = counts > 0
    out = []
    for q in (0.5, 0.25):
        place = q * (counts[some] - 1)
        below = np.floor(place).astype(np.int64)
        low = ordered[first[some] + below]
        high = ordered[first[some] + np.minimum(below + 1, counts[some] - 1)]
        figure = np.full(n_cells, np.nan)
        figure[some] = low + (place - below) * (high - low)
        out.append(figure)
    return out[0], out[1]


def slices_through(points: ParameterTable, score: Floats, robust_score: Floats, at: int) -> tuple[Slice, ...]:
    """Return, per parameter, the points that differ from point `at` in that one alone, itself included."""
    same = points.values == points.values[at]
    out = []
    for k in range(len(points.names)):
        places = np.flatnonzero(np.delete(same, k, axis=1).all(axis=1))
        places = places[np.argsort(points.values[places, k], kind="stable")]
        scores = [np.where(np.isfinite(one[places]), one[places], np.nan) for one in (score, robust_score)]
        out.append(Slice(k, places, points.values[places, k], scores[0], scores[1]))
    return tuple(out)
