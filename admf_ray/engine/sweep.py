"""The sweep: many points over many windows, compiled, metrics streamed, no per-trial arrays."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.conditions import Part
from admf_ray.engine.failures import COMPILE_ERRORS, explain
from admf_ray.engine.inputs import (
    Table,
    Windows,
    check_points,
    check_session,
    market_arrays,
    market_flags,
    tables,
)
from admf_ray.engine.stack import Stack
from admf_ray.errors import ComponentError, ConfigError
from admf_ray.market import Bars, Window
from admf_ray.rules.metrics import METRICS, TAIL_METRICS
from admf_ray.rules.regimes import REGIME_SUMS
from admf_ray.rules.state import Market

__all__ = ["LIMIT_BYTES", "Record", "SweepResult", "sweep", "sweep_into"]

Floats = NDArray[np.float64]
Points = NDArray[np.intp]
CHUNK_POINTS = 256
FIRST_POINTS = 16
CHUNK_S = 0.02
LIMIT_BYTES = 256 * 2**20


@dataclass(frozen=True)
class SweepResult:
    """Metrics of every point and window.

    Attributes
    ----------
    windows : tuple of str
    metrics : tuple of str
    values : float64 array (n_points, n_windows, n_metrics)
    slice_sums : float64 array (n_points, n_windows, n_slices, 2)
        Sum and sum of squares of per-bar returns in each slice; only ``full`` has more than one.
    regime_sums : float64 array (n_points, n_regimes + 1, 4)
        REGIME_SUMS of ``full`` by the label known when each bar began, the last row where there was none;
        NaN where no window is named ``full``, (n_points, 0, 4) without labels.
    """

    windows: tuple[str, ...]
    metrics: tuple[str, ...]
    values: Floats
    slice_sums: Floats
    regime_sums: Floats

    def metric(self, name: str, window: str = "full") -> Floats:
        """Return one figure of every point, shape (n_points,).

        Raises
        ------
        ConfigError
            No such metric or window.
        """
        for what, word, have in (("metric", name, self.metrics), ("window", window, self.windows)):
            if word not in have:
                raise ConfigError(f"{what} '{word}': not computed; has {', '.join(have)}")
        return self.values[:, self.windows.index(window), self.metrics.index(name)]


class Record(Protocol):
    """What takes a sweep's results as they come."""

    control: NDArray[np.int64]

    def at_work(self, points: Points, running: bool = False) -> None:
        """Points are prepared, or (`running`) swept: ``control[1]`` counts within them."""

    def beat(self) -> None:
        """Something was prepared."""

    def open(self, points: Points) -> Points:
        """Return the points that have not failed."""

    def keep(
        self,
        points: Points,
        columns: Points,
        results: Floats,
        slices: Floats,
        split: Floats | None,
        last: bool,
    ) -> None:
        """Take points' figures in some windows; `last`: there are no others."""

    def failed(self, points: Points, error: BaseException) -> None:
        """Take a compiled rule's exception, or raise it."""


class _Whole:
    """Keeps everything; a failure is the caller's."""

    def __init__(self, values: Floats, sums: Floats, regime_sums: Floats, control: NDArray[np.int64]) -> None:
        self.values, self.slice_sums, self.regime_sums, self.control = values, sums, regime_sums, control

    def at_work(self, points: Points, running: bool = False) -> None:
        pass

    def beat(self) -> None:
        pass

    def open(self, points: Points) -> Points:
        return points

    def keep(
        self,
        points: Points,
        columns: Points,
        results: Floats,
        slices: Floats,
        split: Floats | None,
        last: bool,
    ) -> None:
        if split is not None:
            self.regime_sums[points] = split
        self.values[np.ix_(points, columns)] = results
        self.slice_sums[np.ix_(points, columns, np.arange(slices.shape[2]))] = slices

    def failed(self, points: Points, error: BaseException) -> None:
        raise error


def sweep(
    bars: Bars,
    stack: Stack,
    values: Floats,
    windows: Sequence[Window],
    *,
    threads: int = 1,
    tail: bool = False,
    limit_bytes: int = LIMIT_BYTES,
    control: NDArray[np.int64] | None = None,
    trains: Sequence[Window] | None = None,
    labels: NDArray[np.int64] | None = None,
    n_regimes: int = 0,
    market: Market | None = None,
) -> SweepResult:
    """Run every point over every window.

    Parameters
    ----------
    bars : Bars
        The whole history; windows are slices of it and indicators see all bars before.
    stack : Stack
    values : float64 array (n_points, n_columns)
        Points, as `Stack.vector` makes them.
    windows : sequence of Window
        The one named ``full`` is cut into 16 slices.
    threads : int
        Threads that share the points; the result does not depend on it.
    tail : bool
        Also VaR, CVaR and tail ratio (``metrics: full``).
    limit_bytes : int
        Most memory of prepared values at a time.
    trains : sequence of Window, optional
        For a strategy with `fit`: the bars it learns from, for each window; the window itself by default.
    labels : int64 array (n_bars,), optional
        Market regime at each close, -1 where unknown; splits ``full`` by regime.
    n_regimes : int
        Number of regimes; labels are below it.
    control : int64 array (2,), optional
        ``control[0] != 0`` set by anyone ends the run within a point;
        ``control[1]`` is the point at work, counted within its table.
    market : Market, optional
        `market_arrays` of the bars, where somebody has them already.

    Returns
    -------
    SweepResult

    Raises
    ------
    ComponentError
        The strategy is plain Python, or a rule does not compile.
    ConfigError
        Points, windows or labels do not fit the stack or the bars.
    """
    if not stack.strategy.is_compiled():
        raise ComponentError(f"{stack.strategy.label()}: has on_bar, so it runs in replay only; use replay")
    values = check_points(stack, values)
    check_session(stack, values, bars)
    market = market_arrays(bars) if market is None else market
    plan = Windows.build(windows, market)
    names = METRICS + (TAIL_METRICS if tail else ())
    n_rows = 0 if labels is None else n_regimes + 1
    whole = _Whole(
        np.full((len(values), len(windows), len(names)), np.nan),
        np.zeros((len(values), len(windows), plan.n_slices, 2)),
        np.full((len(values), n_rows, len(REGIME_SUMS)), np.nan),
        np.zeros(2, dtype=np.int64) if control is None else control,
    )
    columns = np.arange(len(windows))
    part = Part(bars, market, tuple(windows), tuple(trains or windows), columns, labels, n_regimes)
    sweep_into(
        whole,
        np.arange(len(values)),
        part,
        stack,
        values,
        threads=threads,
        tail=tail,
        limit_bytes=limit_bytes,
    )
    return SweepResult(plan.names, names, whole.values, whole.slice_sums, whole.regime_sums)


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
                record.keep(points[own], columns, self.results[own], self.slices[own], split, last)

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
