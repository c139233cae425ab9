"""What a search may aim at, and which side of it is better."""

from __future__ import annotations

from typing import Literal

from admf_ray.rules.metrics import METRICS, TAIL_METRICS

__all__ = ["OBJECTIVES", "direction_of"]

_MINIMIZED = ("volatility", "max_drawdown_bars", "turnover", "longest_losing_streak", "costs", "kurtosis")
_AIMLESS = (
    # neither side is better by itself
    *("bars", "exposure", "mean_exposure", "fills", "trades", "commission", "slippage", "financing", "beta"),
    *("halted", "average_win", "average_loss"),
)

OBJECTIVES: dict[str, Literal["maximize", "minimize"]] = {
    name: "minimize" if name in _MINIMIZED else "maximize"
    for name in (*METRICS, *TAIL_METRICS)
    if name not in _AIMLESS
}
"""Direction by metric. Drawdown, value at risk and conditional value at risk are <= 0: higher is better."""


def direction_of(metric: str) -> Literal["maximize", "minimize"]:
    """Return which side of a metric is better.

    Raises
    ------
    KeyError
        It is no objective.

    Examples
    --------
    >>> direction_of("max_drawdown"), direction_of("turnover")
    ('maximize', 'minimize')
    """
    return OBJECTIVES[metric]
