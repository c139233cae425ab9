"""The bar protocol, one compiled rule at a time: every step an event on the container's own bus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.books import Books
from admf_ray.engine.bus import EventBus
from admf_ray.engine.events import BarEvent, FillEvent, OrderEvent, RiskEvent, SignalEvent
from admf_ray.engine.inputs import (
    check_points,
    check_session,
    check_window,
    market_arrays,
    market_flags,
    regime_rows,
    tables,
)
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars, Window
from admf_ray.rules.state import (
    LIMIT,
    LIQUIDATED,
    MARKET,
    NONE,
    OPENING,
    PROPOSED,
    REASONS,
    STOP,
    Market,
)

__all__ = ["BarProtocol"]

Floats = NDArray[np.float64]
KINDS = {MARKET: "market", LIMIT: "limit", STOP: "stop"}


@dataclass
class BarProtocol:
    """One point's account over one window: `open` it, then take the window's bars in order.

    Parameters
    ----------
    bars : Bars
        The whole history; the window is a slice of it.
    stack : Stack
    row : float64 array (n_columns,)
        The point, as `Stack.vector` makes it.
    window : Window
    bus : EventBus, optional
        Where events are published; one of its own otherwise.
    handler : callable, optional
        ``handler(t, s)`` of a plain-Python strategy: returns the weight, or NaN to keep the last.
    train : Window, optional
        Bars that the strategy's `fit` may see.
    train_bars : Bars, optional
        That training windows are ranges of; `bars` by default.
    liquidate : bool
        Close every position at the last bar's close, costs charged; at its last mark where the symbol
        has no bar there.
    labels : int64 array (n_bars,), optional
        Market regime at each close, -1 where unknown.
    n_regimes : int
        Number of regimes; labels are below it.
    arrays : Market, optional
        `market_arrays` of the bars, where somebody has them already.
    """

    bars: Bars
    stack: Stack
    row: Floats
    window: Window
    bus: EventBus | None = None
    handler: Callable[[int, int], float] | None = None
    train: Window | None = None
    train_bars: Bars | None = None
    liquidate: bool = False
    labels: NDArray[np.int64] | None = None
    n_regimes: int = 0
    arrays: Market | None = None

    def open(self) -> None:
        """Start afresh: empty books, the point's rules, values and prepared tables."""
        bars = self.bars
        self.bus = self.bus if self.bus is not None else EventBus()
        check_window(self.window, bars.n_bars)
        self.regimes = regime_rows(self.labels, self.n_regimes, bars.n_bars)
        self.market = market_arrays(bars) if self.arrays is None else self.arrays
        self.flags = {**market_flags(bars, self.market), "TAIL": True}
        check_points(self.stack, [self.row])
        portfolio = self.stack.part_values(self.row)[-1]
        cash = float(portfolio.initial_cash)
        books = self.books = Books.opened(cash, self.window.n_bars, bars.n_symbols)
        self.follow(self.stack, self.row, self.train)
        self.judge, self.opening = self.module.judge, self.v
        self.paid_in_full = portfolio.long_initial_margin == 1.0
        self.module.open_books(
            cash, books.account, books.book, books.orders, books.memories, self.stack.memory()
        )
        own = slice(self.window.start, self.window.stop)  # as Python's numbers, which events hold
        self.ohlc = [c[own].tolist() for c in (bars.open, bars.high, bars.low, bars.close)]
        self.volume = bars.volume[own].tolist() if bars.volume is not None else None
        self.present = bars.tradable[own].tolist()
        self.times = bars.time_ns[own].tolist()

    def follow(self, stack: Stack, row: Floats, train: Window | None) -> None:
        """Take the rules, values and prepared tables of a point; its memory starts fresh."""
        bars = self.bars
        self.v = check_points(stack, [row])
        check_session(stack, self.v, bars)
        ((structure, points),) = stack.groups(self.v).items()
        self.module = stack.compile(structure, **self.flags)
        (table,) = tables(stack, structure, self.v, points, bars, train, 2**62, train_bars=self.train_bars)
        self.table, self.ix = table.rows, table.ix
        self.ready = [
            max((int(table.first[r, s]) for r in table.ix[0]), default=0) for s in range(bars.n_symbols)
        ]
        rules = dict(structure.rules)
        self.carries, self.protected = rules["CARRY"], rules["PROTECTED"]
        self.closes = self.flags["CLOSES"] or rules["SESSIONS"]
        self.watches, self.banded = rules["HALTS"], rules["BAND"]
        self.books.memories = np.repeat(stack.memory(), bars.n_symbols, axis=0)
        self.label = stack.strategy.label()
        self.filters = [prefix[:-1] for prefix in stack.prefixes[1:-3]]
        self.books.busy = self._awaits()

    def _awaits(self) -> bool:
        """Whether the next bar may fill something."""
        waiting = bool((self.books.orders[:, 0] != NONE).any())
        return waiting or (self.protected and bool((self.books.book[:, 0] != 0.0).any()))

    def bar(self, t: int) -> None:
        """Run the bar protocol, (a) to (f)."""
        assert self.bus is not None
        window, module, books, a = self.window, self.module, self.books, self.books.account
        k = self.k = t - window.start
        if self.carries and t > window.start and not books.ruined:
            module.carry_at(t, self.market, self.v, a, books.book)
        if books.busy:
            self._fill(t)
        if self.closes:
            self._close_out(t)
        ends = self.liquidate and t == window.stop - 1
        if ends:
            self._wind_up(t)
        previous = books.equity
        books.equity, required = module.mark_at(t, self.market, self.v, a, books.book)
        cash = float(a[0])
        if cash < 0.0 and self.paid_in_full and not books.in_debit:
            # only an exit can do this: it is never refused, and what it leaves owing is said
            self.bus.publish(RiskEvent(t, self.times[self.k], "", "cash_below_zero", cash))
        books.in_debit = cash < 0.0
        books.curve[k], books.cash[k], books.positions[k] = books.equity, cash, books.book[:, 0]
        if books.equity != cash or books.equity != previous:
            books.marked.append(books.equity)
            books.nets.append(books.equity - cash)
            books.places.append(t)
        self._announce(t)
        if not books.halted and not ends:
            self._decide(t)
        if not books.halted or (books.equity <= 0.0 and not books.ruined):
            if self.watches or books.equity <= required or books.equity <= 0.0:
                self._judge(t, required)
            books.busy = self._awaits()

    def _announce(self, t: int) -> None:
        assert self.bus is not None
        opens, highs, lows, closes = (column[self.k] for column in self.ohlc)
        for s, symbol in enumerate(self.bars.symbols):
            if self.present[self.k][s]:
                volume = self.volume[self.k][s] if self.volume is not None else float("nan")
                self.bus.publish(
                    BarEvent(t, self.times[self.k], symbol, opens[s], highs[s], lows[s], closes[s], volume)
                )

    def _fill(self, t: int) -> None:
        """Fill what was ordered (a): exposure down, then up, then brackets."""
        module, m, v, books = self.module, self.market, self.v, self.books
        _, a, book, orders = written = books.written
        present = [s for s in range(len(book)) if self.present[self.k][s]]
        opening, need = 0, 0.0
        for s in present:
            if orders[s, 0] != NONE:
                self._filled(t, s, module.reduce_at(t, s, m, v, *written))
                if orders[s, 0] == OPENING:
                    opening += 1
                    need += module.need_at(s, m, v, orders)
        if opening > 0:
            scale = 1.0
            if opening > 1:
                free, _ = module.funds_at(m, v, a, book)
                if need > free:
                    scale = max(free, 0.0) / need
            for s in range(len(book)):
                if orders[s, 0] == OPENING:
                    funds = module.funds_at(m, v, a, book)
                    fill = module.open_at(t, s, scale, *funds, m, self.table, self.ix, v, *written)
                    self._filled(t, s, fill)
        if self.protected:
            for s in present:
                self._filled(t, s, module.protect_at(t, s, m, self.table, self.ix, v, *written))

    def _close_out(self, t: int) -> None:
        self._close(t, np.flatnonzero(np.atleast_1d(self.market.close_out[t])), self.market)

    def _wind_up(self, t: int) -> None:
        """Close what is held at this bar's close, slippage and commission charged."""
        book = self.books.book
        closes, codes = self.market.close.copy(), self.market.close_out.copy()
        closes.reshape(len(closes), -1)[t] = np.where(self.present[self.k], self.bars.close[t], book[:, 2])
        codes[t] = int(LIQUIDATED)
        for array in (closes, codes):
            array.setflags(write=False)
        self._close(t, np.flatnonzero(book[:, 0]), self.market._replace(close=closes, close_out=codes))

    def _close(self, t: int, symbols: Iterable[int], market: Market) -> None:
        for s in map(int, symbols):
            self._filled(t, s, self.module.close_at(t, s, market, self.v, *self.books.written))

    def _filled(self, t: int, s: int, fill: Any) -> None:
        """Publish an execution, or what could not be afforded."""
        assert self.bus is not None
        qty, price, fee, slipped, reason, cut, pnl = fill
        symbol, when = self.bars.symbols[s], self.times[self.k]
        if cut > 0.0:
            self.bus.publish(RiskEvent(t, when, symbol, "order_cut", cut))
        if qty != 0.0:
            event = FillEvent(t, when, symbol, qty, price, fee, slipped, REASONS[int(reason)], cut, pnl)
            self.books.filled.append(self.bus.publish(event))

    def _decide(self, t: int) -> None:
        """Make orders, (c) to (f): weights, filters, sizes."""
        module, m, v = self.module, self.market, self.v
        equity, _, book, orders = self.books.written
        proposals: list[int] = []
        wanted, others = 0.0, 0.0
        for s in range(len(book)):
            proposed = False
            if t >= self.ready[s] and self.present[self.k][s] and not self._delisted(t, s):
                weight = self._weight(t, s)
                if weight != book[s, 3] or self.banded:
                    proposed, value = module.propose_at(
                        t, s, weight, equity, m, self.table, self.ix, v, book, orders
                    )
                    if proposed:
                        proposals.append(s)
                        wanted += value
            if not proposed:
                others += module.others_at(s, m, book, orders) if len(book) > 1 else 0.0
        if proposals:
            scale = module.scale_at(wanted, others, equity, v)
            for s in proposals:
                if orders[s, 0] == PROPOSED:
                    self._order(t, s, module.settle_at(s, scale, equity, m, v, book, orders))

    def _delisted(self, t: int, s: int) -> bool:
        if not self.closes:
            return False
        return REASONS[int(np.atleast_1d(self.market.close_out[t])[s])] == "delisted"

    def _weight(self, t: int, s: int) -> float:
        seen = (self.table, self.ix, self.v, self.books.book, self.books.memories)
        weight = self.module.decide_at(t, s, *seen) if self.handler is None else self.handler(t, s)
        self._signal(t, s, weight, self.label)
        for k, name in enumerate(self.filters):
            weight = self.module.admit_at(k, t, s, weight, *seen)
            self._signal(t, s, weight, name)
        return weight

    def _signal(self, t: int, s: int, weight: float, source: str) -> None:
        """Publish a component's weight when it changes."""
        assert self.bus is not None
        key, signals = (s, source), self.books.signals
        if signals.get(key, 0.0) != weight and weight == weight:
            signals[key] = weight
            self.bus.publish(SignalEvent(t, self.times[self.k], self.bars.symbols[s], weight, source))

    def _order(self, t: int, s: int, order: Any) -> None:
        assert self.bus is not None
        kind, qty, price, _, reason, *_ = order
        if kind != NONE:
            symbol, when = self.bars.symbols[s], self.times[self.k]
            event = OrderEvent(t, when, symbol, KINDS[kind], qty, price, REASONS[int(reason)])
            self.books.sent.append(self.bus.publish(event))

    def _judge(self, t: int, required: float) -> None:
        """Apply the drawdown halt, a margin call or ruin."""
        assert self.bus is not None
        books, when = self.books, self.times[self.k]
        reason = self.module.verdict_at(books.equity, required, self.v, books.account)
        if reason == 0.0:
            return
        name = REASONS[int(reason)]
        books.halted, books.ruined = name != "margin_call", name == "ruined"
        self.bus.publish(RiskEvent(t, when, "", name, books.equity))
        for s, symbol in enumerate(self.bars.symbols):
            qty = float(books.book[s, 0])
            order = self.module.exit_at(t, s, reason, self.market, *books.written)
            if name == "ruined" and qty != 0.0:
                fill = FillEvent(t, when, symbol, -qty, float(books.book[s, 2]), 0.0, 0.0, name)
                books.filled.append(self.bus.publish(fill))
                books.positions[self.k, s] = 0.0
            self._order(t, s, order)
