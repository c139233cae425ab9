"""Returns to judge: noise, and what was planted in it."""

from __future__ import annotations

import numpy as np

N_SLICES = 16


def noise(n_bars, n_points, seed):
    return 0.01 * np.random.default_rng(seed).standard_normal((n_bars, n_points))


def slice_sums(returns, n_slices=N_SLICES):
    """What a run stores: sum and sum of squares per slice of each point, and the bars in a slice."""
    width = len(returns) // n_slices
    parts = returns[len(returns) - n_slices * width :].reshape(n_slices, width, -1)
    return np.stack([parts.sum(axis=1), (parts**2).sum(axis=1)], axis=-1).transpose(1, 0, 2), width


def crossovers(market, pairs):
    """Returns and mean exposures of long-or-flat moving-average crossovers on a market's returns."""
    price = np.concatenate([[0.0], np.cumsum(np.log1p(market))])
    ends = np.concatenate([[0.0], np.cumsum(price)])

    def mean(n):
        out = np.full(price.size, np.nan)
        out[n - 1 :] = (ends[n:] - ends[:-n]) / n
        return out

    held = np.column_stack([mean(fast) > mean(slow) for fast, slow in pairs])[:-1]
    return held * market[:, None], held.mean(axis=0)
