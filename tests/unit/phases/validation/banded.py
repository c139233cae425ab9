"""Follows the mean within a band that it learns."""

import numpy as np

from admf_ray import Param, Strategy


class Banded(Strategy):
    """Long or short where the close leaves its mean by more than it did on average in training."""

    n = Param(5, low=2, high=60)
    fields = ("gap", "band")

    def gap(close, n):
        mean = np.full(close.size, np.nan)
        mean[n - 1 :] = np.convolve(close, np.full(n, 1.0 / n), "valid")
        return close / mean - 1.0

    def fit(train, p):
        return float(np.nanmean(np.abs(Banded.gap(train.close, p.n))))

    def prepare(bars, p, fitted):
        return {"gap": Banded.gap(bars.close, p.n), "band": np.full(len(bars), 0.5 * fitted)}

    def decide(now):
        return 1.0 if now.gap > now.band else -1.0
