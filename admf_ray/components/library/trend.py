"""Strategies that follow the direction of prices."""

from __future__ import annotations

from admf_ray.components.base import Strategy
from admf_ray.components.indicators import (
    atr,
    donchian_high,
    donchian_low,
    ema,
    lag,
    macd_hist,
    momentum,
    roc,
    sma,
)
from admf_ray.components.library.sides import side, sided
from admf_ray.components.registry import register
from admf_ray.space.parameters import Param

__all__ = [
    "DonchianBreakout",
    "EmaCrossover",
    "MaCrossover",
    "Macd",
    "TimeSeriesMomentum",
    "VolatilityBreakout",
]


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


@register("ema_crossover")
class EmaCrossover(Strategy):
    """Long while the fast exponential mean of closes is above the slow one, short while below.

    Source: Appel (1979), The Moving Average Convergence-Divergence Trading Method, whose line is this
    difference; Kaufman (2013), Trading Systems and Methods.
    """

    fast = Param(12, 1, 5_000, "bars of the fast mean; a new close weighs 2 / (bars + 1)")
    slow = Param(26, 2, 10_000, "bars of the slow mean")
    side = side()
    constraints = ("fast < slow",)

    def prepare(bars, p):
        return {"fast": ema(bars.close, p.fast), "slow": ema(bars.close, p.slow)}

    def decide(now, p):
        if now.fast > now.slow:
            return sided(1.0, p.side)
        if now.fast < now.slow:
            return sided(-1.0, p.side)
        return 0.0


@register("donchian_breakout")
class DonchianBreakout(Strategy):
    """Long from a close above the entry channel until one below the exit channel; short in mirror image.

    Notes
    -----
    A channel runs from the lowest low to the highest high of the bars before this one, so that a close
    can leave it. A breakout against an open position reverses it.

    Source: Donchian (1960), the four-week rule; Faith (2007), Way of the Turtle, systems 1 (20 and 10
    bars) and 2 (55 and 20), without their pyramiding and without the filter on the last trade.
    """

    entry_bars = Param(20, 1, 5_000, "bars of the channel whose break enters")
    exit_bars = Param(10, 1, 5_000, "bars of the channel whose break on the other side leaves")
    side = side()
    constraints = ("exit_bars <= entry_bars",)
    memory = (0.0,)

    def prepare(bars, p):
        return {
            "close": bars.close,
            "top": lag(donchian_high(bars.high, p.entry_bars), 1),
            "bottom": lag(donchian_low(bars.low, p.entry_bars), 1),
            "exit_top": lag(donchian_high(bars.high, p.exit_bars), 1),
            "exit_bottom": lag(donchian_low(bars.low, p.exit_bars), 1),
        }

    def decide(now, p, memory):
        state = memory[0]
        if now.close > now.exit_top:
            state = 1.0 if now.close > now.top else max(state, 0.0)
        elif now.close < now.exit_bottom:
            state = -1.0 if now.close < now.bottom else min(state, 0.0)
        return sided(state, p.side), (state,)


@register("macd")
class Macd(Strategy):
    """Long while the MACD line is above its signal line, short while below.

    Source: Appel (1979), The Moving Average Convergence-Divergence Trading Method.
    """

    fast = Param(12, 1, 5_000, "bars of the fast exponential mean")
    slow = Param(26, 2, 10_000, "bars of the slow exponential mean")
    signal = Param(9, 2, 5_000, "bars of the signal line, the exponential mean of the difference")
    side = side()
    constraints = ("fast < slow",)

    def prepare(bars, p):
        return {"above": macd_hist(bars.close, p.fast, p.slow, p.signal)}

    def decide(now, p):
        if now.above > 0.0:
            return sided(1.0, p.side)
        if now.above < 0.0:
            return sided(-1.0, p.side)
        return 0.0


@register("time_series_momentum")
class TimeSeriesMomentum(Strategy):
    """Long while the return over the past bars is positive, short while it is negative.

    Notes
    -----
    The weight is the sign alone; the paper's scaling is the risk manager's ``volatility_target``. It is
    looked at every bar, where the paper looks once a month.

    Source: Moskowitz, Ooi and Pedersen (2012), Time series momentum, section 4.
    """

    lookback_bars = Param(252, 1, 10_000, "bars of the past return")
    side = side()

    def prepare(bars, p):
        return {"past": roc(bars.close, p.lookback_bars)}

    def decide(now, p):
        if now.past > 0.0:
            return sided(1.0, p.side)
        if now.past < 0.0:
            return sided(-1.0, p.side)
        return 0.0


@register("volatility_breakout")
class VolatilityBreakout(Strategy):
    """Long from a close `atr_multiple` average true ranges above the close before, short from one below.

    Notes
    -----
    More than the multiple; held until the opposite breakout. The range is the one known at the bar
    before, so a large bar does not raise its own hurdle.

    Source: Wilder (1978), New Concepts in Technical Trading Systems, the volatility system, which
    measures from the best close since entry; from the previous close as in Kaufman (2013), Trading
    Systems and Methods.
    """

    atr_bars = Param(14, 1, 5_000, "bars of the average true range")
    atr_multiple = Param(1.5, 0.05, 20.0, "average true ranges that make a breakout")
    side = side()
    memory = (0.0,)

    def prepare(bars, p):
        return {
            "move": momentum(bars.close, 1),
            "range": lag(atr(bars.high, bars.low, bars.close, p.atr_bars), 1),
        }

    def decide(now, p, memory):
        hurdle = p.atr_multiple * now.range
        state = memory[0]
        if now.move > hurdle:
            state = 1.0
        elif now.move < -hurdle:
            state = -1.0
        return sided(state, p.side), (state,)
