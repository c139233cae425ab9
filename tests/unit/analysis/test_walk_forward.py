import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from admf_ray.analysis.walk_forward import efficiency, newey_west_t, pieces, rank_correlation


@given(st.integers(0, 5), st.integers(1, 20), st.integers(1, 25), st.integers(1, 8))
def test_each_bar_belongs_to_the_latest_window_that_covers_it(first, test, step, n):
    tests = [(first + k * step, first + k * step + test) for k in range(n)]
    found = pieces(tests)
    owned = [bar for piece in found for bar in range(piece.start, piece.stop)]
    assert len(set(owned)) == len(owned)
    assert owned == sorted({bar for start, stop in tests for bar in range(start, stop)})
    for window, start, stop in found:
        for bar in range(start, stop):
            assert window == max(k for k, (a, b) in enumerate(tests) if a <= bar < b)


def test_the_specifications_windows_use_each_bar_once():
    tests = [(252 + 21 * k, 252 + 21 * k + 63) for k in range(10)]
    found = pieces(tests)
    assert [piece.stop - piece.start for piece in found] == [21] * 9 + [63]
    assert pieces([]) == []


def test_efficiency_by_hand():
    train, test = np.array([0.21, 0.10]), np.array([0.05, -0.02])
    bars = np.array([100.0, 100.0]), np.array([50.0, 25.0])
    inside = (np.log(1.21) + np.log(1.1)) / 200
    outside = (np.log(1.05) + np.log(0.98)) / 75
    assert efficiency(train, bars[0], test, bars[1]) == pytest.approx(outside / inside)
    assert np.isnan(efficiency(-train, bars[0], test, bars[1]))
    assert efficiency(train, bars[0], np.array([-1.0, 0.1]), bars[1]) == -np.inf


@pytest.mark.parametrize("n", [30, 250, 3000])
def test_t_equals_a_regression_on_a_constant(n):
    random = np.random.default_rng(n)
    shocks = random.standard_normal(n + 1)
    returns = 0.001 + 0.01 * (shocks[1:] + 0.5 * shocks[:-1])
    lags = int(4 * (n / 100) ** (2 / 9))
    fit = sm.OLS(returns, np.ones(n)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})
    assert newey_west_t(returns) == pytest.approx(fit.tvalues[0], rel=1e-9)


def test_t_is_undefined_where_nothing_varies():
    assert np.isnan(newey_west_t(np.zeros(100)))
    assert np.isnan(newey_west_t(np.full(100, 0.001)))
    assert np.isnan(newey_west_t(np.array([0.1, -0.1])))


def test_rank_correlation_takes_mid_ranks_and_the_median():
    random = np.random.default_rng(1)
    train = random.integers(0, 4, (30, 3)).astype(float)
    test = random.integers(0, 4, (30, 3)).astype(float)
    train[3, 0] = test[7, 1] = -np.inf
    by_hand = [np.corrcoef(rankdata(a), rankdata(b))[0, 1] for a, b in zip(train.T, test.T, strict=True)]
    assert rank_correlation(train, test) == pytest.approx(np.median(by_hand))
    flat = np.zeros((30, 3))
    assert np.isnan(rank_correlation(train, flat))
    assert rank_correlation(np.c_[train, flat], np.c_[test, test]) == rank_correlation(train, test)
