"""Strategies and filters that trade often and use every argument a rule may ask for."""

from __future__ import annotations

import math

from admf_ray.components.base import Filter, Strategy
from admf_ray.components.indicators import ema, sma
from admf_ray.space.parameters import Choice, Param


class Hashed(Strategy):
    """Weights that look random: digits of the close decide, so orders are frequent."""

    salt = Param(0.5, 0.0, 1.0)
    often = Param(0.5, 0.0, 1.0, "share of bars with an opinion")
    levels = Param(4, 1, 20)
    nans = Param(0.1, 0.0, 1.0, "share of opinions that are NaN")

    def prepare(bars, p):
        return {"close": bars.close, "open": bars.open}

    def decide(now, prev, p):
        x = (now.close * 977.13 + prev.open * 131.7 + p.salt * 53.77) % 1.0
        y = (now.close * 31.97 + p.salt * 7919.3) % 1.0
        z = (now.open * 613.1 + p.salt) % 1.0
        if not x < p.often:
            return math.nan
        if z < p.nans:
            return math.nan
        return math.floor(y * (2.0 * p.levels + 1.0)) / p.levels - 1.0


class Counting(Strategy):
    """Enters on a cross, in shares that depend on how many entries there were; exits after a while."""

    fast = Param(2, 1, 50)
    slow = Param(5, 2, 200)
    hold = Param(5, 1, 100)
    memory = (0.0, 1.0)

    def prepare(bars, p):
        return {"fast": ema(bars.close, p.fast), "slow": sma(bars.close, p.slow)}

    def decide(now, prev, held, p, memory):
        count, last = memory
        if held.qty != 0.0 and held.bars >= p.hold:
            return 0.0, (count, last)
        if now.fast > now.slow and not prev.fast > prev.slow:
            return 1.0 / (1.0 + count % 3.0), (count + 1.0, 1.0)
        if now.fast < now.slow and not prev.fast < prev.slow:
            return -0.5 - 0.5 * (count % 2.0), (count + 1.0, -1.0)
        if held.qty * last > 0.0 and now.fast < held.average * 0.97:
            return 0.25 * last, (count, last)
        return math.nan, (count, last)


class Clock(Strategy):
    """Looks at nothing but its own counter and its position."""

    period = Param(6, 2, 50)
    side = Choice("both", ("long", "short", "both"))
    memory = (0.0,)

    def decide(held, p, memory):
        step = memory[0] % p.period
        up = 1.0 if p.side != 1.0 else 0.0
        down = -1.0 if p.side != 0.0 else 0.0
        weight = math.nan
        if step == 1.0:
            weight = up
        elif step == math.floor(p.period / 2.0) + 1.0:
            weight = down if held.qty > 0.0 or up == 0.0 else 0.0
        return weight, (memory[0] + 1.0,)


class Cooldown(Filter):
    """Vetoes a change for some bars after the last one; remembers what it admitted."""

    bars = Param(2, 0, 20)
    memory = (0.0, 0.0)

    def admit(weight, p, memory):
        left, last = memory
        if left > 0.0:
            return last, (left - 1.0, last)
        if weight == weight and weight != last:
            return weight, (p.bars * 1.0, weight)
        return weight, (0.0, last)


class Calm(Filter):
    """Scales the weight where the last move was large, vetoes shorts where it was huge."""

    cut = Param(0.5, 0.0, 1.0)
    move = Param(0.02, 0.0, 1.0)

    def prepare(bars, p):
        return {"close": bars.close, "mean": sma(bars.close, 3)}

    def admit(weight, now, prev, held, p):
        jump = abs(now.close / prev.close - 1.0)
        if jump > 4.0 * p.move and weight < 0.0:
            return 0.0
        if jump > p.move and held.bars < 10.0:
            return weight * p.cut
        return weight
