"""Every row of a run that did not fail: points of the grid, their neighbours, and variants of experiments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.overfitting.excess import held_through, matched_excess
from admf_ray.analysis.overfitting.trials import distinct_sample
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.paths import points_at_a_time, returns_of
from admf_ray.phases.mined import Searched

__all__ = ["GRID", "Rows", "Subject"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GRID = "grid"
BLOCK_ROWS = 4_096
MOST_SAMPLED = 2_000
SAMPLE_BYTES = 256 * 2**20


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
        return self.searched.figures.ids

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

    def returns(self, conditions: Conditions, places: Ints) -> Iterator[Floats]:
        """Yield per-bar returns over ``full`` of rows at places in `ok`, some at a time, each (k, n_bars).

        Notes
        -----
        Of a compiled strategy they are swept again; of a plain-Python one they are stored with the rows.
        """
        chosen, stack = self.ok[places], self.searched.stack
        if stack.strategy.is_compiled():
            for begin in range(0, chosen.size, BLOCK_ROWS):
                yield from returns_of(conditions, stack, self.rows(chosen[begin : begin + BLOCK_ROWS]))
        else:
            most = points_at_a_time(conditions.windows[conditions.full].n_bars)
            stored = self.searched.figures
            yield from stored.blocks("returns", "full", chosen, most)


@dataclass(frozen=True)
class Rows:
    """The rows of some subjects that did not fail, subject by subject.

    Parameters
    ----------
    subjects : tuple of Subject
    conditions : Conditions

    Notes
    -----
    Points stand in order: a subject's grid first, then its neighbours off the grid.
    """

    subjects: tuple[Subject, ...]
    conditions: Conditions

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
        return int(self.subjects[0].searched.figures.context.slice_bars[-1])

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
        return held_through(self.conditions.market.benchmark, window.start, window.stop)

    def distinct(self, seed: int) -> Ints:
        """Return places of distinct rows that stand for all, ascending, few enough to be held together."""
        most = min(MOST_SAMPLED, max(SAMPLE_BYTES // (8 * len(self.benchmark)), 2))
        return distinct_sample(self.sums, most, seed)

    def returns(self, places: Ints | None = None) -> Iterator[tuple[Floats, Floats]]:
        """Yield (per-bar returns (n_bars, k), mean exposure (k,)) of rows, some at a time.

        Parameters
        ----------
        places : int64 array, optional
            Ascending, among all rows; every row by default.
        """
        chosen = np.arange(len(self)) if places is None else places
        for one, own in zip(self.subjects, self._split(chosen), strict=True):
            exposure, at = one.figure("mean_exposure")[own], 0
            for chunk in one.returns(self.conditions, own):
                yield chunk.T, exposure[at : at + len(chunk)]
                at += len(chunk)

    def excess(self, places: Ints | None = None) -> Iterator[Floats]:
        """Yield exposure-matched excess of rows as `returns` does their returns, each (n_bars, k)."""
        for returns, exposure in self.returns(places):
            yield matched_excess(returns, exposure, self.benchmark)

    def _split(self, places: Ints) -> tuple[Ints, ...]:
        """Return places among all rows as places in each subject's `ok`."""
        edges = np.concatenate([[0], np.cumsum(self.counts)])
        return tuple(places[(places >= a) & (places < b)] - a for a, b in pairwise(edges))
