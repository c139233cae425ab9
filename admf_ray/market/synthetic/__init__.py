"""Seeded markets whose truth is known, for tests, calibration and benchmarks."""

from admf_ray.market.synthetic.edges import (
    planted_crossing,
    planted_mean_reversion,
    planted_spike,
    planted_trend,
)
from admf_ray.market.synthetic.intraday import intraday_minutes
from admf_ray.market.synthetic.market import Market
from admf_ray.market.synthetic.processes import fat_tails, garch, random_walk
from admf_ray.market.synthetic.regimes import regime_switching

__all__ = [
    "Market",
    "fat_tails",
    "garch",
    "intraday_minutes",
    "planted_crossing",
    "planted_mean_reversion",
    "planted_spike",
    "planted_trend",
    "random_walk",
    "regime_switching",
]
