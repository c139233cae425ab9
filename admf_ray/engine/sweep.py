"""The sweep: many points over many windows, compiled, metrics streamed, no per-trial arrays."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.failures import COMPILE_ERRORS, explain
from admf_ray.engine.inputs import (
    Table,
    Windows,
    check_points,
    check_session,
    market_arrays,
    market_flags,
    regime_rows,
    tables,
)
from admf_ray.engine.stack import Stack
from admf_ray.errors import ComponentError, ConfigError
from admf_ray.market import Bars, Window
from admf_ray.rules.metrics import METRICS, TAIL_METRICS
from admf_ray.rules.regimes import REGIME_SUMS

__all__ = ["SweepResult", "sweep"]

Floats = NDArray[np.float64]
CHUNK_POINTS = 256


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


def sweep(
    bars: Bars,
    stack: Stack,
    values: Floats,
    windows: Sequence[Window],
    *,
    threads: int = 1,
    tail: bool = False,
    limit_bytes: int = 256 * 2**20,
    control: NDArray[np.int64] | None = None,
    trains: Sequence[Window] | None = None,
    labels: NDArray[np.int64] | None = None,
    n_regimes: int = 0,
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
    market = market_arrays(bars)
    plan = Windows.build(windows, market)
    names = METRICS + (TAIL_METRICS if tail else ())
    out = np.full((len(values), len(windows), len(names)), np.nan)
    sums = np.zeros((len(values), len(windows), plan.n_slices, 2))
    regimes = regime_rows(labels, n_regimes, bars.n_bars)
    n_rows = n_regimes + 1 if regimes.size else 0
    by_regime = np.full((len(values), n_rows, len(REGIME_SUMS)), np.nan)
    control = np.zeros(2, dtype=np.int64) if control is None else control
    flags = {**market_flags(bars, market), "TAIL": tail}
    if not len(values):
        return SweepResult(plan.names, names, out, sums, by_regime)
    for structure, points in stack.groups(values).items():
        module = stack.compile(structure, **flags)
        for places, train in _runs(stack, windows, trains):
            part = Windows.build([windows[w] for w in places], market)
            for table in tables(stack, structure, values, points, bars, train, limit_bytes):
                results, slices, split = _run(
                    module, stack, market, table, values, part, regimes, n_rows, control, len(names), threads
                )
                if part.full >= 0:
                    by_regime[table.points] = split
                for k, place in enumerate(places):
                    out[table.points, place] = results[:, k]
                    sums[table.points, place, : part.n_slices] = slices[:, k]
    return SweepResult(plan.names, names, out, sums, by_regime)


def _runs(
    stack: Stack, windows: Sequence[Window], trains: Sequence[Window] | None
) -> list[tuple[list[int], Window | None]]:
    """Windows that can share prepared values: all of them, unless the strategy learns for each."""
    if stack.strategy.fit is None:
        return [(list(range(len(windows))), None)]
    return [([w], (trains or windows)[w]) for w in range(len(windows))]


def _run(
    module: Any,
    stack: Stack,
    market: Any,
    table: Table,
    values: Floats,
    plan: Windows,
    regimes: NDArray[np.int64],
    n_rows: int,
    control: NDArray[np.int64],
    n_metrics: int,
    threads: int,
) -> tuple[Floats, Floats, Floats]:
    """Run one table's points on `threads` threads; returns their rows, slice sums and regime sums."""
    n = len(table.points)
    own = np.ascontiguousarray(values[table.points])
    results = np.full((n, len(plan.names), n_metrics), np.nan)
    slices = np.zeros((n, len(plan.names), plan.n_slices, 2))
    split = np.full((n, n_rows, len(REGIME_SUMS)), np.nan)
    longest = int(plan.cuts.max()) if len(plan.cuts) else 0
    memory = stack.memory()

    def part(begin: int, end: int) -> None:
        path = np.empty(longest)
        module.sweep(
            market, table.rows, table.first, table.ix, own, memory, plan.cuts, plan.offsets,
            plan.b1, plan.b2, plan.full, regimes, begin, end, control, results, slices, split, path,
        )  # fmt: skip

    step = n if threads == 1 else max(min(CHUNK_POINTS, -(-n // (4 * threads))), 1)
    edges = [*range(0, n, step), n]
    try:
        if threads == 1:
            part(0, n)
        else:
            part(0, 0)  # compiles, so that the threads do not all do it
            with ThreadPoolExecutor(threads) as pool:
                try:
                    list(pool.map(part, edges, edges[1:]))
                except BaseException:
                    control[0] = 1
                    raise
    except COMPILE_ERRORS as error:
        raise explain(error, stack.strategy.label()) from error
    return results, slices, split
