"""What return, volatility and drawdown may be: bootstrap intervals of figures that need the whole path."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.bootstrap import redrawn
from admf_ray.rules.compile import cached, kernel

__all__ = ["PATH_FIGURES", "path_intervals"]

Floats = NDArray[np.float64]

PATH_FIGURES = ("annual_return", "volatility", "max_drawdown")


def path_intervals(
    returns: Floats,
    *,
    bars_per_year: float,
    block_bars: float,
    seed: int,
    n_draws: int = 1000,
    confidence: float = 0.95,
) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Return (estimate, low, high) of each of `PATH_FIGURES`, each (n_series,).

    Parameters
    ----------
    returns : float64 array (n_bars, n_series)
        At least 2 bars.
    bars_per_year : float
    block_bars : float
        Mean block length, the same for all: they see the same resampled histories.
    seed, n_draws, confidence
        As in `bootstrap.interval`, whose draws these are.

    Notes
    -----
    Figures as `rules.metrics` has them; a path that loses all stays at -1. A drawdown depends on the order of
    the bars, and blocks keep the order within them only: where losses cluster for longer than a block lasts
    the interval is too shallow. Percentile intervals as in `bootstrap.interval`; O(n_draws n_bars n_series)
    in compiled code, memory of one draw.
    """
    rows = np.ascontiguousarray(returns)
    n, width = rows.shape
    found = np.empty((n_draws + 1, len(PATH_FIGURES), width))
    run = cached(_figures)
    run(rows, np.arange(n), found[0])
    for own, bars in zip(found[1:], redrawn(n, block_bars, n_draws, seed), strict=True):
        run(rows, bars, own)
    found[:, 0] = found[:, 0] ** (bars_per_year / n) - 1.0
    found[:, 1] *= math.sqrt(bars_per_year)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(found[1:], [tail, 1.0 - tail], axis=0)
    return {name: (found[0, k], low[k], high[k]) for k, name in enumerate(PATH_FIGURES)}


@kernel
def _figures(returns: Floats, bars: NDArray[np.int64], out: Floats) -> None:
    """Write each series' growth, n - 1 standard deviation and deepest drawdown over some bars in order."""
    n, width = bars.size, returns.shape[1]
    value, peak, floor, deepest = np.ones(width), np.ones(width), np.ones(width), np.zeros(width)
    total, squares = np.zeros(width), np.zeros(width)
    for t in range(n):
        for s in range(width):
            r = returns[bars[t], s]
            total[s] += r
            squares[s] += r * r
            value[s] *= max(1.0 + r, 0.0)
            if value[s] > peak[s]:
                peak[s] = value[s]
                floor[s] = peak[s] * (1.0 + deepest[s])
            elif value[s] < floor[s]:  # deeper than before; a division a bar would take most of the time
                floor[s] = value[s]
                deepest[s] = value[s] / peak[s] - 1.0
    for s in range(width):
        variance = max(squares[s] - total[s] * total[s] / n, 0.0) / (n - 1)
        out[0, s], out[1, s], out[2, s] = value[s], np.sqrt(variance), deepest[s]
