"""Crossovers on drifting, clustering, fat-tailed markets without an edge: what the figures say of luck."""

import secrets

import numpy as np
import pytest
from scipy.stats import binom

from admf_ray.analysis.overfitting.excess import matched_excess, shape
from admf_ray.analysis.overfitting.pbo import pbo
from admf_ray.analysis.overfitting.significance import deflated_sharpe, probabilistic_sharpe
from admf_ray.analysis.overfitting.trials import effective_trials
from tests.unit.analysis.overfitting.noise import crossovers, slice_sums

PAIRS = [(fast, slow) for fast in (2, 3, 5, 8, 12) for slow in (15, 20, 30, 45, 60, 90)]


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
    raw, deflated, half = [], [], []
    for k in range(markets):
        market = drifting(1000, [entropy, k])
        returns, exposure = crossovers(market, PAIRS)
        excess = matched_excess(returns, exposure, market)
        raw.append(probabilistic_sharpe(shape(returns[:, returns.mean(axis=0).argmax()])))
        sharpes = excess.mean(axis=0) / excess.std(axis=0, ddof=1)
        best = shape(excess[:, sharpes.argmax()])
        deflated.append(deflated_sharpe(best, effective_trials(excess), sharpes.std(ddof=1)))
        half.append(pbo(*slice_sums(excess)).pbo)
    shown = (np.array(raw) > 0.95).mean(), (np.array(deflated) > 0.95).mean(), np.mean(half)
    print(f"entropy {entropy}: raw PSR > 0.95 in %.3f, DSR on excess in %.3f, mean PBO %.3f" % shown)
    assert shown[0] > 0.3, f"entropy {entropy}"  # what drift alone would "prove"
    assert shown[1] * markets <= binom.ppf(1 - 1e-6, markets, 0.05), f"entropy {entropy}"
    error = np.std(half, ddof=1) / np.sqrt(markets)
    assert abs(shown[2] - 0.5) < 5 * error + 0.05, f"entropy {entropy}"
