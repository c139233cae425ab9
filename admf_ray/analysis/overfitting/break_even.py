"""The cost at which an edge is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

__all__ = ["BreakEven", "break_even"]


class BreakEven(NamedTuple):
    """Where costs eat the profit.

    Attributes
    ----------
    outcome : {"no edge", "found", "outlasts"}
        No profit even at cost 0; profit is 0 at `cost`; profit is left at the highest cost tried.
    cost : float
        In the unit of the callable; 0 for "no edge", inf for "outlasts".
    net_pnl : float
        Profit at that cost, at the highest tried for "outlasts".
    """

    outcome: Literal["no edge", "found", "outlasts"]
    cost: float
    net_pnl: float


def break_even(
    net_pnl: Callable[[float], float], *, first: float, highest: float, tolerance: float = 1e-6
) -> BreakEven:
    """Find the cost at which profit is gone.

    Parameters
    ----------
    net_pnl : callable
        Net profit of a run at a cost (basis points, or a multiple of the configured cost).
    first : float
        Costs `first`, 2 `first`, 4 `first`... up to `highest` are tried until the profit is gone.
    highest : float
    tolerance : float
        Of the cost.

    Returns
    -------
    BreakEven

    Raises
    ------
    ValueError
        Unless 0 < first <= highest.

    Notes
    -----
    Brent (1973), "Algorithms for minimization without derivatives", ch. 4; computed by scipy. Where profit
    jumps over 0 (whole lots, orders that become unaffordable) it is the cost of the jump.
    """
    from scipy.optimize import brentq

    if not 0.0 < first <= highest:
        raise ValueError(f"break_even: needs 0 < first <= highest, found {first} and {highest}")
    low, at_low = 0.0, net_pnl(0.0)
    if not at_low > 0.0:
        return BreakEven("no edge", 0.0, at_low)
    high = first
    while (at_high := net_pnl(high)) > 0.0:
        if high >= highest:
            return BreakEven("outlasts", np.inf, at_high)
        low, high = high, min(2.0 * high, highest)
    cost = float(brentq(net_pnl, low, high, xtol=tolerance, maxiter=500))
    return BreakEven("found", cost, net_pnl(cost))
