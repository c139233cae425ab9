"""Long only, short only, or both."""

from __future__ import annotations

from admf_ray.rules.compile import rule
from admf_ray.space.parameters import Choice

__all__ = ["SIDES", "side", "sided"]

SIDES = ("long", "short", "both")


def side(default: str = "long") -> Choice:
    """Return the parameter that says which directions may be traded."""
    return Choice(default, SIDES, "directions that may be traded")


@rule
def sided(weight, side):
    """Weight within the allowed directions; `side` is the index into SIDES."""
    if side == 0.0:
        return max(weight, 0.0)
    if side == 1.0:
        return min(weight, 0.0)
    return weight
