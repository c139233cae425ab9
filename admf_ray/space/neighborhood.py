"""The surroundings of points: what stands within a radius of each, on the grid or between its points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf_ray.errors import ResourceError
from admf_ray.space.lattice import Lattice
from admf_ray.space.parameters import Param

__all__ = ["Neighborhood", "Surroundings"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]

MOST_ENTRIES = 2**27  # of the index table: 1 GiB
CLOSE_FRAC = Decimal("0.02")


@dataclass(frozen=True)
class Surroundings:
    """Points and all their neighbours, each once.

    Attributes
    ----------
    rows : float64 array (n_rows, n_columns)
        The points in the order given, then the other neighbours in ascending order of their values,
        the first axis first.
    n_points : int
    index : int64 array (n_points, n_neighbours)
        Rows of each point's neighbours in the order of `Neighborhood.offsets`; -1 where there is none.
    """

    rows: Floats
    n_points: int
    index: Indices


@dataclass(frozen=True)
class Neighborhood:
    """What counts as near.

    Parameters
    ----------
    radius : int
        Chebyshev radius in units of each parameter's resolution; 0 for no neighbours.
    shape : {"box", "star"}
        All combinations, or one parameter at a time.
    unit : {"unit", "grid"}
        See `Lattice.resolutions`.

    Notes
    -----
    Neighbours are moved in exact decimals, so one that stands on the grid has the grid's bits. They lie
    within the parameters' bounds and fulfil the constraints; the centre is no neighbour of itself.
    """

    radius: int
    shape: Literal["box", "star"] = "box"
    unit: Literal["unit", "grid"] = "unit"

    def count(self, lattice: Lattice) -> int:
        """Return the most neighbours that a point of the lattice can have.

        Examples
        --------
        >>> lattice = Lattice("s", {"a": Param(1), "b": Param(1)}, ())
        >>> Neighborhood(2).count(lattice)
        0
        """
        n = len(lattice.resolutions(self.unit))
        return (2 * self.radius + 1) ** n - 1 if self.shape == "box" else 2 * self.radius * n

    def offsets(self, lattice: Lattice) -> Indices:
        """Return the moves to the neighbours in resolutions, ascending, shape (n_neighbours, n_axes)."""
        moving = lattice.resolutions(self.unit)
        steps = range(-self.radius, self.radius + 1)
        if self.shape == "box":
            every = product(*(steps if axis.name in moving else (0,) for axis in lattice.axes))
            found = [move for move in every if any(move)]
        else:
            places = [k for k, axis in enumerate(lattice.axes) if axis.name in moving]
            found = sorted(
                tuple(step if k == place else 0 for k in range(len(lattice.axes)))
                for place in places
                for step in steps
                if step
            )
        return np.array(found, dtype=np.int64).reshape(len(found), len(lattice.axes))

    def around(self, lattice: Lattice, indices: ArrayLike) -> Surroundings:
        """Return points of a lattice with all their neighbours.

        Parameters
        ----------
        lattice : Lattice
        indices : int64 (n_points,)
            Admissible and distinct.

        Raises
        ------
        ResourceError
            More neighbours than memory holds.
        """
        points = lattice.values(indices)
        n, per_point = len(points), self.count(lattice)
        if n * per_point > MOST_ENTRIES:
            raise ResourceError(
                f"{lattice.strategy}: {n:,} points with up to {per_point:,} neighbours each are more than "
                f"the {MOST_ENTRIES:,} of one machine's run; set neighborhood_testing.shape: star or a "
                f"smaller radius"
            )
        ladders = self._ladders(lattice, lattice.positions(indices))
        strides = _strides([ladder.levels.size for ladder in ladders], lattice.strategy)
        offsets = self.offsets(lattice)
        keys = np.full((n, per_point), -1, dtype=np.int64)
        for m, move in enumerate(offsets):
            key, inside = np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.bool_)
            for ladder, stride, step in zip(ladders, strides, move, strict=True):
                level = ladder.at(int(step))
                inside &= level >= 0
                key += level * stride
            keys[inside, m] = key[inside]
        own = sum(
            (ladder.at(0) * stride for ladder, stride in zip(ladders, strides, strict=True)),
            start=np.zeros(n, dtype=np.int64),
        )
        near = np.unique(keys)
        others = np.setdiff1d(near[near >= 0], own, assume_unique=True)
        rows = np.tile(lattice.base, (others.size, 1))
        columns = list(lattice.columns)
        for axis, ladder, stride in zip(lattice.axes, ladders, strides, strict=True):
            rows[:, columns.index(axis.name)] = ladder.levels[others // stride % ladder.levels.size]
        kept = lattice.fulfils(rows)
        known = np.concatenate([own, others[kept]])
        return Surroundings(np.concatenate([points, rows[kept]]), n, _found(keys, known))

    def remarks(self, lattice: Lattice) -> list[str]:
        """Return a warning for each parameter whose neighbours are too near to prove much."""
        found = []
        moving = lattice.resolutions(self.unit) if self.radius else {}
        for axis in lattice.axes:
            step = moving.get(axis.name)
            if step is None:
                continue
            largest = axis.values.largest
            if float(step) < float(CLOSE_FRAC) * largest:
                found.append(
                    f"{lattice.strategy}.{axis.name}: a neighbour is {step} away, under 2 % of values beyond "
                    f"{float(step / CLOSE_FRAC):g} (largest {largest:g}): so near, it proves little; set "
                    f"neighborhood_testing.resolution: grid or the parameter's own resolution"
                )
        return found

    def _ladders(self, lattice: Lattice, positions: Indices) -> list[_Ladder]:
        moving = lattice.resolutions(self.unit)
        ladders = []
        for k, axis in enumerate(lattice.axes):
            used, place = np.unique(positions[:, k], return_inverse=True)
            reach = self.radius if axis.name in moving else 0
            step, param = moving.get(axis.name, Decimal(0)), lattice.columns[axis.name]
            near = np.stack(
                [lattice.axis_values(k, used, step * move) for move in range(-reach, reach + 1)], axis=1
            )
            inside = np.ones(near.shape, dtype=np.bool_)
            if isinstance(param, Param):
                inside = (near >= param.low) & (near <= param.high)
            levels = np.unique(near[inside])
            table = np.where(inside, np.searchsorted(levels, near), -1)
            ladders.append(_Ladder(levels, table, place, reach))
        return ladders


@dataclass(frozen=True)
class _Ladder:
    """One axis' values on and around the grid, ascending, and the way from each point to them.

    Attributes
    ----------
    levels : float64 array (n_levels,)
    table : int64 array (n_used, 2 * reach + 1)
        Level of each used value after each move; -1 out of bounds.
    place : int64 array (n_points,)
        Row of `table` of each point.
    reach : int
    """

    levels: Floats
    table: Indices
    place: Indices
    reach: int

    def at(self, move: int) -> Indices:
        """Return every point's level after a move, -1 out of bounds."""
        return np.asarray(self.table[self.place, self.reach + move])


def _strides(sizes: list[int], strategy: str) -> list[int]:
    if math.prod(sizes) >= 2**63:
        raise ResourceError(
            f"{strategy}: {len(sizes)} parameters have too many combinations around the grid to number; "
            f"search fewer at once or take a smaller radius"
        )
    return [math.prod(sizes[k + 1 :]) for k in range(len(sizes))]


def _found(keys: Indices, known: Indices) -> Indices:
    """Return where in `known` each key stands, -1 where it does not."""
    order = np.argsort(known)
    ordered = known[order]
    place = np.minimum(np.searchsorted(ordered, keys), known.size - 1)
    return np.where((keys >= 0) & (ordered[place] == keys), order[place], -1)
