"""Runs of a probe: a replay whose events are compared, and one shown each price only when it is due."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.bus import EventBus
from admf_ray.engine.events import BarEvent, Event, FillEvent, OrderEvent, RiskEvent, SignalEvent
from admf_ray.engine.failures import COMPILE_ERRORS, explain
from admf_ray.engine.probes.curtain import Curtain, columns_of
from admf_ray.engine.protocol import BarProtocol
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars, Window
from admf_ray.rules.state import MARKET

__all__ = [
    "Case",
    "Difference",
    "Handler",
    "HandlerFactory",
    "first_difference",
    "revealed_events",
    "run_events",
]

Handler = Callable[[int, int], float]
HandlerFactory = Callable[[Bars], Handler]


@dataclass(frozen=True)
class Case:
    """What is probed: one point of a stack, with the handler of a plain-Python strategy.

    Attributes
    ----------
    stack : Stack
    row : float64 array (n_columns,)
    train : Window or None
    factory : callable or None
    origin : int
        Bars of the data that were left out in front of those probed; what is said counts them.
    """

    stack: Stack
    row: NDArray[np.float64]
    train: Window | None
    factory: HandlerFactory | None
    origin: int = 0


@dataclass(frozen=True)
class Difference:
    """The first event in which two runs differ.

    Attributes
    ----------
    bar : int
    component, what : str
        Who answers for the event, and its kind: ``decision``, ``order`` or ``fill``.
    real, seen : str
        The event in each run; ``nothing`` where it has none.
    """

    bar: int
    component: str
    what: str
    real: str
    seen: str


def run_events(case: Case, bars: Bars, window: Window, handler: Handler | None = None) -> list[Event]:
    """Replay a window and return its signals, orders, fills and notices."""
    return _events(BarProtocol, case, bars, window, handler)


def _events(
    kind: Callable[..., BarProtocol], case: Case, bars: Bars, window: Window, handler: Handler | None
) -> list[Event]:
    bus = EventBus(keep_log=True)
    if handler is None and case.factory is not None:
        handler = case.factory(bars)
    replay = kind(bars, case.stack, case.row, window, bus=bus, handler=handler, train=case.train)
    try:
        replay.open()
        for t in range(window.start, window.stop):
            replay.bar(t)
    except COMPILE_ERRORS as error:
        raise explain(error, case.stack.strategy.label()) from error
    return [event for event in bus.log if not isinstance(event, BarEvent)]


def revealed_events(
    case: Case, curtain: Curtain, window: Window, handler: Handler | None = None
) -> list[Event]:
    """Replay a window on bars that are false until they are due.

    Notes
    -----
    Rows before the window are real. Of bar t the opens are shown first; its highs and lows before a
    waiting limit or stop and before the brackets, but after market fills; its closes and everything else
    before positions are marked. So one run shows every look ahead by a rule, and by a handler that reads
    the bars as it goes. One that prepares whole arrays when it is made sees false ones: a difference is
    then no proof.
    """
    curtain.show()
    curtain.hide(window.start)

    def make(*args: Any, **kwargs: Any) -> BarProtocol:
        return _Revealed(curtain, *args, **kwargs)

    try:
        return _events(make, case, curtain.bars, window, handler)
    finally:
        curtain.show()


class _Revealed(BarProtocol):
    """A run that draws the curtain as it goes."""

    def __init__(self, curtain: Curtain, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.curtain = curtain

    def open(self) -> None:
        super().open()
        # tables were computed behind the curtain: take the true ones, and hide them in turn
        self.curtain.show()
        hidden = BarProtocol(self.bars, self.stack, self.row, self.window, train=self.train)
        hidden.open()
        self.true_table = hidden.table
        self.ready = hidden.ready
        self.table = self.true_table.copy()
        self.table[:, self.window.start :] *= -1.5
        self.curtain.hide(self.window.start)
        staged: Any = _Stages(self.module, self)
        self.module = staged

    def bar(self, t: int) -> None:
        self.curtain.show(t, t + 1, ("open",))
        super().bar(t)

    def reveal(self, t: int) -> None:
        """Show all of bar t."""
        self.curtain.show(t, t + 1)
        self.table[:, t] = self.true_table[:, t]

    def _announce(self, t: int) -> None:
        bars = self.bars
        for kept, column in zip(self.ohlc, (bars.open, bars.high, bars.low, bars.close), strict=True):
            kept[self.k] = column[t].tolist()
        if self.volume is not None and bars.volume is not None:
            self.volume[self.k] = bars.volume[t].tolist()
        super()._announce(t)


class _Stages:
    """The compiled steps, each preceded by showing what it may know."""

    def __init__(self, module: Any, replay: _Revealed) -> None:
        self._module, self._replay = module, replay

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def reduce_at(self, t: int, s: int, *rest: Any) -> Any:
        """Fill knowing the open alone, unless a limit or stop needs the bar's extremes."""
        if self._replay.books.orders[s, 0] != MARKET:
            self._replay.curtain.show_cell(t, s, ("high", "low"))
        return self._module.reduce_at(t, s, *rest)

    def protect_at(self, t: int, s: int, *rest: Any) -> Any:
        """Brackets see the extremes; trailing stops also the prepared distance of the bar."""
        self._replay.curtain.show_cell(t, s, ("high", "low"))
        self._replay.table[:, t] = self._replay.true_table[:, t]
        return self._module.protect_at(t, s, *rest)

    def close_at(self, t: int, *rest: Any) -> Any:
        """Close knowing the whole bar."""
        self._replay.reveal(t)
        return self._module.close_at(t, *rest)

    def mark_at(self, t: int, *rest: Any) -> Any:
        """Mark knowing the whole bar."""
        self._replay.reveal(t)
        return self._module.mark_at(t, *rest)


def first_difference(
    case: Case, real: Sequence[Event], seen: Sequence[Event], last: int
) -> Difference | None:
    """Return the first difference between two runs at bars up to `last`; None when there is none."""
    one = [event for event in real if event.bar <= last]
    two = [event for event in seen if event.bar <= last]
    for k in range(max(len(one), len(two))):
        a = one[k] if k < len(one) else None
        b = two[k] if k < len(two) else None
        if a is not None and b is not None and _key(a) == _key(b):
            continue
        # of two different events the one that comes earlier in the bar is missing from the other run
        event = min((e for e in (a, b) if e is not None), key=lambda e: (e.bar, _stage(e)))
        component, what = _answerable(case, event, a, b)
        same = [e for e in (a, b) if e is not None and e.bar == event.bar and type(e) is type(event)]
        return Difference(
            event.bar, component, what,
            _shown(a if a in same else None), _shown(b if b in same else None),
        )  # fmt: skip
    return None


def _key(event: Event) -> tuple[Any, ...]:
    values = event[:-1]
    return (type(event), *("nan" if isinstance(v, float) and math.isnan(v) else v for v in values))


def _stage(event: Event) -> int:
    return 0 if isinstance(event, (FillEvent, RiskEvent)) else 1 if isinstance(event, SignalEvent) else 2


def _answerable(case: Case, event: Event, a: Event | None, b: Event | None) -> tuple[str, str]:
    stack = case.stack
    if isinstance(event, SignalEvent):
        return event.source, "decision"
    if isinstance(event, FillEvent):
        return stack.broker.label(), "fill"
    if isinstance(event, RiskEvent) and event.notice == "order_cut":
        return stack.broker.label(), "fill"  # the broker bought less than it was asked for
    if isinstance(event, OrderEvent):
        if isinstance(a, OrderEvent) and isinstance(b, OrderEvent) and a.symbol == b.symbol:
            return (stack.broker if a.qty == b.qty else stack.risk).label(), "order"
        return stack.risk.label(), "order"
    return stack.risk.label(), "notice"


def _shown(event: Event | None) -> str:
    if event is None:
        return "nothing"
    if isinstance(event, SignalEvent):
        return f"weight {event.weight:.6g} in {event.symbol}"
    if isinstance(event, FillEvent):
        costs = f"commission {event.commission:.6g}"
        return f"{event.qty:.6g} {event.symbol} at {event.price:.6g}, {costs} ({event.reason})"
    if isinstance(event, OrderEvent):
        price = "" if math.isnan(event.price) else f" at {event.price:.6g}"
        return f"{event.kind} {event.qty:.6g} {event.symbol}{price}"
    return f"{event.notice} {event.value:.6g}" if isinstance(event, RiskEvent) else type(event).__name__


def prices_of(bars: Bars) -> NDArray[np.float64]:
    """Return every finite price of the bars, sorted."""
    columns = columns_of(bars)
    found = np.concatenate([columns[name].ravel() for name in ("open", "high", "low", "close")])
    return np.unique(found[np.isfinite(found)])
