"""Filters: when a strategy's wish is granted, when it is cut, when it is refused.

A filter looks at every weight, not only at entries: a weight that stops being admitted is cut or
closed at once, and comes back when it is admitted again. Stacked filters each see what the one before
left over.
"""

from __future__ import annotations

from admf_ray.components.base import Filter
from admf_ray.components.indicators import lag, sma, volatility
from admf_ray.components.registry import register
from admf_ray.rules.compile import rule
from admf_ray.space.parameters import Choice, Param

__all__ = ["CounterTrendFilter", "RegimeFilter", "TimeOfDayFilter", "VolatilityFilter", "WeekdayFilter"]


def mode() -> Choice:
    """Return the parameter that says what happens to a weight that is not admitted."""
    return Choice("veto", ("veto", "scale"), "refuse a weight that is not admitted, or multiply it by factor")


def factor() -> Param:
    """Return the parameter that says how much of a weight is left in scale mode."""
    return Param(0.5, 0.0, 1.0, "what is left of a weight that is not admitted, in scale mode")


@rule
def times(weight, factor):
    """Multiply; a factor of 0 gives 0 also where there is no opinion (NaN)."""
    if factor == 0.0:
        return 0.0
    return weight * factor


@rule
def cut(weight, mode, factor):
    """Cut a weight that is not admitted."""
    return 0.0 if mode == 0.0 else times(weight, factor)


@register("trend_direction")
class CounterTrendFilter(Filter):
    """Refuses, or scales, weights against the direction of a long mean of closes.

    Notes
    -----
    Against the direction is a long weight with the close below the mean, or with the mean below where it
    was `slope_bars` before, as `measure` says; ``both`` refuses what either refuses. Short weights
    likewise. Where there is no difference there is no direction and nothing is refused. A strategy
    without an opinion (NaN) is taken to want what it holds.

    Source: Faber (2007), A Quantitative Approach to Tactical Asset Allocation, for the side of the mean;
    Kaufman (2013), Trading Systems and Methods, for its slope.
    """

    mean_bars = Param(200, 2, 10_000, "bars of the mean")
    measure = Choice(
        "price", ("price", "slope", "both"), "side of the mean the close is on, the mean's slope, or both"
    )
    slope_bars = Param(20, 1, 5_000, "bars over which the slope is measured")
    mode = mode()
    factor = factor()

    def prepare(bars, p):
        mean = sma(bars.close, p.mean_bars)
        before = mean if p.measure == "price" else lag(mean, p.slope_bars)
        return {"close": bars.close, "mean": mean, "before": before}

    def admit(weight, now, held, p):
        wish = weight if weight == weight else held.qty
        if (p.measure != 1.0 and wish * (now.close - now.mean) < 0.0) or (
            p.measure != 0.0 and wish * (now.mean - now.before) < 0.0
        ):
            return cut(weight, p.mode, p.factor)
        return weight


@register("volatility")
class VolatilityFilter(Filter):
    """Refuses, or scales, weights while the volatility of the last bars is on the wrong side of a level.

    Notes
    -----
    The level is a multiple of the volatility over `reference_bars` (``relative``), or a standard deviation
    of returns per bar, 0.01 for one percent, not annualised (``absolute``). At the level counts as below.

    Source: Kaufman (2013), Trading Systems and Methods, volatility filters; Moreira and Muir (2017),
    Volatility-Managed Portfolios, for taking less risk when volatility is high.
    """

    length_bars = Param(20, 2, 5_000, "bars of the volatility")
    reference_bars = Param(252, 2, 10_000, "bars of the volatility it is compared with, if relative")
    measure = Choice("relative", ("relative", "absolute"), "what the level is a multiple of")
    level = Param(1.5, 0.0, 1_000.0, "multiple of the reference, or standard deviation per bar")
    when = Choice("below", ("below", "above"), "side of the level on which weights are admitted")
    mode = mode()
    factor = factor()

    def prepare(bars, p):
        present = volatility(bars.close, p.length_bars)
        relative = p.measure == "relative"
        return {
            "present": present,
            "reference": volatility(bars.close, p.reference_bars) if relative else present,
        }

    def admit(weight, now, p):
        level = p.level * now.reference if p.measure == 0.0 else p.level
        if (now.present > level) == (p.when == 1.0):
            return weight
        return cut(weight, p.mode, p.factor)


@register("regime")
class RegimeFilter(Filter):
    """Multiplies weights by the factor of the present state of trend and volatility; 0 refuses, 1 admits.

    Notes
    -----
    States in canonical order, trend then volatility: down and calm, down and turbulent, up and calm, up
    and turbulent. Up: the close is above its mean over `trend_bars`. Turbulent: the volatility over
    `volatility_bars` is more than `level` times that over `reference_bars`. Both use bars up to this one
    only, so a state never changes afterwards. A factor of 1 for every state changes nothing.

    Source: the rule is ours, from Faber (2007) for the trend and Kritzman, Page and Turkington (2012),
    Regime Shifts, for the use of turbulence.
    """

    trend_bars = Param(200, 2, 10_000, "bars of the mean that tells up from down")
    volatility_bars = Param(20, 2, 5_000, "bars of the volatility")
    reference_bars = Param(252, 2, 10_000, "bars of the volatility it is compared with")
    level = Param(1.0, 0.0, 1_000.0, "multiple of the reference above which it is turbulent")
    down_calm = Param(1.0, 0.0, 1.0, "factor while down and calm")
    down_turbulent = Param(0.0, 0.0, 1.0, "factor while down and turbulent")
    up_calm = Param(1.0, 0.0, 1.0, "factor while up and calm")
    up_turbulent = Param(1.0, 0.0, 1.0, "factor while up and turbulent")

    def prepare(bars, p):
        return {
            "close": bars.close,
            "mean": sma(bars.close, p.trend_bars),
            "volatility": volatility(bars.close, p.volatility_bars),
            "reference": volatility(bars.close, p.reference_bars),
        }

    def admit(weight, now, p):
        turbulent = now.volatility > p.level * now.reference
        if now.close > now.mean:
            return times(weight, p.up_turbulent if turbulent else p.up_calm)
        return times(weight, p.down_turbulent if turbulent else p.down_calm)


@register("time_of_day")
class TimeOfDayFilter(Filter):
    """Refuses, or scales, weights decided outside a part of the day in the exchange's zone.

    Notes
    -----
    A decision is made at a bar's close and filled in the next bar. Both ends are included; a start after
    the end spans midnight. A bar that closes at midnight is at minute 1440 of the day it ends.

    Source: none needed; the clock.
    """

    start_minute = Param(0, 0, 1440, "first minute of the day, 570 for 09:30, at which weights are admitted")
    end_minute = Param(1440, 0, 1440, "last minute of the day at which weights are admitted")
    mode = mode()
    factor = factor()

    def prepare(bars, p):
        return {"minute": bars.minute_of_day}

    def admit(weight, now, p):
        begun = now.minute >= p.start_minute
        on = now.minute <= p.end_minute
        if (begun and on) or (p.start_minute > p.end_minute and (begun or on)):
            return weight
        return cut(weight, p.mode, p.factor)


@register("weekday")
class WeekdayFilter(Filter):
    """Multiplies weights by the factor of the weekday on which they are decided; 0 refuses, 1 admits.

    Notes
    -----
    Weekdays are those of the exchange's zone. A decision is made at a bar's close and filled in the next
    bar: with daily bars Monday's factor governs what is held from Tuesday's open.

    Source: French (1980), Stock Returns and the Weekend Effect, for looking at weekdays at all.
    """

    monday = Param(1.0, 0.0, 1.0, "factor of weights decided on Mondays")
    tuesday = Param(1.0, 0.0, 1.0, "factor of weights decided on Tuesdays")
    wednesday = Param(1.0, 0.0, 1.0, "factor of weights decided on Wednesdays")
    thursday = Param(1.0, 0.0, 1.0, "factor of weights decided on Thursdays")
    friday = Param(1.0, 0.0, 1.0, "factor of weights decided on Fridays")
    saturday = Param(1.0, 0.0, 1.0, "factor of weights decided on Saturdays")
    sunday = Param(1.0, 0.0, 1.0, "factor of weights decided on Sundays")

    def prepare(bars, p):
        return {"weekday": bars.weekday}

    def admit(weight, now, p):
        day = now.weekday
        if day < 2.0:
            return times(weight, p.monday if day == 0.0 else p.tuesday)
        if day < 4.0:
            return times(weight, p.wednesday if day == 2.0 else p.thursday)
        if day == 4.0:
            return times(weight, p.friday)
        return times(weight, p.saturday if day == 5.0 else p.sunday)
