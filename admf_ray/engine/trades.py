"""Trades: what the fills amount to, from flat to flat."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy import nan

from admf_ray.engine.events import FillEvent
from admf_ray.market import Bars, Window

__all__ = ["Trade", "trades_of"]


class Trade(NamedTuple):
    """One round trip, or one still open.

    Attributes
    ----------
    symbol : str
    side : str
        ``long`` or ``short``.
    entry_bar, exit_bar : int
        Bars of the first and last fill; -1 while open.
    entry_time_ns, exit_time_ns : int
        Their closes; -1 while open.
    qty : float
        Units bought (or sold short) in all.
    entry_price, exit_price : float
        Average prices; while open the exit is the last close.
    pnl : float
        Net money; while open at the last close.
    costs : float
        Commission and slippage in money.
    mae, mfe : float
        Worst and best price against the average entry within the trade's bars, as a fraction
        (<= 0 and >= 0); the entry and exit bars count whole.
    bars_held : int
    reason : str
        Why it was closed; ``open``.
    """

    symbol: str
    side: str
    entry_bar: int
    exit_bar: int
    entry_time_ns: int
    exit_time_ns: int
    qty: float
    entry_price: float
    exit_price: float
    pnl: float
    costs: float
    mae: float
    mfe: float
    bars_held: int
    reason: str


def trades_of(fills: Iterable[FillEvent], bars: Bars, window: Window) -> tuple[Trade, ...]:
    """Return the trades that the fills amount to, closed ones in order of exit, then the open ones.

    Parameters
    ----------
    fills : iterable of FillEvent
        In order.
    bars : Bars
    window : Window
        Open trades are valued at its last bar.
    """
    running: dict[str, list[FillEvent]] = {}
    held: dict[str, float] = {}
    closed = []
    for fill in fills:
        running.setdefault(fill.symbol, []).append(fill)
        held[fill.symbol] = held.get(fill.symbol, 0.0) + fill.qty
        if fill.pnl == fill.pnl or fill.reason == "ruined":
            closed.append(_trade(running.pop(fill.symbol), bars, fill.bar, fill.reason))
            held[fill.symbol] = 0.0
    rest = [_trade(own, bars, window.stop - 1, "open") for _, own in sorted(running.items())]
    return (*closed, *rest)


def _trade(fills: list[FillEvent], bars: Bars, last: int, reason: str) -> Trade:
    s = bars.symbols.index(fills[0].symbol)
    multiplier = bars.instruments[s].multiplier
    side = 1.0 if fills[0].qty > 0.0 else -1.0
    entries = [f for f in fills if f.qty * side > 0.0]
    exits = [f for f in fills if f.qty * side < 0.0]
    qty = sum(abs(f.qty) for f in entries)
    entry = sum(abs(f.qty) * f.price for f in entries) / qty
    first = fills[0].bar
    closes = bars.close[first : last + 1, s]
    known = closes[np.isfinite(closes)]
    left = qty - sum(abs(f.qty) for f in exits) if reason == "open" else 0.0
    out = sum(abs(f.qty) * f.price for f in exits) + left * (known[-1] if known.size else nan)
    commission = sum(f.commission for f in fills)
    is_open = reason == "open"
    pnl = side * (out - entry * qty) * multiplier - commission
    high = float(np.nanmax(bars.high[first : last + 1, s]))
    low = float(np.nanmin(bars.low[first : last + 1, s]))
    best, worst = (high, low) if side > 0 else (low, high)
    return Trade(
        fills[0].symbol,
        "long" if side > 0 else "short",
        first,
        -1 if is_open else last,
        fills[0].time_ns,
        -1 if is_open else fills[-1].time_ns,
        qty,
        entry,
        out / qty,
        pnl if is_open or fills[-1].pnl != fills[-1].pnl else fills[-1].pnl,
        commission + sum(f.slippage for f in fills),
        min(side * (worst / entry - 1.0), 0.0),
        max(side * (best / entry - 1.0), 0.0),
        last - first,
        reason,
    )
