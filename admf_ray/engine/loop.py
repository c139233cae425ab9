"""The compiled loop over points: prepared, swept and told to a record as they come."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.conditions import Part
from admf_ray.engine.failures import COMPILE_ERRORS, explain
from admf_ray.engine.inputs import Table, Windows, market_flags, tables
from admf_ray.engine.stack import Stack
from admf_ray.market import Window
from admf_ray.rules.metrics import METRICS, TAIL_METRICS
from admf_ray.rules.regimes import REGIME_SUMS

__all__ = ["LIMIT_BYTES", "Figures", "Record", "sweep_into"]

Floats = NDArray[np.float64]
Points = NDArray[np.intp]
CHUNK_POINTS = 256
FIRST_POINTS = 16
CHUNK_S = 0.02
LIMIT_BYTES = 256 * 2**20


class Figures(NamedTuple):
    """What points gave in some windows.

    Attributes
    ----------
    metrics : float64 array (n, n_windows, n_metrics)
    slices : float64 array (n, n_windows, n_slices, 2)
    split : float64 array (n, n_regimes + 1, 4) or None
        By regime; None where ``full`` is not among the windows.
    returns : float64 array (n, n_bars) or None
        Per bar of ``full``, where they are kept.
    """

    metrics: Floats
    slices: Floats
    split: Floats | None
    returns: Floats | None = None


class Record(Protocol):
    """What takes a sweep's results as they come."""

    control: NDArray[np.int64]

    def at_work(self, points: Points, running: bool = False) -> None:
        """Points are prepared, or (`running`) swept: ``control[1]`` counts within them."""

    def beat(self) -> None:
        """Something was prepared."""

    def open(self, points: Points) -> Points:
        """Return the points that have not failed."""

    def keep(self, points: Points, columns: Points, figures: Figures, last: bool) -> None:
        """Take points' figures in some windows; `last`: there are no others."""

    def failed(self, points: Points, error: BaseException) -> None:
        """Take a compiled rule's exception, or raise it."""


def sweep_into(
    record: Record,
    chosen: Points,
    part: Part,
    stack: Stack,
    values: Floats,
    *,
    threads: int = 1,
    tail: bool = False,
    limit_bytes: int = LIMIT_BYTES,
    last: bool = True,
) -> None:
    """Run some of the points over a part's windows, results to `record` as they come.

    Parameters
    ----------
    record : Record
    chosen : int array (n,)
        Which points.
    part : Part
    stack : Stack
        With a compiled strategy.
    values : float64 array (n_points, n_columns)
        Checked points.
    last : bool
        Whether no other part follows.

    Raises
    ------
    DoesNotCompile
        A rule does not.
    Exception
        What a `prepare` or `fit` raised for any of the points.
    """
    if not len(chosen):
        return
    flags = {**market_flags(part.bars, part.market), "TAIL": tail}
    record.at_work(chosen)
    runs = _runs(stack, part)
    for structure, own in stack.groups(values[chosen]).items():
        module = stack.compile(structure, **flags)
        for k, (places, train) in enumerate(runs):
            points = record.open(chosen[own])
            if not len(points):
                break
            record.at_work(points)
            plan = Windows.build([part.windows[w] for w in places], part.market)
            for table in tables(stack, structure, values, points, part.bars, train, limit_bytes, record.beat):
                loop = _Loop(module, stack, part, table, values, plan, record.control, tail)
                loop.run(record, part.columns[places], threads, last and k == len(runs) - 1)
                if record.control[0] != 0:
                    return
                record.at_work(points)


def _runs(stack: Stack, part: Part) -> list[tuple[list[int], Window | None]]:
    """Windows that can share prepared values: all of them, unless the strategy learns for each."""
    n = len(part.windows)
    if stack.strategy.fit is None:
        return [(list(range(n)), None)]
    return [([w], part.trains[w]) for w in range(n)]


class _Loop:
    """The compiled loop over one table's points."""

    def __init__(
        self,
        module: Any,
        stack: Stack,
        part: Part,
        table: Table,
        values: Floats,
        plan: Windows,
        control: NDArray[np.int64],
        tail: bool,
    ) -> None:
        n = len(table.points)
        n_metrics = len(METRICS) + (len(TAIL_METRICS) if tail else 0)
        self.module, self.part, self.table, self.plan, self.control = module, part, table, plan, control
        self.own = np.ascontiguousarray(values[table.points])
        self.results = np.full((n, len(plan.names), n_metrics), np.nan)
        self.slices = np.zeros((n, len(plan.names), plan.n_slices, 2))
        self.split = np.full((n, part.n_regime_rows, len(REGIME_SUMS)), np.nan)
        self.path_bars = int(plan.cuts.max()) if tail and len(plan.cuts) else 0
        self.memory = stack.memory()
        try:
            self.sweep(0, 0)  # compiles, so that nothing else does
        except COMPILE_ERRORS as error:
            raise explain(error, stack.strategy.label()) from error

    def sweep(self, begin: int, end: int) -> int:
        """Run points `begin` to `end`; returns the first one not done."""
        table, plan = self.table, self.plan
        path = np.empty(self.path_bars)
        done: int = self.module.sweep(
            self.part.market, table.rows, table.first, table.ix, self.own, self.memory, plan.cuts,
            plan.offsets, plan.b1, plan.b2, plan.full, self.part.regimes, begin, end, self.control,
            self.results, self.slices, self.split, path,
        )  # fmt: skip
        return done

    def run(self, record: Record, columns: Points, threads: int, last: bool) -> None:
        """Run all points; those that raise are told to the record, the others kept."""
        points = self.table.points

        def keep(begin: int, end: int) -> None:
            if begin < end:
                own = slice(begin, end)
                split = self.split[own] if self.plan.full >= 0 else None
                figures = Figures(self.results[own], self.slices[own], split)
                record.keep(points[own], columns, figures, last)

        def in_turn(begin: int, stop: int) -> None:
            count = FIRST_POINTS
            while begin < stop and self.control[0] == 0:
                end = min(begin + count, stop)
                self.control[1] = begin
                started = perf_counter()
                try:
                    done = self.sweep(begin, end)
                except Exception as error:
                    done = int(self.control[1])
                    keep(begin, done)
                    record.failed(points[done : done + 1], error)
                    begin = done + 1
                    continue
                keep(begin, done)
                begin = end
                # chunks of some 20 ms: whoever ends the process loses no more
                count = count * 2 if perf_counter() - started < CHUNK_S else max(count // 2, 1)

        n = len(points)
        record.at_work(points, running=threads == 1)
        if threads == 1:
            in_turn(0, n)
            return

        def attempt(begin: int, end: int) -> tuple[int, int] | None:
            try:
                keep(begin, self.sweep(begin, end))
            except Exception:
                return begin, end  # which point it was is known when it runs alone
            return None

        step = max(min(CHUNK_POINTS, -(-n // (4 * threads))), 1)
        edges = [*range(0, n, step), n]
        with ThreadPoolExecutor(threads) as pool:
            try:
                again = [chunk for chunk in pool.map(attempt, edges, edges[1:]) if chunk is not None]
            except BaseException:
                self.control[0] = 1
                raise
        for begin, end in again:
            in_turn(begin, end)
