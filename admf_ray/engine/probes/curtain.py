"""A market behind a curtain: bars whose later rows hold other values until they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.market import Bars

__all__ = ["Curtain", "FalseMarkets", "columns_of", "extended", "false_market", "false_markets"]

Floats = NDArray[np.float64]
# columns by name, for each direction
FalseMarkets = dict[int, dict[str, Floats]]
PRICES = ("open", "high", "low", "close")


def columns_of(bars: Bars) -> dict[str, Floats]:
    """Return every column with values that may change: prices, volume, the user's own."""
    found = {name: getattr(bars, name) for name in PRICES}
    if bars.volume is not None:
        found["volume"] = bars.volume
    return {**found, **bars.extra}


def false_market(bars: Bars, direction: int = 1, seed: int = 0) -> dict[str, Floats]:
    """Return other values for every cell: valid bars, missing where the real ones are missing.

    Parameters
    ----------
    bars : Bars
    direction : {1, -1}
        1: open and close lie on the other side of the close before; -1: on the same side, but further.
    seed : int

    Returns
    -------
    dict of str to float64 array (n_bars, n_symbols)

    Notes
    -----
    Moves are 20 % and more from the real close before. So of the two directions one turns any comparison
    of a later price with an earlier one, not only its value: a rule that merely asks whether the next
    close is higher gives itself away. Further columns hold their own values in another order.
    """
    rng = np.random.default_rng([seed, direction + 1])
    before = _closes_before(bars)
    shape = before.shape

    def moved(price: Floats, low: float, high: float) -> Floats:
        with np.errstate(invalid="ignore"):
            side = np.sign(price - before)
        coin = rng.choice((-1.0, 1.0), shape)
        side = np.where(side == 0.0, coin, side)
        return before * np.exp(-direction * side * rng.uniform(low, high, shape))

    opens, closes = moved(bars.open, 0.05, 0.15), moved(bars.close, 0.2, 0.6)
    highs = np.maximum(opens, closes) * np.exp(rng.uniform(0.01, 0.05, shape))
    lows = np.minimum(opens, closes) * np.exp(-rng.uniform(0.01, 0.05, shape))
    false = {"open": opens, "high": highs, "low": lows, "close": closes}
    for name, real in columns_of(bars).items():
        if name == "volume":
            typical = float(np.nanmedian(real)) if np.isfinite(real).any() else 1.0
            fallback = typical if typical > 0.0 else 1.0
            false[name] = np.where(real > 0.0, real, fallback) * np.exp(
                direction * rng.uniform(0.5, 1.5, shape)
            )
        elif name not in false:
            false[name] = _shuffled(real, rng)
    return {name: np.where(np.isnan(real), np.nan, false[name]) for name, real in columns_of(bars).items()}


def false_markets(bars: Bars, seed: int = 0) -> FalseMarkets:
    """Return the false market of each direction."""
    return {direction: false_market(bars, direction, seed) for direction in (1, -1)}


def _closes_before(bars: Bars) -> Floats:
    """Each symbol's last close before each bar; its own open at its first."""
    place = np.where(np.isfinite(bars.close), np.arange(bars.n_bars)[:, None], -1)
    last = np.maximum.accumulate(place, axis=0)
    earlier = np.vstack([np.full((1, bars.n_symbols), -1), last[:-1]])
    known = np.take_along_axis(bars.close, np.maximum(earlier, 0), axis=0)
    return np.where(earlier >= 0, known, bars.open)


def _shuffled(real: Floats, rng: np.random.Generator) -> Floats:
    out = real.copy()
    for s in range(real.shape[1]):
        finite = np.flatnonzero(np.isfinite(real[:, s]))
        mixed = real[rng.permutation(finite), s]
        same = mixed == real[finite, s]
        # an integer code stays one of its own; a constant column has no other value to take
        mixed[same] = np.roll(real[finite, s], 1)[same]
        if finite.size and (mixed == real[finite, s]).all():
            mixed = mixed + 1.0
        out[finite, s] = mixed
    return out


class Curtain:
    """Bars that read through to memory the probe owns, and what stands there now.

    Parameters
    ----------
    bars : Bars
        The real ones; never changed.
    false : dict of str to float64 array, optional
        What hidden cells hold; of `false_market` by default.

    Attributes
    ----------
    bars : Bars
        The same market; its arrays are read-only to whoever holds them, and change when rows are hidden
        or shown. Dates and the presence of bars are the real ones throughout.

    Notes
    -----
    Everything is shown at first. Not safe for threads.
    """

    def __init__(self, bars: Bars, false: dict[str, Floats] | None = None) -> None:
        self.real = columns_of(bars)
        self.false = false_market(bars) if false is None else false
        self._memory = {name: np.array(column, order="C") for name, column in self.real.items()}
        shown: dict[str, Any] = {}
        for name, memory in self._memory.items():
            shown[name] = memory.view()
            shown[name].setflags(write=False)
        self.bars = replace(
            bars,
            volume=shown.get("volume"),
            extra={name: shown[name] for name in bars.extra},
            **{name: shown[name] for name in PRICES},
        )

    def hide(self, start: int, stop: int | None = None, names: Iterable[str] | None = None) -> None:
        """Put false values in rows `start` to `stop` of the named columns, all by default."""
        for name in self._memory if names is None else names:
            self._memory[name][start:stop] = self.false[name][start:stop]

    def show(self, start: int = 0, stop: int | None = None, names: Iterable[str] | None = None) -> None:
        """Put the real values back."""
        for name in self._memory if names is None else names:
            self._memory[name][start:stop] = self.real[name][start:stop]

    def show_cell(self, t: int, s: int, names: Iterable[str]) -> None:
        """Put back the real values of one symbol's bar."""
        for name in names:
            self._memory[name][t, s] = self.real[name][t, s]


def extended(bars: Bars, n_more: int = 32, false: dict[str, Floats] | None = None) -> Bars:
    """Return the bars with false ones appended, at the usual distance, for the symbols that still trade.

    Parameters
    ----------
    bars : Bars
    n_more : int
    false : dict of str to float64 array, optional
        Whose last rows are appended; of `false_market` by default.
    """
    n_more = min(n_more, bars.n_bars)
    false = false_market(bars) if false is None else false
    alive = bars.last == bars.n_bars - 1
    step = int(np.median(np.diff(bars.time_ns))) if bars.n_bars > 1 else 1
    later = bars.time_ns[-1] + step * np.arange(1, n_more + 1, dtype=np.int64)
    grown: dict[str, Any] = {}
    for name, real in columns_of(bars).items():
        tail = np.where(np.isnan(false[name][-n_more:]), real[-1], false[name][-n_more:])
        grown[name] = np.concatenate([real, np.where(alive, tail, np.nan)])
    return replace(
        bars,
        time_ns=np.concatenate([bars.time_ns, later]),
        tradable=np.concatenate([bars.tradable, np.broadcast_to(alive, (n_more, bars.n_symbols))]),
        volume=grown.get("volume"),
        extra={name: grown[name] for name in bars.extra},
        **{name: grown[name] for name in PRICES},
    )
