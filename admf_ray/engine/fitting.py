"""Strategies that learn: fitted on a training window, frozen, then prepared on plain arrays."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.components.tracing import Graph, column
from admf_ray.engine.failures import asked
from admf_ray.engine.plan import trace
from admf_ray.engine.stack import Stack, Structure
from admf_ray.errors import ComponentError, DataError
from admf_ray.market import Bars, Window

if TYPE_CHECKING:
    from admf_ray.engine.inputs import Table

__all__ = ["Columns", "apply_fitted", "fitted_tables", "learn"]

Floats = NDArray[np.float64]


class Columns:
    """One symbol's bars as plain read-only arrays, by name: what `fit` and a fitted `prepare` see.

    Parameters
    ----------
    bars : Bars
    s : int
        Symbol.
    stop : int
        Bars from here on are not there.
    start : int
        Bars before are not there.

    Notes
    -----
    The values are copied, so nothing here leads back to bars outside the range.
    """

    def __init__(self, bars: Bars, s: int, stop: int, start: int = 0) -> None:
        names = ["open", "high", "low", "close", "day", "minute_of_day", "weekday", *bars.extra]
        names += ["volume"] if bars.volume is not None else []
        self._length = stop - start
        self._values: dict[str, Floats] = {}
        for name in names:
            self._values[name] = np.array(column(bars, name)[start:stop, s])
            self._values[name].setflags(write=False)

    def __getattr__(self, name: str) -> Floats:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            raise DataError(f"bars.{name}: the data has no such column; it has {', '.join(self._values)}")
        return self._values[name]

    def __len__(self) -> int:
        return self._length


def fitted_tables(
    stack: Stack,
    structure: Structure,
    values: Floats,
    points: NDArray[np.intp],
    bars: Bars,
    train: Window,
    capacity: int,
    beat: Callable[[], None] | None = None,
    train_bars: Bars | None = None,
) -> Iterator[Table]:
    """Yield tables of a strategy with `fit`, as `inputs.tables` does.

    Notes
    -----
    `fit` is called once per distinct parameters and symbol, on the bars of `train` alone, a range of
    `train_bars` where there are such. Its result is
    kept as bytes and every `prepare` gets a fresh copy, so nothing it does to a model can be seen later.
    """
    from admf_ray.engine.inputs import Table, first_known, flat  # it yields these tables

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
        yield Table(chosen, flat(rows), first_known(rows), ix)


def learn(cls: type[Any], p: Any, bars: Bars, train: Window) -> list[bytes]:
    """Fit on the training bars alone; returns each symbol's result as bytes."""
    frozen = []
    for s in range(bars.n_symbols):
        found = asked(f"{cls.label()}.fit", cls.fit, Columns(bars, s, train.stop, train.start), p)
        try:
            frozen.append(pickle.dumps(found))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ComponentError(
                f"{cls.label()}.fit: must return what can be pickled, found {error}; return plain data"
            ) from error
    return frozen


def apply_fitted(cls: type[Any], p: Any, fields: tuple[str, ...], bars: Bars, frozen: list[bytes]) -> Floats:
    """Prepare with what `learn` returned; shape (n_fields, n_bars, n_symbols)."""
    out = np.full((len(fields), bars.n_bars, bars.n_symbols), np.nan)
    for s in range(bars.n_symbols):
        own = Columns(bars, s, bars.n_bars)
        found = asked(f"{cls.label()}.prepare", cls.prepare, own, p, pickle.loads(frozen[s]))
        if not isinstance(found, Mapping) or tuple(found) != fields:
            shown = ", ".join(found) if isinstance(found, Mapping) else type(found).__name__
            raise ComponentError(
                f"{cls.label()}.prepare: must return {', '.join(fields)} as its `fields` say, found {shown}; "
                f"make them agree"
            )
        for k, name in enumerate(fields):
            series = np.asarray(found[name], dtype=np.float64)
            if series.shape != (bars.n_bars,):
                raise ComponentError(
                    f"{cls.label()}.prepare: '{name}' must have one value per bar, {bars.n_bars}, found "
                    f"shape {series.shape}; pad it with NaN"
                )
            out[k, :, s] = series
    return out
