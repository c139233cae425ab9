"""Stop-loss, take-profit and trailing stop: levels set at the entry, tested in each bar."""

from __future__ import annotations

from numpy import nan

from admf_ray.rules.compile import rule
from admf_ray.rules.state import STOP_LOSS, TAKE_PROFIT

__all__ = [
    "atr_distance",
    "no_distance",
    "no_levels",
    "no_ratchet",
    "no_test",
    "protective_levels",
    "protective_test",
    "trailing_ratchet",
    "unmoved",
]


@rule
def no_distance(now):
    """Average true range is not used."""
    return 0.0


@rule
def atr_distance(now):
    """Average true range at the bar."""
    return now.atr


@rule
def no_levels(side, average, atr, r):
    """No protective levels."""
    return nan, nan


@rule
def no_test(bar, qty, stop, take, intrabar):
    """Nothing protects the position."""
    return False, nan, 0.0


@rule
def no_ratchet(bar, qty, stop, atr, r):
    """Keep the stop where it is."""
    return stop


@rule
def protective_levels(side, average, atr, r):
    """(stop, take) prices for an entry at `average`; NaN for those not asked for.

    Parameters
    ----------
    side : float
        +1 long, -1 short.
    atr : float
        Average true range at the decision, before the fill bar.
    """
    stop = nan
    take = nan
    if r.stop_loss_frac > 0.0 or r.stop_loss_atr > 0.0:
        stop = average - side * (average * r.stop_loss_frac + atr * r.stop_loss_atr)
    if r.trailing_stop_frac > 0.0 or r.trailing_stop_atr > 0.0:
        trail = average - side * (average * r.trailing_stop_frac + atr * r.trailing_stop_atr)
        if not side * stop >= side * trail:
            stop = trail
    if r.take_profit_frac > 0.0 or r.take_profit_atr > 0.0:
        take = average + side * (average * r.take_profit_frac + atr * r.take_profit_atr)
    return stop, take


@rule
def unmoved(side, before, stop, r):
    """Stop after adding to a position: re-set from the new average, but a trailing one never moves back."""
    if (r.trailing_stop_frac > 0.0 or r.trailing_stop_atr > 0.0) and side * before > side * stop:
        return before
    return stop


@rule
def protective_test(bar, qty, stop, take, intrabar):
    """(hit, price, reason) of the bracket in this bar; the stop wins when both could fire.

    A stop fires on touch, at the stop or at the open on a gap. A take-profit is a limit: it must be
    traded through. After an entry within the bar the open lies behind it and the target may not fire.
    """
    if qty > 0.0:
        if bar.low <= stop:
            return True, stop if intrabar else min(bar.open, stop), STOP_LOSS
        if not intrabar and bar.high > take:
            return True, max(bar.open, take), TAKE_PROFIT
    else:
        if bar.high >= stop:
            return True, stop if intrabar else max(bar.open, stop), STOP_LOSS
        if not intrabar and bar.low < take:
            return True, min(bar.open, take), TAKE_PROFIT
    return False, nan, 0.0


@rule
def trailing_ratchet(bar, qty, stop, atr, r):
    """Move the stop behind the bar's best price, never back; after the bar's test."""
    if not (r.trailing_stop_frac > 0.0 or r.trailing_stop_atr > 0.0):
        return stop
    if qty > 0.0:
        trail = bar.high * (1.0 - r.trailing_stop_frac) - atr * r.trailing_stop_atr
        return stop if stop >= trail else trail
    trail = bar.low * (1.0 + r.trailing_stop_frac) + atr * r.trailing_stop_atr
    return stop if stop <= trail else trail
