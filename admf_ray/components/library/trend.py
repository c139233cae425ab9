"""Strategies that follow the direction of prices."""

from __future__ import annotations

from admf_ray.components.base import Strategy
from admf_ray.components.indicators import sma
from admf_ray.components.library.sides import side, sided
from admf_ray.components.registry import register
from admf_ray.space.parameters import Param

__all__ = ["MaCrossover"]


@register("ma_crossover")
class MaCrossover(Strategy):
    """Long while the fast simple mean of closes is above the slow one, short while below.

    Source: Brock, Lakonishok and LeBaron (1992), variable-length moving average without band.
    """

    fast = Param(10, 1, 5_000, "bars of the fast mean")
    slow = Param(30, 2, 10_000, "bars of the slow mean")
    side = side()
    constraints = ("fast < slow",)

    def prepare(bars, p):
        return {"fast": sma(bars.close, p.fast), "slow": sma(bars.close, p.slow)}

    def decide(now, p):
        if now.fast > now.slow:
            return sided(1.0, p.side)
        if now.fast < now.slow:
            return sided(-1.0, p.side)
        return 0.0
