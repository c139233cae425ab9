"""Crossovers on drifting, clustering, fat-tailed markets without an edge: what the figures say of luck."""

import secrets

import numpy as np
import pytest
from scipy.stats import binom

from admf_ray.analysis.overfitting.excess import matched_excess, shape
from admf_ray.analysis.overfitting.pbo import pbo
from admf_ray.analysis.overfitting.significance import deflated_sharpe, probabilistic_sharpe
from admf_ray.analysis.overfitting.trials import effective_trials, effective_trials_spread
from tests.unit.analysis.overfitting.noise import crossovers, slice_sums

PAIRS = [(fast, slow) for fast in range(2, 14, 2) for slow in range(15, 100, 6)]


def drifting(n_bars, seed):
    """GARCH(1,1) with Student shocks and a drift of a yearly Sharpe ratio of about 0.8."""
    random = np.random.default_rng(seed)
    shocks = random.standard_t(5, n_bars) / np.sqrt(5 / 3)
    variance, out = 1.0, np.empty(n_bars)
    for t, shock in enumerate(shocks.tolist()):
        out[t] = np.sqrt(variance) * shock
        variance = 0.02 + (0.08 * shock**2 + 0.9) * variance
    return 0.01 * out + 0.0005


@pytest.mark.parametrize("markets", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_luck_is_called_luck(markets):
    entropy = secrets.randbits(32)
    raw, plain, effective, half = [], [], [], []
    for k in range(markets):
        market = drifting(1000, [entropy, k])
        returns, exposure = crossovers(market, PAIRS)
        excess = matched_excess(returns, exposure, market)
        raw.append(probabilistic_sharpe(shape(returns[:, returns.mean(axis=0).argmax()])))
        sharpes = excess.mean(axis=0) / excess.std(axis=0, ddof=1)
        best = shape(excess[:, sharpes.argmax()])
        plain.append(deflated_sharpe(best, len(PAIRS), sharpes.std(ddof=1)))
        spread = effective_trials_spread(sharpes, len(market))
        effective.append(deflated_sharpe(best, effective_trials(excess), spread))
        half.append(pbo(*slice_sums(excess)).pbo)
    sure = (np.array([raw, plain, effective]) > 0.95).sum(axis=1)
    print(f"entropy {entropy}: of {markets} raw PSR, DSR, DSR of effective N > 0.95: {sure}")
    print(f"mean PBO {np.mean(half):.3f}")
    assert sure[0] > 0.3 * markets, f"entropy {entropy}"  # what drift alone would "prove"
    assert (sure[1:] <= binom.ppf(1 - 1e-6, markets, 0.05)).all(), f"entropy {entropy}"
    error = np.std(half, ddof=1) / np.sqrt(markets)
    assert abs(np.mean(half) - 0.5) < 5 * error + 0.05, f"entropy {entropy}"
