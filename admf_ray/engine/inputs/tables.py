"""Prepared values of points as the compiled loop reads them, in tables that fit the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from admf_ray.components.tracing import Graph
from admf_ray.engine.fitting import apply_fitted, learn
from admf_ray.engine.plan import trace
from admf_ray.engine.stack import Stack, Structure
from admf_ray.errors import ComponentError, ResourceError
from admf_ray.market import Bars, Window

__all__ = ["Table", "first_known", "tables"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """Prepared values of some points.

    Attributes
    ----------
    points : int64 array (n,)
        Which points.
    rows : float64 array (n_rows, n_bars, n_symbols)
    first : int64 array (n_rows, n_symbols)
        First bar at which each row is known; n_bars if never.
    ix : int64 array (n, n_prepared)
        Row of each prepared value of each point.
    """

    points: NDArray[np.intp]
    rows: Floats
    first: Ints
    ix: Ints


def tables(
    stack: Stack,
    structure: Structure,
    values: Floats,
    points: NDArray[np.intp],
    bars: Bars,
    train: Window | None,
    limit_bytes: int,
    beat: Callable[[], None] | None = None,
    train_bars: Bars | None = None,
) -> Iterator[Table]:
    """Yield the points in order, in runs whose prepared values fit the memory limit.

    Parameters
    ----------
    train : Window or None
        Bars that `fit` may see, for strategies that learn.
    limit_bytes : int
        Most memory of one table.
    beat : callable, optional
        Called after each thing prepared.
    train_bars : Bars, optional
        That `train` is a range of; `bars` by default.
    """
    row_bytes = bars.n_bars * bars.n_symbols * 8
    capacity = max(limit_bytes // row_bytes, 1)
    if stack.strategy.fit is not None:
        if train is None:
            raise ComponentError(f"{stack.strategy.label()}: learns, so it needs a training window; give one")
        yield from _fitted_tables(stack, structure, values, points, bars, train, capacity, beat, train_bars)
        return
    graph = Graph()
    nodes = trace(stack, structure, values[points], graph)
    begin = 0
    while begin < len(points):
        end = _end_within(nodes, begin, capacity)
        distinct, inverse = np.unique(nodes[begin:end], return_inverse=True)
        ix = np.ascontiguousarray(inverse.reshape(end - begin, -1), dtype=np.int64)
        rows = graph.compute([int(i) for i in distinct], bars, beat)
        yield Table(points[begin:end], _flat(rows), first_known(rows), ix)
        begin = end


def _end_within(nodes: Ints, begin: int, capacity: int) -> int:
    """Return the furthest end such that ``nodes[begin:end]`` has at most `capacity` distinct values."""
    end = len(nodes)
    while end - begin > 1 and len(np.unique(nodes[begin:end])) > capacity:
        end = begin + (end - begin) // 2
    if len(np.unique(nodes[begin:end])) > capacity:
        raise ResourceError(
            f"prepared values: one point needs {nodes.shape[1]} columns, found room for {capacity}; "
            "raise the memory limit"
        )
    return end


def _fitted_tables(
    stack: Stack,
    structure: Structure,
    values: Floats,
    points: NDArray[np.intp],
    bars: Bars,
    train: Window,
    capacity: int,
    beat: Callable[[], None] | None,
    train_bars: Bars | None,
) -> Iterator[Table]:
    """Yield tables of a strategy with `fit`, as `tables` does.

    Notes
    -----
    `fit` is called once per distinct parameters and symbol, on the bars of `train` alone, a range of
    `train_bars` where there are such. Its result is kept as bytes and every `prepare` gets a fresh copy, so
    nothing it does to a model can be seen later.
    """
    own, rest = structure.fields[0], structure.fields[1:]
    span = stack.spans[0]
    per_table = max(capacity // max(len(own), 1), 1)
    for begin in range(0, len(points), per_table):
        chosen = points[begin : begin + per_table]
        graph = Graph()
        nodes = trace(stack, structure, values[chosen], graph, skip_strategy=True)
        distinct, inverse = np.unique(nodes, return_inverse=True)
        shared = graph.compute([int(i) for i in distinct], bars, beat)
        cache: dict[bytes, int] = {}
        learned: list[Floats] = []
        first_rows = np.empty((len(chosen), len(own)), dtype=np.int64)
        for i, point in enumerate(chosen):
            row = np.ascontiguousarray(values[point, span])
            key = row.tobytes()
            if key not in cache:
                cache[key] = len(learned) * len(own)
                p = stack.strategy.decode(row)
                frozen = learn(stack.strategy, p, bars if train_bars is None else train_bars, train)
                learned.append(apply_fitted(stack.strategy, p, own, bars, frozen))
                if beat is not None:
                    beat()
            first_rows[i] = cache[key] + np.arange(len(own))
        rows = np.concatenate([*learned, shared]) if rest else np.concatenate(learned)
        others = inverse.reshape(nodes.shape) + len(learned) * len(own)
        ix = np.ascontiguousarray(np.concatenate([first_rows, others], axis=1), dtype=np.int64)
        yield Table(chosen, _flat(rows), first_known(rows), ix)


def _flat(rows: Floats) -> Floats:
    """Return the rows of one symbol without the symbol axis."""
    return rows[:, :, 0] if rows.shape[2] == 1 else rows


def first_known(rows: Floats) -> Ints:
    """Return the first bar at which each row is finite, shape (n_rows, n_symbols); n_bars if never."""
    known = np.isfinite(rows)
    found = known.argmax(axis=1).astype(np.int64)
    found[~known.any(axis=1)] = rows.shape[1]
    return found
