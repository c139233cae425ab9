"""What is probed, on which bars; of long data the last part that gives the same values and events."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.events import Event
from admf_ray.engine.probes.curtain import Curtain, FalseMarkets, false_markets
from admf_ray.engine.probes.prepared import Prepared
from admf_ray.engine.probes.runs import Case, run_events
from admf_ray.engine.probes.warmup import RECURSION
from admf_ray.market import Bars, Window

__all__ = ["Scene"]

Floats = NDArray[np.float64]

SHORTEST = 4_096
GROWTH = 4
TOLERANCE = 1e-6
NEXT_TO = 1e-9  # of the largest, for values around zero


@dataclass(frozen=True)
class Scene:
    """A case on some bars, with what it gives on the real ones.

    Attributes
    ----------
    case : Case
    bars : Bars
    window : Window
    prepared : Prepared
    real : sequence of Event
    seed : int
        Of the false markets.
    """

    case: Case
    bars: Bars
    window: Window
    prepared: Prepared
    real: Sequence[Event]
    seed: int

    @classmethod
    def of(cls, case: Case, bars: Bars, window: Window, seed: int) -> Scene:
        """Prepare the values and run the window."""
        prepared = Prepared(case.stack, case.row, bars, case.train, case.origin)
        return cls(case, bars, window, prepared, run_events(case, bars, window), seed)

    @cached_property
    def false(self) -> FalseMarkets:
        """The false market of each direction."""
        return false_markets(self.bars, self.seed)

    @cached_property
    def ready(self) -> NDArray[np.int64]:
        """First bar at which each symbol has all values, shape (n_symbols,); n_bars if never."""
        return self.prepared.ready(self.bars)

    def recent(self) -> Scene:
        """Return the scene on the shortest last part of the bars that stands for all; itself when none does.

        Notes
        -----
        A part stands for all when every prepared value at every bar of the window, and every signal, order,
        fill and notice of the run, are those of the whole within 1e-6 of their size: on the real bars, and
        with the window's bars false in each direction, one of which turns any comparison of a price with an
        earlier one. Code that looks ahead on the whole but not on the part, because it counts bars or
        needs a long past, would have to give in all three markets, at each bar of the window, what it gives
        without looking. What counts from the data's first bar, or remembers all of it, agrees with no part
        and is probed on the whole.

        The first part tried has history enough for the warm-up probe to judge by; each next four times as
        much. A part of more than half the bars is not worth it.
        """
        declared = self.case.stack.strategy.warmup_bars or 0
        own = int(np.maximum(self.ready - self.bars.first, 0).min(initial=self.bars.n_bars))
        history = max(SHORTEST, 2 * RECURSION * (max(own, int(declared)) + 2))
        while True:
            start = self.window.start - history
            if self.case.train is not None:
                start = min(start, self.case.train.start)
            if 2 * start < self.bars.n_bars:
                return self
            part = self._from(start)
            if part is not None and self._same(part):
                return part
            history *= GROWTH

    def _from(self, start: int) -> Scene | None:
        """Return the scene without the bars before `start`; None where the strategy does not run so."""
        bars, train = self.bars.slice(start, self.bars.n_bars), self.case.train
        case = replace(
            self.case,
            train=None if train is None else _moved(train, start),
            origin=self.case.origin + start,
        )
        try:
            part = Scene.of(case, bars, _moved(self.window, start), self.seed)
        except Exception:  # a strategy may ask for more history; any other failure comes again on the whole
            return None
        # cells are changed to what they are changed to on the whole
        part.__dict__["false"] = {
            direction: {name: column[start:] for name, column in false.items()}
            for direction, false in self.false.items()
        }
        return part

    @cached_property
    def _given(self) -> list[tuple[Floats, Sequence[Event]]]:
        """Values at the window's bars, and events: on the real bars, then with the window's false."""
        given = [(self._values(self.bars), self.real)]
        for false in self.false.values():
            curtain = Curtain(self.bars, false)
            curtain.hide(self.window.start)
            given.append((self._values(curtain.bars), run_events(self.case, curtain.bars, self.window)))
        return given

    def _values(self, bars: Bars) -> Floats:
        if not self.prepared.names:
            return np.empty((0, self.window.n_bars, bars.n_symbols))
        return self.prepared.values(bars)[:, self.window.start : self.window.stop].copy()

    def _same(self, part: Scene) -> bool:
        """Whether a part gives the window's values and events in each market."""
        start = self.bars.n_bars - part.bars.n_bars
        try:
            pairs = list(zip(self._given, part._given, strict=True))
        except Exception:  # what chokes on a false market is judged on the whole
            return False
        return all(
            _near(values, own_values) and _alike(events, own_events, start)
            for (values, events), (own_values, own_events) in pairs
        )


def _moved(window: Window, start: int) -> Window:
    return Window(window.name, window.start - start, window.stop - start)


def _near(whole: Floats, part: Floats) -> bool:
    """Whether values are the same but for rounding."""
    sizes = np.nanmax(np.abs(whole), axis=(1, 2), keepdims=True, initial=0.0)
    return bool(np.isclose(part, whole, rtol=TOLERANCE, atol=NEXT_TO * sizes, equal_nan=True).all())


def _alike(whole: Sequence[Event], part: Sequence[Event], start: int) -> bool:
    """Whether events are the same but for rounding; the part's bars count from `start`."""
    return len(whole) == len(part) and all(
        type(a) is type(b)
        and a.bar == b.bar + start
        and all(_close(x, y) for x, y in zip(a[1:-1], b[1:-1], strict=True))
        for a, b in zip(whole, part, strict=True)
    )


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return bool(a == b)
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=NEXT_TO) or (math.isnan(a) and math.isnan(b))
