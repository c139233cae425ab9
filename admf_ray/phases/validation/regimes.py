"""Regime by regime: what a test strategy earned where."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.inputs import regime_rows
from admf_ray.phases.validation.exam import Hall

__all__ = ["regime_sharpes"]


def regime_sharpes(answer: dict[str, Any], hall: Hall) -> NDArray[np.float64]:
    """Return the annual Sharpe ratio in each regime, the unknown one last, shape (n_regimes + 1,).

    Notes
    -----
    A bar's return belongs to the regime known when it began. NaN where fewer than two bars or no movement.
    """
    n = hall.n_regimes
    rows = regime_rows(hall.labels, n, hall.bars.n_bars)[hall.full.start : hall.full.stop]
    returns = np.array(answer["returns"])
    out = np.full(n + 1, np.nan)
    for k in range(n + 1):
        own = returns[rows == k]
        spread = own.std(ddof=1) if own.size > 1 else 0.0
        if spread > 0:
            out[k] = own.mean() / spread * np.sqrt(hall.bars.bars_per_year)
    return out
