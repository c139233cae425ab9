"""The portfolio: cash and margin."""

from __future__ import annotations

from typing import Any

from admf_ray.components.base import Component
from admf_ray.components.registry import register
from admf_ray.rules import accounting
from admf_ray.space.parameters import Param

__all__ = ["Portfolio"]


@register("portfolio")
class Portfolio(Component):
    """One account: initial cash and margin rates.

    Notes
    -----
    Longs are paid in full unless `long_initial_margin` is below 1. Shorts follow Regulation T: 50 %
    initial, 30 % maintenance (FINRA rule 4210). A breach of maintenance closes everything at the next
    open; equity at or below zero ends the run, flat, as ``ruined``.
    """

    kind = "portfolio"
    constraints = ("long_maintenance_margin <= long_initial_margin",)

    initial_cash = Param(100_000.0, 0.01, help="cash at each window's start")
    long_initial_margin = Param(1.0, 0.01, 1.0, "cash per unit of long value at entry")
    long_maintenance_margin = Param(0.25, 0.0, 1.0, "equity per unit of long value that must stay")
    short_initial_margin = Param(0.5, 0.0, 10.0, "cash beyond the proceeds per unit of short value")
    short_maintenance_margin = Param(0.3, 0.0, 10.0, "equity per unit of short value that must stay")

    @staticmethod
    def rules(p: Any) -> dict[str, Any]:
        """Return the compiled rules that these values need."""
        paid = p.long_initial_margin == 1.0
        return {"required_margin": accounting.short_margin_required if paid else accounting.margin_required}
