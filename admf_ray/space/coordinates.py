"""A space as a searcher sees it: a strategy, and a place on each of its axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.space.axis import SteppedValues
from admf_ray.space.space import Space

__all__ = ["At", "Coordinates", "Dimension"]


class At(NamedTuple):
    """Where a point of a space stands.

    Attributes
    ----------
    lattice : int
        Which of the space's lattices.
    point : int
        Index within it.
    """

    lattice: int
    point: int


class Dimension(NamedTuple):
    """One axis that a searcher chooses on.

    Attributes
    ----------
    name : str
        Unique in the space.
    axis : int
    n_values : int
    words : tuple of str
        The values where they have no order; empty for numbers, which are chosen by rank.
    """

    name: str
    axis: int
    n_values: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Coordinates:
    """Names and ranks for a searcher, and the way back to points.

    Parameters
    ----------
    space : Space

    Notes
    -----
    Ranks follow the order of values, so that near ranks are near values however they were listed;
    values on a log scale are evenly spread in ranks.
    """

    space: Space

    @cached_property
    def strategies(self) -> tuple[str, ...]:
        """A name for each lattice."""
        return tuple(f"{k}:{lattice.strategy}" for k, lattice in enumerate(self.space.lattices))

    @cached_property
    def dimensions(self) -> tuple[tuple[Dimension, ...], ...]:
        """The axes with a choice of each lattice."""
        return tuple(
            tuple(
                Dimension(f"{strategy}.{axis.name}", k, axis.size, self._words(axis.values))
                for k, axis in enumerate(lattice.axes)
                if axis.size > 1
            )
            for strategy, lattice in zip(self.strategies, self.space.lattices, strict=True)
        )

    def at(self, number: int, chosen: Mapping[str, Any]) -> At:
        """Return the point of a lattice with the chosen words and ranks, by name of dimension."""
        lattice = self.space.lattices[number]
        positions = [0] * len(lattice.axes)
        for one in self.dimensions[number]:
            value = chosen[one.name]
            positions[one.axis] = (
                one.words.index(value) if one.words else int(self._order(number, one.axis, int(value)))
            )
        return At(number, lattice.index_at(positions))

    def chosen(self, at: At) -> dict[str, Any]:
        """Return the words and ranks of a point, by name of dimension."""
        (positions,) = self.space.lattices[at.lattice].positions([at.point])
        found: dict[str, Any] = {}
        for one in self.dimensions[at.lattice]:
            position = int(positions[one.axis])
            found[one.name] = one.words[position] if one.words else self._rank(at.lattice, one.axis, position)
        return found

    @staticmethod
    def _words(values: Any) -> tuple[str, ...]:
        if isinstance(values, SteppedValues) or not isinstance(values.values[0], str):
            return ()
        return tuple(values.values)

    @cached_property
    def _orders(self) -> dict[tuple[int, int], NDArray[np.int64]]:
        return {
            (number, one.axis): np.argsort(lattice.axis_values(one.axis, np.arange(one.n_values)))
            for number, lattice in enumerate(self.space.lattices)
            for one in self.dimensions[number]
            if not one.words and not isinstance(lattice.axes[one.axis].values, SteppedValues)
        }

    def _order(self, number: int, axis: int, rank: int) -> int:
        order = self._orders.get((number, axis))
        return rank if order is None else int(order[rank])

    def _rank(self, number: int, axis: int, position: int) -> int:
        order = self._orders.get((number, axis))
        return position if order is None else int(np.flatnonzero(order == position)[0])
