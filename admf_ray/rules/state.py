"""What a backtest remembers between bars: account, positions and orders, as tuples of numbers.

The sweep keeps them in registers (one symbol) or in rows of a small array (several); the replay
keeps them in arrays between calls. Both load and store through the functions here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy import nan

from admf_ray.rules.compile import rule

__all__ = [
    "DELISTED",
    "FLAT",
    "HALT",
    "LIMIT",
    "LIQUIDATED",
    "MARGIN",
    "MARKET",
    "NONE",
    "NO_FILL",
    "NO_ORDER",
    "OPENING",
    "PROPOSED",
    "REASONS",
    "RUIN",
    "SESSION_END",
    "SIGNAL",
    "STOP",
    "STOP_LOSS",
    "TAKE_PROFIT",
    "Account",
    "Bar",
    "Fill",
    "Held",
    "Market",
    "Order",
    "Position",
]

# kinds of order; OPENING: hit in this bar, its opening part waits for cash; PROPOSED: not yet sized
NONE, MARKET, LIMIT, STOP, OPENING, PROPOSED = 0.0, 1.0, 2.0, 3.0, 4.0, 5.0

# why a fill happened; the index is the code
REASONS = (
    "signal",
    "stop_loss",
    "take_profit",
    "drawdown_halt",
    "margin_call",
    "session_end",
    "delisted",
    "ruined",
    "liquidated",
)
SIGNAL, STOP_LOSS, TAKE_PROFIT, HALT, MARGIN, SESSION_END, DELISTED, RUIN, LIQUIDATED = (
    float(code) for code in range(len(REASONS))
)


class Market(NamedTuple):
    """Read-only arrays that every rule may look at, for one data set.

    Attributes
    ----------
    open, high, low, close : float64 (n_bars, n_symbols)
        NaN where a symbol has no bar.
    tradable : uint8 (n_bars, n_symbols)
        1 where a real bar stands.
    close_out : uint8 (n_bars, n_symbols)
        Reason code of a forced exit at this bar's close, 0 for none.
    day : float64 (n_bars,)
        Calendar day number in the exchange's zone.
    benchmark : float64 (n_bars,)
        Buy-and-hold return from the close before, mean over the listed symbols.
    multiplier, tick, lot, share : float64 (n_symbols,)
        Instrument facts and each symbol's part of the capital.
    bars_per_year : float
        Annualisation factor.
    """

    open: Any
    high: Any
    low: Any
    close: Any
    tradable: Any
    close_out: Any
    day: Any
    benchmark: Any
    multiplier: Any
    tick: Any
    lot: Any
    share: Any
    bars_per_year: float


class Bar(NamedTuple):
    """Prices of one symbol in one bar."""

    open: float
    high: float
    low: float
    close: float


class Account(NamedTuple):
    """Money and running totals of one backtest, shared by its symbols; money in the account's currency.

    Attributes
    ----------
    cash : float
    realised : float
        P&L of reductions less all commissions.
    commission, slippage, financing : float
        Paid so far; financing is borrow cost less interest received.
    turnover : float
        Sum of absolute fill values, each over the equity last marked.
    fills, trades, wins, losses : float
        Counts; a trade runs from flat to flat.
    profit, loss : float
        Sums of winning and of losing trades' net P&L, both >= 0.
    streak, longest_streak : float
        Losing trades in a row, now and at most.
    peak : float
        Highest equity, for the drawdown halt.
    halted : float
        0 while trading, else the code of the reason that stopped it.
    """

    cash: float
    realised: float
    commission: float
    slippage: float
    financing: float
    turnover: float
    fills: float
    trades: float
    wins: float
    losses: float
    profit: float
    loss: float
    streak: float
    longest_streak: float
    peak: float
    halted: float


class Position(NamedTuple):
    """One symbol's holding.

    Attributes
    ----------
    qty : float
        Signed units held.
    average : float
        Average price of the open position.
    mark : float
        Last known close.
    weight : float
        Weight last admitted; an order is sent when it changes.
    pnl : float
        Net P&L realised so far within the open trade.
    opened : float
        Bar of the fill that opened the trade.
    stop, take : float
        Protective price levels; NaN when there is none.
    """

    qty: float
    average: float
    mark: float
    weight: float
    pnl: float
    opened: float
    stop: float
    take: float


class Order(NamedTuple):
    """One symbol's waiting order.

    Attributes
    ----------
    kind : float
        NONE, MARKET, LIMIT, STOP, OPENING or PROPOSED.
    qty : float
        Signed units.
    price, raw : float
        Limit or trigger; for OPENING the execution price, after and before costs.
    reason : float
        Index into REASONS.
    day : float
        First calendar day it could fill on; -1 before.
    target : float
        Exposure asked for as a share of equity, for sizing at the fill.
    intrabar : float
        1 when it was hit after the open.
    """

    kind: float
    qty: float
    price: float
    raw: float
    reason: float
    day: float
    target: float
    intrabar: float


class Fill(NamedTuple):
    """One execution; ``qty == 0`` means none happened.

    Attributes
    ----------
    qty, price, commission, slippage : float
        Signed units, price paid, money, money.
    reason : float
        Index into REASONS.
    cut : float
        Units asked for and not affordable.
    pnl : float
        Net P&L of the trade this fill closed; NaN when it closed none.
    """

    qty: float
    price: float
    commission: float
    slippage: float
    reason: float
    cut: float
    pnl: float


class Held(NamedTuple):
    """What a strategy or filter is told of the position it holds.

    Attributes
    ----------
    qty : float
        Signed units.
    average : float
        Average entry price; 0 when flat.
    bars : float
        Bars since the trade opened; 0 when flat.
    """

    qty: float
    average: float
    bars: float


NO_ORDER = Order(0.0, 0.0, nan, nan, 0.0, -1.0, 0.0, 0.0)
NO_FILL = Fill(0.0, nan, 0.0, 0.0, 0.0, 0.0, nan)
FLAT = Position(0.0, 0.0, nan, 0.0, 0.0, 0.0, nan, nan)
N_POSITION, N_ORDER, N_ACCOUNT = len(FLAT), len(NO_ORDER), 16


@rule
def new_account(cash):
    """Account at the first bar of a window."""
    return Account(cash, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, cash, 0.0)


@rule
def load_account(a):
    """Read an account from its array."""
    return Account(
        a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14], a[15]
    )


@rule
def store_account(a, account):
    """Write an account to its array."""
    for i in range(16):
        a[i] = account[i]


@rule
def load_position(book, s):
    """Read symbol `s`'s position from the book."""
    return Position(
        book[s, 0], book[s, 1], book[s, 2], book[s, 3], book[s, 4], book[s, 5], book[s, 6], book[s, 7]
    )


@rule
def store_position(book, s, position):
    """Write symbol `s`'s position to the book."""
    for i in range(8):
        book[s, i] = position[i]


@rule
def load_order(orders, s):
    """Read symbol `s`'s order."""
    return Order(
        orders[s, 0],
        orders[s, 1],
        orders[s, 2],
        orders[s, 3],
        orders[s, 4],
        orders[s, 5],
        orders[s, 6],
        orders[s, 7],
    )


@rule
def store_order(orders, s, order):
    """Write symbol `s`'s order."""
    for i in range(8):
        orders[s, i] = order[i]


@rule
def held(t, position):
    """Tell what is held at bar `t`."""
    return Held(position.qty, position.average, t - position.opened if position.qty != 0.0 else 0.0)
