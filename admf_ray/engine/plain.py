"""A plain-Python strategy as the replay asks it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from admf_ray.engine.failures import asked
from admf_ray.errors import ComponentError, closest
from admf_ray.market import Bars

__all__ = ["handler_of"]

NUMBERS = (int, float, np.floating, np.integer)


def handler_of(strategy: Any, data: Any, bars: Bars) -> Callable[[int, int], float]:
    """Call a plain-Python strategy once a bar; its weights per symbol serve the replay's questions."""
    answered: dict[str, Any] = {"bar": -1, "weights": {}}

    def weight(t: int, s: int) -> float:
        if answered["bar"] != t:
            data.advance(t)
            answered.update(bar=t, weights=_weights(strategy, _asked(strategy, data.view, bars, t), bars))
        value = answered["weights"].get(bars.symbols[s], math.nan)
        return math.nan if value is None else float(value)

    return weight


def _asked(strategy: Any, view: Any, bars: Bars, t: int) -> Any:
    """Call the user's handler; what goes wrong in it is named with its bar."""

    def when() -> str:
        return f" at bar {t} ({np.datetime64(int(bars.time_ns[t]), 'ns').astype('datetime64[m]')})"

    return asked(f"{strategy.label()}.on_bar", strategy.on_bar, view, when=when)


def _weights(strategy: Any, answer: Any, bars: Bars) -> Mapping[str, Any]:
    if isinstance(answer, Mapping):
        for name, value in answer.items():
            if name not in bars.symbols:
                raise ComponentError(
                    f"{strategy.label()}.on_bar: must name symbols of the data, found {name!r}"
                    f"{closest(str(name), bars.symbols) or '; it has ' + ', '.join(bars.symbols)}"
                )
            if not (value is None or isinstance(value, NUMBERS)):
                raise ComponentError(
                    f"{strategy.label()}.on_bar: weights must be numbers or None, found "
                    f"{type(value).__name__} for {name}; return a number from -1 to 1"
                )
        return answer
    if answer is None or isinstance(answer, NUMBERS):
        if bars.n_symbols == 1 or answer is None:
            return {bars.symbols[0]: answer}
        raise ComponentError(
            f"{strategy.label()}.on_bar: must return weights by symbol for {bars.n_symbols} symbols, "
            f"found one number; name the symbols"
        )
    raise ComponentError(
        f"{strategy.label()}.on_bar: must return a weight, a dict of weights or None, found "
        f"{type(answer).__name__}; return a number from -1 to 1"
    )
