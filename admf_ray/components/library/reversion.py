"""Strategies that expect prices to come back."""

from __future__ import annotations

from admf_ray.components.base import Strategy
from admf_ray.components.indicators import rsi, zscore
from admf_ray.components.library.sides import side, sided
from admf_ray.components.registry import register
from admf_ray.space.parameters import Param

__all__ = ["BollingerReversion", "RsiReversion"]


@register("rsi_reversion")
class RsiReversion(Strategy):
    """Long from an RSI below `oversold` until one above `exit_level`; short in mirror image about 50.

    Notes
    -----
    Short from above 100 - `oversold` until below 100 - `exit_level`. An entry on the other side comes
    before an exit.

    Source: Wilder (1978), New Concepts in Technical Trading Systems, section on the relative strength
    index (14 bars, 30 and 70).
    """

    length_bars = Param(14, 1, 5_000, "bars of the index")
    oversold = Param(30.0, 0.0, 50.0, "index below which to buy; 100 less it: above which to sell short")
    exit_level = Param(50.0, 0.0, 100.0, "index above which to sell; 100 less it: below which to cover")
    side = side()
    constraints = ("oversold < exit_level",)
    memory = (0.0,)

    def prepare(bars, p):
        return {"rsi": rsi(bars.close, p.length_bars)}

    def decide(now, p, memory):
        state = memory[0]
        if now.rsi < p.oversold:
            state = 1.0
        elif now.rsi > 100.0 - p.oversold:
            state = -1.0
        elif (state > 0.0 and now.rsi > p.exit_level) or (state < 0.0 and now.rsi < 100.0 - p.exit_level):
            state = 0.0
        return sided(state, p.side), (state,)


@register("bollinger_reversion")
class BollingerReversion(Strategy):
    """Long from a close below the lower Bollinger band until it is back at the mean; short from the upper.

    Notes
    -----
    Distances are in standard deviations of the same window: the z-score. `exit_deviations` above 0
    leaves that far before the mean, below 0 that far beyond it.

    Source: Bollinger (2001), Bollinger on Bollinger Bands; the exit at the mean is that of Chan (2013),
    Algorithmic Trading, chapter 3.
    """

    length_bars = Param(20, 2, 5_000, "bars of mean and deviation")
    deviations = Param(2.0, 0.0, 10.0, "distance from the mean at which to enter")
    exit_deviations = Param(
        0.0, -10.0, 10.0, "distance from the mean, on the entry's side, at which to leave"
    )
    side = side()
    constraints = ("exit_deviations < deviations",)
    memory = (0.0,)

    def prepare(bars, p):
        return {"z": zscore(bars.close, p.length_bars)}

    def decide(now, p, memory):
        state = memory[0]
        if now.z < -p.deviations:
            state = 1.0
        elif now.z > p.deviations:
            state = -1.0
        elif (state > 0.0 and now.z >= -p.exit_deviations) or (state < 0.0 and now.z <= p.exit_deviations):
            state = 0.0
        return sided(state, p.side), (state,)
