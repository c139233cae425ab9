"""Events: what happened in a container, in order, unchangeable."""

from __future__ import annotations

from typing import NamedTuple

from numpy import nan

__all__ = ["EVENT_TYPES", "BarEvent", "Event", "FillEvent", "OrderEvent", "RiskEvent", "SignalEvent"]

# Tuples, because a replay makes several a bar and nothing unchangeable is cheaper in Python.
# `sequence` comes last so that a publisher need not name it; the bus fills it in.


class BarEvent(NamedTuple):
    """One symbol's bar has closed.

    Attributes
    ----------
    bar : int
        Index in the bars.
    time_ns : int
        UTC nanoseconds of the bar's close.
    symbol : str
    open, high, low, close, volume : float
        Volume is NaN where it is not known.
    sequence : int
        Number on the container's bus, from 1; 0 before it is published.
    """

    bar: int
    time_ns: int
    symbol: str
    open: float
    high: float
    low: float
    close: float
    volume: float = nan
    sequence: int = 0


class SignalEvent(NamedTuple):
    """A component states the weight to hold.

    Attributes
    ----------
    bar, time_ns, symbol, sequence
        As in `BarEvent`.
    weight : float
        -1 to 1 of the symbol's capital share.
    source : str
        Name of the strategy, or of the filter that changed the weight: 0 from a filter is a veto.
    """

    bar: int
    time_ns: int
    symbol: str
    weight: float
    source: str
    sequence: int = 0


class OrderEvent(NamedTuple):
    """An order was sent; it waits for the next bar.

    Attributes
    ----------
    bar, time_ns, symbol, sequence
        As in `BarEvent`; the bar that decided.
    kind : str
        ``market``, ``limit`` or ``stop``.
    qty : float
        Signed units.
    price : float
        Limit or trigger; NaN for a market order.
    reason : str
        One of `rules.state.REASONS`.
    """

    bar: int
    time_ns: int
    symbol: str
    kind: str
    qty: float
    price: float
    reason: str
    sequence: int = 0


class FillEvent(NamedTuple):
    """An order was executed.

    Attributes
    ----------
    bar, time_ns, symbol, sequence
        As in `BarEvent`; the bar of the execution.
    qty, price : float
        Signed units, price paid.
    commission, slippage : float
        Money.
    reason : str
        One of `rules.state.REASONS`.
    cut : float
        Units asked for and not affordable.
    pnl : float
        Net P&L of the trade this fill closed; NaN when it closed none.
    """

    bar: int
    time_ns: int
    symbol: str
    qty: float
    price: float
    commission: float
    slippage: float
    reason: str
    cut: float = 0.0
    pnl: float = nan
    sequence: int = 0


class RiskEvent(NamedTuple):
    """Something a user must know and no fill shows: an order cut to nothing, a margin call, a halt.

    Attributes
    ----------
    bar, time_ns, symbol, sequence
        As in `BarEvent`; the symbol is empty when the whole account is meant.
    notice : str
        What happened: ``order_cut``, ``cash_below_zero`` or one of `rules.state.REASONS`.
    value : float
        The figure behind it, such as units cut or equity; NaN when there is none.
    """

    bar: int
    time_ns: int
    symbol: str
    notice: str
    value: float = nan
    sequence: int = 0


Event = BarEvent | SignalEvent | OrderEvent | FillEvent | RiskEvent
EVENT_TYPES: tuple[type[Event], ...] = (BarEvent, SignalEvent, OrderEvent, FillEvent, RiskEvent)
