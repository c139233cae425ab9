"""Strategies that need no opinion: what others are compared with."""

from __future__ import annotations

from admf_ray.components.base import Strategy
from admf_ray.components.registry import register

__all__ = ["BuyAndHold"]


@register("buy_and_hold")
class BuyAndHold(Strategy):
    """Fully long from the first bar on.

    Source: none needed; the benchmark of Sharpe (1966), Mutual Fund Performance.
    """

    def decide(p):
        return 1.0
