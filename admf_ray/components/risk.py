"""The risk manager: how much, within which limits, protected how."""

from __future__ import annotations

from typing import Any

from admf_ray.components.base import Component
from admf_ray.components.indicators import atr, volatility
from admf_ray.components.registry import register
from admf_ray.rules import protection, sizing
from admf_ray.space.parameters import Choice, Param

__all__ = ["RiskManager"]

_UNITS = {
    "fixed_fraction": sizing.fixed_fraction_units,
    "fixed_size": sizing.fixed_size_units,
    "volatility_target": sizing.volatility_units,
    "atr": sizing.atr_units,
}


@register("risk_manager")
class RiskManager(Component):
    """Turns an admitted weight into a quantity and guards what is held.

    Notes
    -----
    Sizing: ``fixed_fraction`` of the symbol's share of equity; ``fixed_size`` in units;
    ``volatility_target`` so that the position's yearly volatility is `target_volatility` of the share
    (Moskowitz, Ooi and Pedersen 2012); ``atr`` so that `atr_multiple` average true ranges cost
    `risk_frac` of the share (Faith 2007). Brackets attach to the entry's average price; every zero
    switches its feature off. After a protective exit nothing is re-entered until the weight changes.
    """

    kind = "risk_manager"

    sizing = Choice("fixed_fraction", tuple(_UNITS), "how a weight becomes a quantity")
    size_at = Choice("decision", ("decision", "fill"), "price that sizes: close of the decision or the fill")
    fraction = Param(1.0, 0.0, 100.0, "share of the symbol's capital at weight 1")
    size_units = Param(1.0, 0.0, help="units at weight 1 under fixed_size")
    target_volatility = Param(0.15, 0.0, help="yearly volatility under volatility_target")
    volatility_bars = Param(20, 2, 10_000, "bars of the volatility estimate")
    risk_frac = Param(0.01, 0.0, 1.0, "share of capital risked under atr sizing")
    atr_multiple = Param(2.0, 0.0, 100.0, "average true ranges to the assumed stop under atr sizing")
    atr_bars = Param(14, 1, 10_000, "bars of the average true range")
    lots = Choice("fractions", ("fractions", "whole"), "whole units or fractions of them")
    max_symbol_exposure = Param(1.0, 0.0, 100.0, "largest position over equity, per symbol")
    max_gross_exposure = Param(1.0, 0.0, 100.0, "largest sum of absolute positions over equity")
    stop_loss_frac = Param(0.0, 0.0, 1.0, "stop distance as a fraction of the entry price")
    take_profit_frac = Param(0.0, 0.0, help="target distance as a fraction of the entry price")
    trailing_stop_frac = Param(0.0, 0.0, 1.0, "trail distance as a fraction of the best price")
    stop_loss_atr = Param(0.0, 0.0, help="stop distance in average true ranges")
    take_profit_atr = Param(0.0, 0.0, help="target distance in average true ranges")
    trailing_stop_atr = Param(0.0, 0.0, help="trail distance in average true ranges")
    max_drawdown_frac = Param(0.0, 0.0, 1.0, "drawdown at which everything is closed for good")
    rebalance_band_frac = Param(0.0, 0.0, 1.0, "drift of equity share that re-sizes a position")
    flat_at_session_end = Choice("no", ("no", "yes"), "close everything at the session's last close")

    def prepare(bars: Any, p: Any) -> dict[str, Any]:  # noqa: N805  (static, like a strategy's)
        """Return what the sizing and the bracket look at."""
        values = {}
        if p.sizing == "volatility_target":
            values["volatility"] = volatility(bars.close, p.volatility_bars)
        if p.sizing == "atr" or p.stop_loss_atr or p.take_profit_atr or p.trailing_stop_atr:
            values["atr"] = atr(bars.high, bars.low, bars.close, p.atr_bars)
        return values

    @staticmethod
    def rules(p: Any) -> dict[str, Any]:
        """Return the compiled rules and flags that these values need."""
        ranges = bool(p.stop_loss_atr or p.take_profit_atr or p.trailing_stop_atr)
        protected = ranges or bool(p.stop_loss_frac or p.take_profit_frac or p.trailing_stop_frac)
        return {
            "units": _UNITS[p.sizing],
            "distance_rule": protection.atr_distance if ranges else protection.no_distance,
            "levels": protection.protective_levels if protected else protection.no_levels,
            "protective": protection.protective_test if protected else protection.no_test,
            "ratchet": protection.trailing_ratchet if protected else protection.no_ratchet,
            "PROTECTED": protected,
            "RESIZE": p.size_at == "fill" and p.sizing != "fixed_size",
            "BAND": p.rebalance_band_frac > 0.0,
            "GROSS": p.max_gross_exposure < p.max_symbol_exposure,
            "HALTS": p.max_drawdown_frac > 0.0,
            "SESSIONS": p.flat_at_session_end == "yes",
        }
