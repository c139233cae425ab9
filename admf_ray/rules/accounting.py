"""Cash, positions and P&L: what a fill does to them and what can be afforded."""

from __future__ import annotations

import math

from numpy import nan

from admf_ray.rules.compile import rule
from admf_ray.rules.costs import commission
from admf_ray.rules.state import Account, Position

__all__ = [
    "affordable",
    "apply_fill",
    "charge",
    "margin_held",
    "margin_required",
    "short_margin_required",
    "to_lot",
    "watch",
]


@rule
def apply_fill(t, account, position, qty, price, fee, slipped, multiplier, equity):
    """Book one execution that does not cross zero.

    Parameters
    ----------
    qty : float
        Signed units.
    price : float
        Execution price.
    fee, slipped : float
        Money; `slipped` is already in the price and only counted.
    equity : float
        Equity last marked, for the turnover.

    Returns
    -------
    account, position, pnl
        `pnl` is the net P&L of the trade this fill closed, NaN when it closed none.

    Notes
    -----
    Average-cost accounting; a trade runs from flat to flat and carries its commissions.
    """
    left = position.qty + qty
    trades, wins, losses = account.trades, account.wins, account.losses
    profit, loss, streak, longest = account.profit, account.loss, account.streak, account.longest_streak
    closed = nan
    average, pnl, opened = position.average, position.pnl, position.opened
    stop, take = position.stop, position.take
    if position.qty == 0.0 or (position.qty > 0.0) == (qty > 0.0):
        gain = -fee
        if position.qty == 0.0:
            average, pnl, opened = price, gain, float(t)
        else:
            average = (position.average * position.qty + price * qty) / left
            pnl = position.pnl + gain
    else:
        gain = -qty * (price - position.average) * multiplier - fee
        pnl = position.pnl + gain
        if left == 0.0:
            closed = pnl
            trades += 1.0
            if closed > 0.0:
                wins += 1.0
                profit += closed
                streak = 0.0
            elif closed < 0.0:
                losses += 1.0
                loss -= closed
                streak += 1.0
                longest = max(longest, streak)
            else:
                streak = 0.0
            average, pnl, opened, stop, take = 0.0, 0.0, 0.0, nan, nan
    account = Account(
        account.cash - qty * price * multiplier - fee,
        account.realised + gain,
        account.commission + fee,
        account.slippage + slipped,
        account.financing,
        account.turnover + (abs(qty) * price * multiplier / equity if equity > 0.0 else 0.0),
        account.fills + 1.0,
        trades,
        wins,
        losses,
        profit,
        loss,
        streak,
        longest,
        account.peak,
        account.halted,
    )
    position = Position(left, average, position.mark, position.weight, pnl, opened, stop, take)
    return account, position, closed


@rule
def charge(account, amount):
    """Take financing from the cash."""
    return Account(
        account.cash - amount,
        account.realised,
        account.commission,
        account.slippage,
        account.financing + amount,
        account.turnover,
        account.fills,
        account.trades,
        account.wins,
        account.losses,
        account.profit,
        account.loss,
        account.streak,
        account.longest_streak,
        account.peak,
        account.halted,
    )


@rule
def watch(account, peak, halted):
    """Replace the equity peak and the halt code."""
    return Account(
        account.cash,
        account.realised,
        account.commission,
        account.slippage,
        account.financing,
        account.turnover,
        account.fills,
        account.trades,
        account.wins,
        account.losses,
        account.profit,
        account.loss,
        account.streak,
        account.longest_streak,
        peak,
        halted,
    )


@rule
def margin_held(value, f):
    """Cash that a position of signed `value` binds: nothing for a long paid in full.

    A short binds its proceeds and the initial margin; a long bought on margin frees the borrowed part.
    """
    if value < 0.0:
        return -value * (1.0 + f.short_initial_margin)
    return value * (f.long_initial_margin - 1.0)


@rule
def margin_required(value, f):
    """Equity below which a position of signed `value` is closed at the next open."""
    if value < 0.0:
        return -value * f.short_maintenance_margin
    return value * f.long_maintenance_margin


@rule
def short_margin_required(value, f):
    """As `margin_required` where longs are paid in full and so can never be called."""
    return max(-value, 0.0) * f.short_maintenance_margin


@rule
def to_lot(units, lot):
    """Round units toward zero to whole lots; ``lot == 0`` keeps fractions."""
    if lot <= 0.0:
        return units
    lots = math.floor(abs(units) / lot + 1e-9)
    return lots * lot if units > 0.0 else -lots * lot


@rule
def affordable(wanted, price, multiplier, lot, free, margin, b):
    """Largest quantity <= `wanted` that `free` cash covers, commission included.

    Parameters
    ----------
    wanted : float
        Units, >= 0.
    margin : float
        Cash bound per unit of value: 1 for a long paid in full.
    """
    fee = commission(wanted, price, multiplier, b)
    if free - wanted * price * multiplier * margin - fee >= 0.0:
        return wanted
    unit = price * multiplier * margin
    linear = unit + b.commission_per_share + price * multiplier * b.commission_frac
    if linear <= 0.0:
        return 0.0
    units = (free - b.commission_per_order) / linear
    if unit > 0.0:
        units = min(units, (free - b.commission_min) / unit)
    units = to_lot(min(max(units, 0.0), wanted), lot)
    for _ in range(8):
        fee = commission(units, price, multiplier, b)
        if units <= 0.0 or free - units * price * multiplier * margin - fee >= 0.0:
            return units
        units = max(units - lot, 0.0) if lot > 0.0 else units * (1.0 - 4.5e-16)
    return 0.0
