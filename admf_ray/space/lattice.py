"""All points of a grid by index, without building them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf_ray.errors import ConfigError
from admf_ray.space.axis import Axis, SteppedValues, decimal
from admf_ray.space.constraints import evaluate_array
from admf_ray.space.expressions import names_in
from admf_ray.space.parameters import Choice, Param

__all__ = ["Constraint", "Lattice"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]

BLOCK_POINTS = 65_536
INT64_MAX = 2**63 - 1


@dataclass(frozen=True)
class Constraint:
    """An expression that admissible points fulfil.

    Parameters
    ----------
    text : str
        Over parameter names, without `prefix`.
    prefix : str
        How the names are addressed in the stack: ``risk.`` and so on; empty for full names.
    where : str
        What an error about it begins with.
    """

    text: str
    prefix: str = ""
    where: str = ""


@dataclass(frozen=True)
class Lattice:
    """Every combination of the axes' values over one strategy, indexed from 0.

    Parameters
    ----------
    strategy : str
        Registered name.
    columns : mapping of str to Param or Choice
        Every parameter by full name, in the order of a point's row.
    axes : tuple of Axis
        Checked; the first varies slowest, the last fastest.
    constraints : tuple of Constraint
    settings : mapping
        Values all points share; defaults elsewhere.

    Notes
    -----
    Nothing is built per point: 10^12 points cost what their axes cost. Indices beyond 2**63 work,
    slowly.
    """

    strategy: str
    columns: Mapping[str, Param | Choice]
    axes: tuple[Axis, ...]
    constraints: tuple[Constraint, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def size(self) -> int:
        """Number of points, admissible or not."""
        return math.prod(axis.size for axis in self.axes)

    def __len__(self) -> int:
        """Return `size` where it fits a machine word."""
        return self.size

    @cached_property
    def base(self) -> Floats:
        """The row all points share, before the axes' values, shape (n_columns,)."""
        codes = []
        for name, param in self.columns.items():
            value: Any = param.check(name, self.settings.get(name, param.default))
            codes.append(param.encode(value))
        return np.array(codes)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.columns)}

    @cached_property
    def _tables(self) -> tuple[Floats | None, ...]:
        return tuple(
            None
            if isinstance(axis.values, SteppedValues)
            else 0.0 + np.array([self.columns[axis.name].encode(v) for v in axis.values.values])  # no -0.0
            for axis in self.axes
        )

    @cached_property
    def _strides(self) -> tuple[int, ...]:
        sizes = [axis.size for axis in self.axes]
        return tuple(math.prod(sizes[k + 1 :]) for k in range(len(sizes)))

    @property
    def index_type(self) -> type[Any]:
        """What arrays of indices hold: int64, beyond 2**63 Python's numbers."""
        return np.int64 if self.size <= INT64_MAX else object

    def _indices(self, indices: ArrayLike) -> NDArray[Any]:
        array = np.asarray(indices, dtype=self.index_type).reshape(-1)
        if array.size and not 0 <= array.min() <= array.max() < self.size:
            raise IndexError(f"{self.strategy}: index out of the lattice's {self.size} points")
        return array

    def positions(self, indices: ArrayLike) -> Indices:
        """Return where on each axis the points stand, int64 (n, n_axes)."""
        places = self._indices(indices)
        columns = [self._positions(k, places) for k in range(len(self.axes))]
        return np.stack(columns, axis=1) if columns else np.empty((places.size, 0), dtype=np.int64)

    def index_at(self, positions: Sequence[int]) -> int:
        """Return the index of the point that stands at a place on each axis."""
        return sum(int(place) * stride for place, stride in zip(positions, self._strides, strict=True))

    def _positions(self, k: int, indices: NDArray[Any]) -> Indices:
        return np.asarray(indices // self._strides[k] % self.axes[k].size).astype(np.int64)

    def _codes(self, k: int, indices: NDArray[Any]) -> Floats:
        return self.axis_values(k, self._positions(k, indices))

    def axis_values(self, k: int, positions: Indices, shift: Decimal = Decimal(0)) -> Floats:
        """Return the floats of an axis' values at positions, moved by an exact decimal, shape (n,)."""
        table, values = self._tables[k], self.axes[k].values
        if isinstance(values, SteppedValues):
            return values.shifted(shift).at(positions)
        assert table is not None
        if not shift:
            return np.asarray(table[positions])
        return np.array([float(decimal(values.values[p]) + shift) for p in positions], dtype=np.float64)

    def values(self, indices: ArrayLike) -> Floats:
        """Return points as rows of floats for a component stack.

        Parameters
        ----------
        indices : int64 (n,)

        Returns
        -------
        float64 (n, n_columns)
            Columns in the order of `columns`; words as their option's number.

        Raises
        ------
        IndexError
            Outside the lattice.
        """
        places = self._indices(indices)
        rows = np.tile(self.base, (places.size, 1))
        for k, axis in enumerate(self.axes):
            rows[:, self._places[axis.name]] = self._codes(k, places)
        return rows

    def point(self, index: int) -> dict[str, Any]:
        """Return the axes' values at an index, by full name."""
        places = self._indices([index])
        return {
            axis.name: self.columns[axis.name].decode(float(self._codes(k, places)[0]))
            for k, axis in enumerate(self.axes)
        }

    def index_of(self, point: Mapping[str, Any]) -> int | None:
        """Return the index of the values, by full name, or None for a point that is not on the lattice."""
        index = 0
        for axis, stride, table in zip(self.axes, self._strides, self._tables, strict=True):
            code = self.columns[axis.name].encode(point[axis.name])
            if table is not None:
                found = np.flatnonzero(table == code)
                position = int(found[0]) if found.size else -1
            else:
                assert isinstance(axis.values, SteppedValues)
                steps = (Decimal(repr(code)) - axis.values.start) / axis.values.step
                position = int(steps.to_integral_value()) if 0 <= steps < axis.size else -1
                if position >= 0 and axis.values.value(position) != code:
                    position = -1
            if position < 0:
                return None
            index += position * stride
        return index

    def admissible(self, indices: ArrayLike) -> Bools:
        """Tell which points fulfil every constraint, bool (n,)."""
        places = self._indices(indices)
        by_name = {axis.name: k for k, axis in enumerate(self.axes)}

        def column(name: str) -> NDArray[Any]:
            param = self.columns[name]
            if name in by_name:
                codes = self._codes(by_name[name], places)
            else:
                codes = np.full(places.size, self.base[self._places[name]])
            if isinstance(param, Choice):
                return np.array(param.options)[codes.astype(np.int64)]
            return codes

        return self._filter(places.size, column)

    def fulfils(self, rows: Floats) -> Bools:
        """Tell which rows of floats, on the lattice or off it, fulfil every constraint, bool (n,)."""

        def column(name: str) -> NDArray[Any]:
            codes, param = rows[:, self._places[name]], self.columns[name]
            if isinstance(param, Choice):
                return np.array(param.options)[codes.astype(np.int64)]
            return codes

        return self._filter(len(rows), column)

    def _filter(self, n: int, column: Callable[[str], NDArray[Any]]) -> Bools:
        kept = np.ones(n, dtype=np.bool_)
        for one in self.constraints:
            names = names_in(one.text)
            if not names:
                raise ConfigError(
                    f"{one.where or self.strategy}: constraint {one.text!r} must name a parameter; name one"
                )
            kept &= evaluate_array(one.text, {name: column(one.prefix + name) for name in names})
        return kept

    def blocks(
        self, start: int = 0, stop: int | None = None, points: int = BLOCK_POINTS
    ) -> Iterator[Indices]:
        """Yield the admissible indices of a range in order, block by block.

        Parameters
        ----------
        start, stop : int
            Range of indices; all by default.
        points : int
            Indices looked at together; memory is bounded by it. Blocks without any are left out.

        Yields
        ------
        int64 (n,)
        """
        stop = self.size if stop is None else min(stop, self.size)
        for begin in range(start, stop, points):
            indices = np.arange(begin, min(begin + points, stop), dtype=self.index_type)
            kept = indices[self.admissible(indices)]
            if kept.size:
                yield kept

    def resolutions(self, unit: Literal["unit", "grid"] = "unit") -> dict[str, Decimal]:
        """Return each searched number's unit of the neighborhood.

        Parameters
        ----------
        unit : {"unit", "grid"}
            1 for whole numbers, or the grid's step for all.

        Returns
        -------
        dict of str to Decimal
            In axes' order. A declared resolution goes first; other numbers have their step or smallest
            gap. Words and fixed values without a declared one have none: they stay as they are.
        """
        found: dict[str, Decimal] = {}
        for axis in self.axes:
            param, gap = self.columns[axis.name], axis.values.gap
            if axis.resolution is not None:
                found[axis.name] = axis.resolution
            elif isinstance(param, Param) and gap is not None:
                found[axis.name] = Decimal(1) if param.whole and unit == "unit" else gap
        return found
