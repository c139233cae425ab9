import secrets

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom, kurtosis, skew

from admf_ray.analysis.overfitting.excess import Shape, matched_excess, shape
from admf_ray.analysis.overfitting.significance import (
    deflated_sharpe,
    expected_maximum_sharpe,
    minimum_backtest_bars,
    minimum_track_record_bars,
    probabilistic_sharpe,
)

SHAPES = st.builds(
    Shape, st.floats(0.01, 0.5), st.floats(-0.9, 0.9), st.floats(3.0, 12.0), st.integers(20, 5000)
)


def test_shape_equals_scipys_moments():
    x = np.random.default_rng(0).standard_t(5, 400) * 0.01 + 0.001
    found = shape(x)
    assert found == pytest.approx(
        (x.mean() / x.std(ddof=1), skew(x), kurtosis(x, fisher=False), 400), rel=1e-9
    )
    for flat in (np.zeros(50), np.full(50, 0.001), np.array([0.1])):
        assert np.isnan(shape(flat)[:3]).all()
        assert np.isnan(probabilistic_sharpe(shape(flat)))


def test_holding_the_market_shows_no_skill():
    market = np.random.default_rng(1).standard_normal(300) * 0.01 + 0.002
    timed = market * (np.arange(300) % 2)
    returns = np.column_stack([market, 0.4 * market, timed])
    found = matched_excess(returns, np.array([1.0, 0.4, 0.5]), market)
    np.testing.assert_allclose(found[:, :2], 0.0, atol=1e-18)
    np.testing.assert_allclose(found[:, 2], timed - 0.5 * market)
    np.testing.assert_array_equal(matched_excess(timed, 0.5, market), found[:, 2])


def test_published_example_of_the_deflated_sharpe():
    """Bailey and López de Prado (2014), section "A numerical example"."""
    seen = Shape(2.5 / np.sqrt(250), -3.0, 10.0, 1250)
    spread = np.sqrt(0.5 / 250)
    assert expected_maximum_sharpe(100, spread) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(seen, 100, spread) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(seen, 46, spread) == pytest.approx(0.9505, abs=5e-4)


def test_published_example_of_the_minimum_backtest_length():
    """Bailey et al. (2014): in five years 45 trials are expected to show a yearly Sharpe ratio of 1."""
    assert minimum_backtest_bars(45, 1.0) == pytest.approx(5.0, abs=0.1)
    assert minimum_backtest_bars(45, 1.0 / np.sqrt(252)) == pytest.approx(
        252 * minimum_backtest_bars(45, 1.0)
    )
    assert minimum_backtest_bars(45, -0.1) == np.inf


def test_probabilistic_sharpe_by_hand():
    # (0.1 - 0.05) sqrt(99) / sqrt(1 + 0.5 * 0.1 + 4/4 * 0.01) = 0.48321...
    seen = Shape(0.1, -0.5, 5.0, 100)
    assert probabilistic_sharpe(seen, 0.05) == pytest.approx(0.6855, abs=1e-4)


@given(SHAPES)
def test_half_sure_at_the_sharpe_ratio_itself(seen):
    assert probabilistic_sharpe(seen, seen.sharpe) == 0.5


@given(SHAPES, st.floats(0.0, 0.4), st.integers(1, 500))
def test_more_bars_are_surer(seen, threshold, more):
    assume(seen.sharpe > threshold + 1e-3)
    longer = seen._replace(n_bars=seen.n_bars + more)
    assert probabilistic_sharpe(longer, threshold) >= probabilistic_sharpe(seen, threshold) > 0.5
    if probabilistic_sharpe(seen, threshold) < 0.999:
        assert probabilistic_sharpe(longer, threshold) > probabilistic_sharpe(seen, threshold)


@given(SHAPES, st.floats(0.0, 0.4), st.floats(0.6, 0.99))
def test_the_minimum_track_record_reaches_its_confidence(seen, threshold, confidence):
    assume(seen.sharpe > threshold + 1e-3)
    bars = minimum_track_record_bars(seen, threshold, confidence)
    assert probabilistic_sharpe(seen._replace(n_bars=bars), threshold) == pytest.approx(confidence, abs=1e-9)
    assert minimum_track_record_bars(seen, seen.sharpe) == np.inf


@given(SHAPES, st.floats(1.0, 1e6), st.floats(0.001, 0.2))
def test_more_or_more_varied_trials_deflate(seen, n_trials, spread):
    base = deflated_sharpe(seen, n_trials, spread)
    assert deflated_sharpe(seen, 1, spread) == probabilistic_sharpe(seen) >= base
    assert deflated_sharpe(seen, 2 * n_trials, spread) <= base
    assert deflated_sharpe(seen, n_trials, 2 * spread) <= base
    if 1e-9 < base < 0.999 and n_trials > 2:
        assert deflated_sharpe(seen, 2 * n_trials, spread) < base


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_expected_maximum_equals_that_of_drawn_normals(n):
    draws = np.random.default_rng(n).standard_normal((4000, n)).max(axis=1)
    assert expected_maximum_sharpe(n, 1.0) == pytest.approx(draws.mean(), rel=0.03)


@pytest.mark.parametrize("markets", [150, pytest.param(3000, marks=pytest.mark.slow)])
def test_the_best_of_noise_is_rarely_significant(markets):
    entropy = secrets.randbits(32)
    raw, deflated = [], []
    for k in range(markets):
        random = np.random.default_rng([entropy, k])
        returns = 0.01 * random.standard_t(4, (500, 1 + 60))
        sharpes = returns.mean(axis=0) / returns.std(axis=0, ddof=1)
        best = shape(returns[:, sharpes.argmax()])
        raw.append(probabilistic_sharpe(best))
        deflated.append(deflated_sharpe(best, 61, sharpes.std(ddof=1)))
    raw, deflated = np.array(raw), np.array(deflated)
    print(
        f"entropy {entropy}: PSR > 0.95 in {(raw > 0.95).mean():.3f}, DSR in {(deflated > 0.95).mean():.3f}"
    )
    assert (raw > 0.95).mean() > 0.8, f"entropy {entropy}"
    assert (deflated > 0.95).sum() <= binom.ppf(1 - 1e-6, markets, 0.05), f"entropy {entropy}"
