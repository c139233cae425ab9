"""The simulated broker: order types, costs, financing."""

from __future__ import annotations

from typing import Any

from admf_ray.components.base import Component
from admf_ray.components.registry import register
from admf_ray.rules import costs, orders
from admf_ray.space.parameters import Choice, Param

__all__ = ["SimulatedBroker"]

_MAKE = {"market": orders.market_order, "limit": orders.limit_order, "stop": orders.stop_order}


@register("simulated_broker")
class SimulatedBroker(Component):
    """Fills orders against bars and charges for it.

    Notes
    -----
    Market orders fill at the next open, with spread and slippage. Limit and stop orders enter
    `offset_frac` away from the decision's close; orders to flat always go to market. One execution costs
    ``max(commission_min, per_order + units * per_share + value * frac)``; a reversal is two executions.
    """

    kind = "broker"

    order_type = Choice("market", tuple(_MAKE), "how positions are entered")
    offset_frac = Param(0.0, 0.0, 0.9, "distance of a limit or stop from the close")
    time_in_force = Choice("gtc", ("gtc", "day"), "good till cancelled, or for one session")
    commission_frac = Param(0.0, 0.0, 0.5, "commission as a fraction of value")
    commission_per_share = Param(0.0, 0.0, help="commission per unit")
    commission_per_order = Param(0.0, 0.0, help="commission per execution")
    commission_min = Param(0.0, 0.0, help="least commission per execution")
    slippage_frac = Param(0.0, 0.0, 0.5, "slippage as a fraction of price")
    slippage_ticks = Param(0.0, 0.0, help="slippage in the instrument's ticks")
    slippage_range_frac = Param(0.0, 0.0, 10.0, "slippage as a share of the last bar's range")
    spread_frac = Param(0.0, 0.0, 0.5, "full spread as a fraction of price; half is paid each way")
    borrow_frac_per_year = Param(0.0, 0.0, 10.0, "yearly borrow rate on shorts")
    interest_frac_per_year = Param(0.0, 0.0, 10.0, "yearly interest on cash")

    @staticmethod
    def rules(p: Any) -> dict[str, Any]:
        """Return the compiled rules and flags that these values need."""
        if p.order_type == "market":
            trigger = orders.trigger_market
        else:
            trigger = orders.trigger_day if p.time_in_force == "day" else orders.trigger_gtc
        carry = bool(p.borrow_frac_per_year or p.interest_frac_per_year)
        return {
            "make_order": _MAKE[p.order_type],
            "trigger": trigger,
            "financing": costs.financing if carry else costs.no_financing,
            "CARRY": carry,
            "RANGED": p.slippage_range_frac > 0.0,
        }
