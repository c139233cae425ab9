"""From a weight to a quantity."""

from __future__ import annotations

import math

from admf_ray.rules.compile import rule

__all__ = ["atr_units", "fixed_fraction_units", "fixed_size_units", "volatility_units"]


@rule
def fixed_fraction_units(weight, share, equity, price, multiplier, r, now, bars_per_year):
    """Units worth ``weight * share * fraction`` of the equity."""
    return weight * share * r.fraction * equity / (price * multiplier)


@rule
def fixed_size_units(weight, share, equity, price, multiplier, r, now, bars_per_year):
    """``weight * size_units``, whatever the equity."""
    return weight * r.size_units


@rule
def volatility_units(weight, share, equity, price, multiplier, r, now, bars_per_year):
    """Units whose yearly volatility is `target_volatility` of the symbol's share of the equity.

    0 while the volatility is not known; a price that does not move gets the full share.
    """
    if not now.volatility >= 0.0:
        return 0.0
    yearly = now.volatility * math.sqrt(bars_per_year)
    scale = r.target_volatility / yearly if yearly > 0.0 else 1.0
    return weight * share * scale * equity / (price * multiplier)


@rule
def atr_units(weight, share, equity, price, multiplier, r, now, bars_per_year):
    """Units that lose `risk_frac` of the symbol's share of the equity over `atr_multiple` average ranges."""
    distance = r.atr_multiple * now.atr * multiplier
    if not distance > 0.0:
        return 0.0
    return weight * share * r.risk_frac * equity / distance
