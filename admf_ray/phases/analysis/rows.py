"""Every row of a run that did not fail: points of the grid, their neighbours, and variants of experiments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.conditions import Conditions
from admf_ray.engine.paths import returns_of
from admf_ray.phases.mined import Searched

__all__ = ["GRID", "Rows", "Subject"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GRID = "grid"
BLOCK_ROWS = 4_096
MOST_REPLAYED = 200  # rows of a plain-Python strategy whose returns are made again


@dataclass(frozen=True)
class Subject:
    """One searched strategy and where it comes from.

    Attributes
    ----------
    source : str
        ``grid``, or the experiment whose variant it is.
    searched : Searched
    """

    source: str
    searched: Searched

    @property
    def label(self) -> str:
        """The strategy, and the experiment of a variant in brackets."""
        name = self.searched.stack.strategy.label()
        return name if self.source == GRID else f"{name} [{self.source}]"

    @cached_property
    def ids(self) -> Ints:
        """Numbers of all rows, (n_rows,)."""
        found: Ints = self.searched.figures.ids  # type: ignore[attr-defined]  # rows of a run are StoredPoints
        return found

    @cached_property
    def ok(self) -> Ints:
        """Rows that have figures, int64 (n_ok,): failed points are counted as trials and left out here."""
        return np.flatnonzero(np.isfinite(self.searched.figure("final_equity", "full")))

    @cached_property
    def sums(self) -> Floats:
        """Slice sums of the rows in `ok`, without the remainder in front, (n_ok, n_slices, 2)."""
        both = self.searched.figures.columns(["slice_sum", "slice_square_sum"], "full")
        whole = np.stack([both["slice_sum"], both["slice_square_sum"]], axis=-1)[self.ok]
        return np.ascontiguousarray(whole[:, 1:])

    def figure(self, name: str) -> Floats:
        """Return a figure of the window ``full`` of the rows in `ok`, (n_ok,)."""
        return self.searched.figure(name, "full")[self.ok]

    def rows(self, places: Ints) -> Floats:
        """Return rows of the stack, (n, n_columns)."""
        points = self.searched.points
        return points.of(points.keys[places])


@dataclass(frozen=True)
class Rows:
    """The rows of some subjects that did not fail, subject by subject.

    Parameters
    ----------
    subjects : tuple of Subject
    conditions : Conditions
    seed : int
        Of the rows drawn of a plain-Python strategy.

    Notes
    -----
    Points stand in order: a subject's grid first, then its neighbours off the grid.
    """

    subjects: tuple[Subject, ...]
    conditions: Conditions
    seed: int

    @cached_property
    def counts(self) -> Ints:
        """Rows of each subject."""
        return np.array([one.ok.size for one in self.subjects], dtype=np.int64)

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.counts.sum())

    @property
    def slice_bars(self) -> int:
        """Bars of each slice."""
        return int(self.subjects[0].searched.figures.context.slice_bars[-1])  # type: ignore[attr-defined]  # as above

    @cached_property
    def sums(self) -> Floats:
        """Slice sums, (n_rows, n_slices, 2)."""
        return np.concatenate([one.sums for one in self.subjects])

    def figure(self, name: str) -> Floats:
        """Return a figure of the window ``full``, (n_rows,)."""
        return np.concatenate([one.figure(name) for one in self.subjects])

    @cached_property
    def benchmark(self) -> Floats:
        """Buy-and-hold return of each bar of ``full``, 0 in the first, which no account holds through."""
        window = self.conditions.windows[self.conditions.full]
        found = self.conditions.market.benchmark[window.start : window.stop].copy()
        found[0] = 0.0
        return found

    @cached_property
    def regenerated(self) -> tuple[Ints, ...]:
        """Per subject, the places in `ok` whose returns are made again: all, or a draw of plain Python's."""
        random = np.random.default_rng(self.seed)
        found = []
        for one in self.subjects:
            n = one.ok.size
            if one.searched.stack.strategy.is_compiled() or n <= MOST_REPLAYED:
                found.append(np.arange(n))
            else:
                found.append(np.sort(random.choice(n, MOST_REPLAYED, replace=False)))
        return tuple(found)

    def returns(self, places: Sequence[Ints] | None = None) -> Iterator[tuple[Floats, Floats]]:
        """Yield (per-bar returns (n_bars, k), mean exposure (k,)) of rows, some at a time.

        Parameters
        ----------
        places : sequence of int64 arrays, optional
            Per subject, places in its `ok`; `regenerated` by default.
        """
        chosen = self.regenerated if places is None else places
        for one, own in zip(self.subjects, chosen, strict=True):
            exposure = one.figure("mean_exposure")
            for begin in range(0, own.size, BLOCK_ROWS):
                some = own[begin : begin + BLOCK_ROWS]
                at = 0
                for chunk in returns_of(self.conditions, one.searched.stack, one.rows(one.ok[some])):
                    yield chunk.T, exposure[some[at : at + len(chunk)]]
                    at += len(chunk)

    def split(self, places: Ints) -> tuple[Ints, ...]:
        """Return places among all rows as places in each subject's `ok`."""
        edges = np.concatenate([[0], np.cumsum(self.counts)])
        return tuple(places[(places >= a) & (places < b)] - a for a, b in pairwise(edges))
