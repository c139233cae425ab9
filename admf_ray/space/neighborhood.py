"""What counts as near a point: what stands within a radius of it, on the grid or between its points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf_ray.errors import ResourceError
from admf_ray.space.axis import SteppedValues
from admf_ray.space.lattice import Lattice
from admf_ray.space.parameters import Param
from admf_ray.space.surroundings import Surroundings

__all__ = ["Neighborhood"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]
Levels = NDArray[np.int32]

MOST_ROWS = 100_000_000  # 800 MB of keys
MOST_NEIGHBOURS = 1_000_000  # of one point
BLOCK_KEYS = 2**18
CLOSE_FRAC = Decimal("0.02")


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

    def count_rows_upper(self, lattice: Lattice) -> int:
        """Return a number that points and neighbours together do not exceed, from the axes alone.

        Notes
        -----
        It is the number itself where nothing is constrained and each step is a multiple of its resolution
        or the other way round; constraints make it fewer.
        """
        moving = lattice.resolutions(self.unit) if self.radius else {}
        sizes = [axis.size for axis in lattice.axes]
        levels = [
            self._count_levels(lattice, k, moving.get(axis.name)) for k, axis in enumerate(lattice.axes)
        ]
        if self.shape == "box":
            return math.prod(levels)
        beside = ((n - size) * (lattice.size // size) for n, size in zip(levels, sizes, strict=True))
        return lattice.size + sum(beside)

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
            More than 100,000,000 points and neighbours, or 1,000,000 neighbours of one point.

        Notes
        -----
        Works in blocks: memory is 8 bytes for each point and for each neighbour off the grid, twice
        while neighbours are merged, and some megabytes.
        """
        points = np.asarray(indices).reshape(-1)
        self._refuse(lattice, points.size)
        if self.count(lattice) > MOST_NEIGHBOURS:
            raise ResourceError(
                f"{lattice.strategy}: a point must have at most {MOST_NEIGHBOURS:,} neighbours, found "
                f"{self.count(lattice):,}; set neighborhood_testing.shape: star or a smaller radius"
            )
        ladders = self._ladders(lattice, points)
        levels = tuple(ladder[0] for ladder in ladders)
        if math.prod(one.size for one in levels) >= 2**63:
            raise ResourceError(
                f"{lattice.strategy}: {len(levels)} parameters have too many combinations around the grid to "
                f"number; search fewer at once or take a smaller radius"
            )
        places = {name: k for k, name in enumerate(lattice.columns)}
        alone = Surroundings(
            lattice.base,
            tuple(places[axis.name] for axis in lattice.axes),
            levels,
            np.empty(points.size, dtype=np.int64),
            points.size,
            tuple(ladder[1] for ladder in ladders),
            self.offsets(lattice),
        )
        for begin, positions in _positions(lattice, points):
            own = np.zeros(len(positions), dtype=np.int64)
            for k, stride in enumerate(alone.strides):
                own += np.searchsorted(levels[k], lattice.axis_values(k, positions[:, k])) * stride
            alone.keys[begin : begin + own.size] = own
        others = self._others(lattice, alone)
        return replace(alone, keys=np.concatenate([alone.keys, others])) if others.size else alone

    def _others(self, lattice: Lattice, alone: Surroundings) -> Indices:
        """Return the keys of admissible neighbours that are no points, ascending."""
        step = max(BLOCK_KEYS // (len(alone.offsets) + 1), 1)

        def runs() -> Iterator[Indices]:
            for begin in range(0, alone.n_points if len(alone.offsets) else 0, step):
                near = alone.spread(alone.keys[begin : begin + step], box=self.shape == "box")
                yield near[~alone.is_point(near)]

        merged = np.empty(0, dtype=np.int64)
        for merged in _merging(runs()):
            self._refuse(lattice, alone.n_points + merged.size)
        kept = np.ones(merged.size, dtype=np.bool_)
        for begin in range(0, merged.size, BLOCK_KEYS // 8):
            block = slice(begin, begin + BLOCK_KEYS // 8)
            kept[block] = lattice.fulfils(alone.of(merged[block]))
        return merged[kept]

    def _refuse(self, lattice: Lattice, n_rows: int) -> None:
        if n_rows > MOST_ROWS:
            raise ResourceError(
                f"{lattice.strategy}: points and neighbours must be at most {MOST_ROWS:,}, found more; widen "
                f"the steps, or set neighborhood_testing.resolution: grid, shape: star or a smaller radius"
            )

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

    def _ladders(self, lattice: Lattice, points: NDArray[Any]) -> list[tuple[Floats, Levels]]:
        moving = lattice.resolutions(self.unit) if self.radius else {}
        used = [np.empty(0, dtype=np.int64) for _ in lattice.axes]
        for _, positions in _positions(lattice, points):
            used = [np.union1d(one, column) for one, column in zip(used, positions.T, strict=True)]
        return [
            self._ladder(lattice, k, used[k], moving.get(axis.name)) for k, axis in enumerate(lattice.axes)
        ]

    def _ladder(self, lattice: Lattice, k: int, used: Indices, step: Decimal | None) -> tuple[Floats, Levels]:
        """Return an axis' values on and around the grid, and the level after each move from a level."""
        reach = self.radius if step is not None else 0
        moves = [(step or Decimal(0)) * move for move in range(-reach, reach + 1)]
        param = lattice.columns[lattice.axes[k].name]

        def moved(move: Decimal) -> tuple[Floats, Bools]:
            near = lattice.axis_values(k, used, move)
            if isinstance(param, Param):
                return near, (near >= param.low) & (near <= param.high)
            return near, np.ones(near.size, dtype=np.bool_)

        levels = np.empty(0)
        for move in moves:
            near, inside = moved(move)
            levels = np.union1d(levels, near[inside])
        own = np.searchsorted(levels, lattice.axis_values(k, used))
        table = np.full((levels.size, len(moves)), -1, dtype=np.int32)
        for m, move in enumerate(moves):
            near, inside = moved(move)
            table[own[inside], m] = np.searchsorted(levels, near[inside])
        return levels, table

    def _count_levels(self, lattice: Lattice, k: int, step: Decimal | None) -> int:
        values = lattice.axes[k].values
        if step is None:
            return values.size
        if not isinstance(values, SteppedValues):
            return self._ladder(lattice, k, np.arange(values.size), step)[0].size
        # all stand on multiples of the common divisor of both steps
        one, other = abs(Fraction(values.step)), Fraction(step)
        divisor = Fraction(
            math.gcd(one.numerator * other.denominator, other.numerator * one.denominator),
            one.denominator * other.denominator,
        )
        first = Fraction(values.start)
        low, high = sorted((first, first + Fraction(values.step) * (values.size - 1)))
        low, high = low - self.radius * other, high + self.radius * other
        param = lattice.columns[lattice.axes[k].name]
        assert isinstance(param, Param)
        if math.isfinite(param.low):
            low = max(low, Fraction(param.low))
        if math.isfinite(param.high):
            high = min(high, Fraction(param.high))
        return min(values.size * (2 * self.radius + 1), int((high - low) / divisor) + 1)


def _positions(lattice: Lattice, points: NDArray[Any]) -> Iterator[tuple[int, Indices]]:
    for begin in range(0, points.size, BLOCK_KEYS // 8):
        yield begin, lattice.positions(points[begin : begin + BLOCK_KEYS // 8])


def _merging(runs: Iterable[Indices]) -> Iterator[Indices]:
    """Merge ascending runs into one with each key once; yield the largest so far, all of them last."""
    stack: list[Indices] = []
    for run in runs:
        stack.append(run)
        while len(stack) > 1 and stack[-2].size <= 2 * stack[-1].size:
            stack.append(_union(stack.pop(), stack.pop()))
        yield stack[0]
    while len(stack) > 1:
        stack.append(_union(stack.pop(), stack.pop()))
        yield stack[0]


def _union(one: Indices, other: Indices) -> Indices:
    both = np.concatenate([one, other])
    both.sort(kind="stable")  # both ascend: a merge
    first = np.ones(both.size, dtype=np.bool_)
    np.not_equal(both[1:], both[:-1], out=first[1:])
    return both[first]
