import secrets
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import binom

from admf_ray.analysis.bootstrap import redrawn
from admf_ray.analysis.sharpe_difference import required_bars, sharpe_difference


def pair(n, seed, edge=0.0, rho=0.7):
    random = np.random.default_rng(seed)
    common, a, b = random.standard_normal((3, n))
    mix = np.sqrt(rho), np.sqrt(1 - rho)
    return 0.01 * (mix[0] * common + mix[1] * a + edge), 0.02 * (mix[0] * common + mix[1] * b)


def test_effect_and_error_by_the_closed_form():
    """Memmel (2003), "Performance hypothesis testing with the Sharpe ratio", for independent normals."""
    n = 40_000
    a, b = pair(n, 3, edge=0.3)
    found = sharpe_difference(a, b, seed=1, block_bars=1.0, n_draws=200)
    s, z, rho = a.mean() / a.std(), b.mean() / b.std(), np.corrcoef(a, b)[0, 1]
    variance = (2 - 2 * rho + 0.5 * (s**2 + z**2 - 2 * s * z * rho**2)) / n
    assert found.effect == pytest.approx(s - z, rel=1e-12)
    assert found.error == pytest.approx(np.sqrt(variance), rel=0.02)
    assert found.p_better == pytest.approx(1 / 201)


def test_draws_equal_a_plain_computation():
    a, b = pair(80, 5)
    found = sharpe_difference(a, b, seed=9, block_bars=4.0, n_draws=300)

    def parts(x, y):
        effect, influence = 0.0, 0.0
        for r, sign in ((x, 1), (y, -1)):
            m, g = r.mean(), (r**2).mean()
            effect += sign * m / np.sqrt(g - m * m)
            influence += sign * (g * (r - m) - 0.5 * m * (r**2 - g)) / (g - m * m) ** 1.5
        return effect, influence

    effect, influence = parts(a, b)
    lag = np.arange(1, 80)
    weight = (1 - lag / 80) * 0.75**lag + lag / 80 * 0.75 ** (80 - lag)
    cross = np.array([(influence[:-i] * influence[i:]).sum() / 80 for i in lag])
    error = np.sqrt(((influence**2).mean() + 2 * weight @ cross) / 80)
    t = []
    for bars in redrawn(80, 4.0, 300, seed=9):
        there, influence = parts(a[bars], b[bars])
        starts = [0, *(np.flatnonzero(np.diff(bars) % 80 != 1) + 1)]
        blocks = np.add.reduceat(influence, starts)
        t.append((there - effect) / (np.sqrt((blocks**2).sum()) / 80))
    assert np.std(t) > 0.5
    assert found.error == pytest.approx(error, rel=1e-9)
    assert found.p_better == (1 + np.sum(np.array(t) >= effect / error)) / 301
    assert found.p_worse == (1 + np.sum(np.array(t) <= effect / error)) / 301
    low, high = effect - error * np.quantile(t, [0.975, 0.025])
    assert [found.low, found.high] == pytest.approx([low, high], rel=1e-9)


def test_sides_mirror_and_scale_does_not_count():
    a, b = pair(250, 11, edge=0.1)
    one, other = sharpe_difference(a, b, seed=2), sharpe_difference(b, 3 * a, seed=2)
    assert one.effect != 0
    assert other.effect == pytest.approx(-one.effect, rel=1e-9)
    assert (other.p_better, other.p_worse) == (one.p_worse, one.p_better)
    assert [other.low, other.high] == pytest.approx([-one.high, -one.low], rel=1e-9)
    assert one.low < one.effect < one.high


def test_equal_series_and_flat_series():
    a, _ = pair(100, 1, edge=0.5)
    same = sharpe_difference(a, a.copy(), seed=0)
    assert tuple(same) == (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 100)
    assert required_bars(same) == np.inf
    flat = sharpe_difference(a, np.zeros(100), seed=0, n_draws=500)
    assert flat.effect == pytest.approx(a.mean() / a.std())
    assert flat.p_better < 0.01 < 0.99 < flat.p_worse


def test_required_bars_give_their_power():
    seen = sharpe_difference(*pair(500, 7, edge=0.1), seed=1, n_draws=100)
    bars = required_bars(seen, level=0.025, power=0.8)
    error = seen.error * np.sqrt(seen.n_bars / bars)
    normal = NormalDist()
    assert 1 - normal.cdf(normal.inv_cdf(0.975) - abs(seen.effect) / error) == pytest.approx(0.8)
    assert required_bars(seen, level=0.005) > bars > required_bars(seen, power=0.5)


@pytest.mark.parametrize(("markets", "n"), [(150, 300), pytest.param(1500, 750, marks=pytest.mark.slow)])
def test_equal_skill_is_rarely_called_better(markets, n):
    entropy = secrets.randbits(32)
    p = np.empty((markets, 2))
    for k in range(markets):
        x, y = pair(n, [entropy, k])
        found = sharpe_difference(x, y, seed=k, n_draws=400)
        p[k] = found.p_better, found.p_worse
    print(f"entropy {entropy}: p <= 0.025 in {(p <= 0.025).mean():.4f}")
    assert p.std() > 0.1, f"entropy {entropy}"
    # a little above the nominal 2.5 % is what a bootstrap has at this length
    assert ((p <= 0.025).sum(axis=0) <= binom.ppf(1 - 1e-6, markets, 0.035)).all(), f"entropy {entropy}"


def test_planted_skill_is_found():
    p = [sharpe_difference(*pair(500, [1, k], edge=0.2), seed=k, n_draws=300).p_better for k in range(20)]
    assert np.mean(np.array(p) <= 0.025) > 0.9
