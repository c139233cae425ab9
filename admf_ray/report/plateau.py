"""Geometry of a heatmap: cells of a grid, a plateau's outline, how far a neighbourhood reaches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from admf_ray.analysis.sensitivity.grids import levels_of

__all__ = ["KEPT_FRAC", "MOST_LEVELS", "Side", "cells", "edges_of", "plateau_of", "reach", "side_of"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MOST_LEVELS = 60  # more on one side of a chart cannot be told apart

KEPT_FRAC = 0.8
"""What a cell of the plateau keeps of the chosen point's robust score."""


class Side(NamedTuple):
    """A parameter as the side of a heatmap, its values equally far apart.

    Attributes
    ----------
    name : str
    labels : list of str
        One a level.
    of : int64 array (n_points,)
        Each point's level.
    at : float64 array (n_levels,) or None
        The levels' values; None for words.
    """

    name: str
    labels: list[str]
    of: NDArray[np.int64]
    at: Floats | None


def side_of(name: str, values: pd.Series) -> Side:
    """Return a parameter's levels; more than 60 numbers share levels, each named by its lowest."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        low, _, of, _ = levels_of(values.to_numpy(dtype=np.float64))
        n, most = len(low), min(len(low), MOST_LEVELS)
        level = np.arange(n) * most // n
        low = low[np.searchsorted(level, np.arange(most))]
        return Side(name, [f"{one:g}" for one in low], level[of], low)
    codes, words = pd.factorize(values.astype(str))
    return Side(name, [str(one) for one in words], codes.astype(np.int64), None)


def cells(x: Side, y: Side, values: Floats) -> Floats:
    """Return the median of the points in each cell, (n_y, n_x); NaN where no point has a value.

    Examples
    --------
    >>> x, y = side_of("x", pd.Series([1, 2, 1])), side_of("y", pd.Series([5, 5, 5]))
    >>> cells(x, y, np.array([1.0, 2.0, 3.0])).tolist()
    [[2.0, 2.0]]
    """
    out = np.full((len(y.labels), len(x.labels)), np.nan)
    known = np.isfinite(values)
    frame = pd.DataFrame({"y": y.of[known], "x": x.of[known], "value": values[known]})
    middle = frame.groupby(["y", "x"])["value"].median()
    out[middle.index.get_level_values("y"), middle.index.get_level_values("x")] = middle.to_numpy()
    return out


def plateau_of(robust: Floats, row: int, column: int) -> Mask:
    """Return the cells connected side by side with the chosen one that keep `KEPT_FRAC` of its robust score.

    Parameters
    ----------
    robust : float64 array (n_y, n_x)
    row, column : int
        The chosen point's cell.

    Returns
    -------
    bool array (n_y, n_x)
        All False where the chosen point's score is not above 0: nothing to keep.
    """
    from scipy.ndimage import label

    peak = robust[row, column]
    if not peak > 0:
        return np.zeros(robust.shape, dtype=np.bool_)
    groups, _ = label(np.nan_to_num(robust, nan=-np.inf) >= KEPT_FRAC * peak)
    found: Mask = groups == groups[row, column]
    return found


def edges_of(inside: Mask) -> tuple[list[float | None], list[float | None]]:
    """Return the outline of cells as x and y of line pieces, None between them.

    Examples
    --------
    >>> len(edges_of(np.array([[True, True]]))[0]) // 3
    6
    """
    xs: list[float | None] = []
    ys: list[float | None] = []
    framed = np.pad(inside, 1)
    for row, column in np.argwhere(framed[:, 1:] != framed[:, :-1]):  # a vertical edge between two columns
        xs += [float(column) - 0.5, float(column) - 0.5, None]
        ys += [float(row) - 1.5, float(row) - 0.5, None]
    for row, column in np.argwhere(framed[1:] != framed[:-1]):
        xs += [float(column) - 1.5, float(column) - 0.5, None]
        ys += [float(row) - 0.5, float(row) - 0.5, None]
    return xs, ys


def reach(side: Side, value: float, stored: Floats, radius: int) -> tuple[float, float]:
    """Return from where to where a neighbourhood reaches, in levels of the side.

    Parameters
    ----------
    side : Side
        Of numbers.
    value : float
        The chosen point's.
    stored : float64 array
        The parameter's values over all stored points, neighbours off the grid included: the nearest beside
        `value` is one resolution away.
    radius : int

    Notes
    -----
    Half a resolution is added on both sides, as a cell's edge stands half a step from its middle.

    Examples
    --------
    >>> side = side_of("fast", pd.Series([5, 10, 15]))
    >>> reach(side, 10.0, np.array([5.0, 9.0, 10.0, 11.0, 15.0]), 1)
    (0.7, 1.3)
    """
    assert side.at is not None
    known = np.unique(stored)
    below, above = known[known < value][::-1], known[known > value]
    steps = [abs(float(one[0]) - value) for one in (below, above) if one.size]
    half = 0.5 * min(steps) if steps else 0.0
    low = (float(below[:radius][-1]) if below.size and radius else value) - half
    high = (float(above[:radius][-1]) if above.size and radius else value) + half
    return _level(side.at, low), _level(side.at, high)


def _level(at: Floats, value: float) -> float:
    """Return where a value stands among levels, between them by share, beyond the ends at their edge."""
    if len(at) < 2 or value < at[0] or value > at[-1]:
        return -0.5 if value < at[0] else len(at) - 0.5 if value > at[-1] else 0.0
    return round(float(np.interp(value, at, np.arange(len(at)))), 6)
