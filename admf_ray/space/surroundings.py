"""Points and their neighbours as one number each, turned into rows of floats where they are needed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows", "Surroundings"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]
Levels = NDArray[np.int32]


@dataclass(frozen=True)
class Rows:
    """Rows of floats, each kept as one number.

    Parameters
    ----------
    base : float64 array (n_columns,)
        What all rows share.
    columns : tuple of int
        Column of each axis.
    levels : tuple of float64 arrays
        The values that each axis takes, ascending.
    keys : int64 array (n_rows,)
        Levels of all axes in one number, the first axis first.

    Notes
    -----
    Costs 8 bytes a row and the levels, in memory and pickled.
    """

    base: Floats
    columns: tuple[int, ...]
    levels: tuple[Floats, ...]
    keys: Indices

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.keys.size

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """Distance in keys of two neighbouring levels of each axis."""
        sizes = [levels.size for levels in self.levels]
        return tuple(math.prod(sizes[k + 1 :]) for k in range(len(sizes)))

    def places(self, k: int, keys: Indices) -> Indices:
        """Return which level of an axis each key stands on."""
        return np.asarray(keys // self.strides[k] % self.levels[k].size)

    def of(self, keys: Indices) -> Floats:
        """Return the rows of keys, shape (n, n_columns)."""
        rows = np.tile(self.base, (keys.size, 1))
        for k, column in enumerate(self.columns):
            rows[:, column] = self.levels[k][self.places(k, keys)]
        return rows

    def rows(self, begin: int = 0, end: int | None = None) -> Floats:
        """Return a range of rows for a component stack, float64 (n, n_columns); all by default."""
        return self.of(self.keys[begin:end])

    def part(self, begin: int, end: int) -> Rows:
        """Return a range of rows as `Rows` that stand for themselves, small to send."""
        return Rows(self.base, self.columns, self.levels, self.keys[begin:end])


@dataclass(frozen=True)
class Surroundings(Rows):
    """Points and all their neighbours, each once.

    The rows are the points in the order given, then the other neighbours in ascending order of their
    values, the first axis first.

    Parameters
    ----------
    base, columns, levels, keys
        See `Rows`.
    n_points : int
    moved : tuple of int32 arrays (n_levels, 2 * reach + 1)
        Level after each move from a level of the grid; -1 out of bounds, and from other levels.
    offsets : int64 array (n_neighbours, n_axes)
        Moves to the neighbours, in resolutions.

    Notes
    -----
    Who is whose neighbour is computed when asked for: points times neighbours are never held. Costs 8
    bytes a row, and while `index` is used 8 more.
    """

    n_points: int
    moved: tuple[Levels, ...]
    offsets: Indices

    def index(self, begin: int, end: int) -> Indices:
        """Return the rows of the neighbours of a range of points.

        Returns
        -------
        int64 (n, n_neighbours)
            In the order of `offsets`; -1 where there is none.
        """
        keys = self.keys[begin : min(end, self.n_points)]
        found = np.empty((keys.size, len(self.offsets)), dtype=np.int64)
        steps = [self._steps(k, keys) for k in range(len(self.levels))]
        for m, offset in enumerate(self.offsets):
            key, inside = keys.copy(), np.ones(keys.size, dtype=np.bool_)
            for k in np.flatnonzero(offset):
                distance, there = steps[k]
                column = offset[k] + len(there) // 2
                key += distance[column]
                inside &= there[column]
            key[~inside] = 0
            found[:, m] = np.where(inside, self._find(key), -1)
        return found

    def spread(self, keys: Indices, *, box: bool) -> Indices:
        """Return points' keys with those of their neighbours, ascending, each once."""
        if not box:
            every = [self._along(k, keys) for k in range(len(self.levels))]
            return np.unique(np.concatenate([keys, *every]))
        for k in range(len(self.levels)):
            keys = self._along(k, keys)
        return keys

    def is_point(self, keys: Indices) -> Bools:
        """Tell which keys are points."""
        if not self.n_points:
            return np.zeros(keys.size, dtype=np.bool_)
        own = self.keys[: self.n_points]
        return np.asarray(own[self._place(keys)] == keys)

    def _along(self, k: int, keys: Indices) -> Indices:
        distance, there = self._steps(k, keys)
        return np.unique((keys + distance)[there])

    def _steps(self, k: int, keys: Indices) -> tuple[Indices, Bools]:
        """Return what each move along an axis adds to keys, and where it stays inside, (n_moves, n)."""
        place = self.places(k, keys)
        level = self.moved[k].T[:, place].astype(np.int64)
        return (level - place) * self.strides[k], level >= 0

    def _find(self, keys: Indices) -> Indices:
        """Return the row of each key, -1 where there is none."""
        if self._lookup is not None:
            return self._lookup[keys].astype(np.int64)
        place = self._place(keys)
        found = np.where(self.keys[place] == keys, place, -1)
        others = self.keys[self.n_points :]
        if others.size:
            place = np.minimum(np.searchsorted(others, keys), others.size - 1)
            found = np.where(others[place] == keys, self.n_points + place, found)
        return found

    def _place(self, keys: Indices) -> Indices:
        """Return the point that each key is, if it is one."""
        own = self.keys[: self.n_points]
        place = np.minimum(np.searchsorted(own, keys, sorter=self._order), own.size - 1)
        return place if self._order is None else self._order[place]

    @cached_property
    def _order(self) -> Indices | None:
        own = self.keys[: self.n_points]
        return None if (own[:-1] < own[1:]).all() else np.argsort(own)

    @cached_property
    def _lookup(self) -> Levels | None:
        """Row of every key there can be, where most keys have one."""
        n_keys = math.prod(levels.size for levels in self.levels)
        if n_keys > 2 * len(self):
            return None
        table = np.full(n_keys, -1, dtype=np.int32)
        table[self.keys] = np.arange(len(self), dtype=np.int32)
        return table
