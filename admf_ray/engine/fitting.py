"""Strategies that learn: fitted on a training window, frozen, then prepared on plain arrays."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.components.tracing import column
from admf_ray.engine.failures import asked
from admf_ray.errors import ComponentError, DataError
from admf_ray.market import Bars, Window

__all__ = ["Columns", "apply_fitted", "learn"]

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
