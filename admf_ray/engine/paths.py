"""Per-bar returns of many points, some at a time: the sweep run again, keeping the path it measures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.assembly import build_container, replay_in
from admf_ray.engine.conditions import Conditions, Part
from admf_ray.engine.inputs import Windows, market_flags, tables
from admf_ray.engine.loop import LIMIT_BYTES
from admf_ray.engine.outcome import curve_returns
from admf_ray.engine.points import checked
from admf_ray.engine.stack import Stack
from admf_ray.rules.metrics import METRICS, TAIL_METRICS
from admf_ray.rules.regimes import REGIME_SUMS

__all__ = ["points_at_a_time", "returns_of"]

Floats = NDArray[np.float64]
Points = NDArray[np.intp]
CHUNK_BYTES = 32 * 2**20


def points_at_a_time(n_bars: int) -> int:
    """Return how many points' returns make one chunk of some 32 MB."""
    return max(CHUNK_BYTES // (8 * n_bars), 1)


def returns_of(
    conditions: Conditions, stack: Stack, rows: Floats, window: str = "full", *, chunk: int | None = None
) -> Iterator[Floats]:
    """Yield the per-bar returns of points over one window, points in order.

    Parameters
    ----------
    conditions : Conditions
    stack : Stack
    rows : float64 array (n_points, n_columns)
        Points that ran before: one that fails ends it.
    window : str
        One of the conditions'.
    chunk : int, optional
        Points at a time.

    Yields
    ------
    float64 array (k, n_bars)
        The returns that the sweep's figures are made of, bit for bit; each chunk is an array of its own.

    Notes
    -----
    A compiled point takes as long as its sweep. A plain-Python one is replayed, which takes a thousand times
    as long: its returns over ``full`` are stored with its row, see `Board`, and need not be made again.
    """
    place = next(k for k, one in enumerate(conditions.windows) if one.name == window)
    n_bars = conditions.windows[place].n_bars
    step = points_at_a_time(n_bars) if chunk is None else chunk
    parts = conditions.parts(stack.strategy.fit is not None)
    part = next(part for part in parts if place in part.columns)
    w = int(np.flatnonzero(part.columns == place)[0])
    for begin in range(0, len(rows), step):
        values = checked(conditions, stack, rows[begin : begin + step])
        out = np.empty((len(values), n_bars))
        if stack.strategy.is_compiled():
            _sweep(stack, part, w, values, conditions.tail, out)
        else:
            for row, path in zip(values, out, strict=True):
                path[:] = _replayed(stack, part, w, row)
        yield out


def _sweep(stack: Stack, part: Part, w: int, values: Floats, tail: bool, out: Floats) -> None:
    flags = {**market_flags(part.bars, part.market), "TAIL": tail}
    plan = Windows.build([part.windows[w]], part.market)
    train = part.trains[w] if stack.strategy.fit is not None else None
    for structure, own in stack.groups(values).items():
        module = stack.compile(structure, **flags)
        for table in tables(stack, structure, values, own, part.bars, train, LIMIT_BYTES):
            rows = np.ascontiguousarray(values[table.points])
            n = len(rows)
            figures = np.empty((n, 1, len(METRICS) + len(TAIL_METRICS) * tail))
            sums = np.zeros((n, 1, plan.n_slices, 2))
            split = np.empty((n, part.n_regime_rows, len(REGIME_SUMS)))
            control = np.zeros(2, dtype=np.int64)
            for i, point in enumerate(table.points):
                module.sweep(
                    part.market, table.rows, table.first, table.ix, rows, stack.memory(), plan.cuts,
                    plan.offsets, plan.b1, plan.b2, plan.full, part.regimes, i, i + 1, control,
                    figures, sums, split, out[point],
                )  # fmt: skip


def _replayed(stack: Stack, part: Part, w: int, row: Floats) -> Floats:
    window = part.windows[w]
    with build_container(f"{stack.strategy.label()}_{window.name}", part.bars, stack, row) as box:
        box.initialize_scope()
        result = replay_in(box, stack, row, window, part.trains[w], part.market)
    return curve_returns(result.equity, float(stack.part_values(row)[-1].initial_cash))
