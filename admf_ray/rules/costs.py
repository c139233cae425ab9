"""What trading costs: commission, slippage, spread, borrowing, interest."""

from __future__ import annotations

from admf_ray.rules.compile import rule

__all__ = ["commission", "financing", "no_financing", "worsen"]

DAYS_PER_YEAR = 365.0


@rule
def commission(qty, price, multiplier, b):
    """Money charged for one execution.

    ``max(minimum, per_order + |qty| * per_share + |qty| * price * multiplier * frac)``; 0 for no units.
    """
    units = abs(qty)
    if units == 0.0:
        return 0.0
    value = units * price * multiplier
    fee = b.commission_per_order + units * b.commission_per_share + value * b.commission_frac
    return max(fee, b.commission_min)


@rule
def worsen(side, price, tick, last_range, b):
    """Price of a market or stop execution after spread and slippage.

    Parameters
    ----------
    side : float
        +1 to buy, -1 to sell.
    last_range : float
        High less low of the bar *before* the fill: the fill bar's own range is not known at its open.
    """
    fraction = b.slippage_frac + 0.5 * b.spread_frac
    move = price * fraction + b.slippage_ticks * tick + b.slippage_range_frac * last_range
    return max(price + side * move, 0.0)


@rule
def financing(cash, short_value, days, b):
    """Money charged for `days` calendar days: borrow on shorts less interest on cash (negative cash pays)."""
    years = days / DAYS_PER_YEAR
    return short_value * b.borrow_frac_per_year * years - cash * b.interest_frac_per_year * years


@rule
def no_financing(cash, short_value, days, b):
    """Nothing is charged for holding."""
    return 0.0
