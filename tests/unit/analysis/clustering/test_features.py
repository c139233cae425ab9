import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from scipy import stats

from admf_ray.analysis.clustering.features import features_of
from admf_ray.analysis.clustering.series import checked, correlations, distances
from admf_ray.errors import DataError


def figures(row, held=0.5, regimes=None):
    return features_of(checked(np.array([row], dtype=float)), np.array([held]), regimes).row(0)


def test_moments_equal_scipys_and_quantiles_numpys():
    rows = np.random.default_rng(0).standard_t(4, (5, 300)) * 0.01
    found = features_of(rows, np.linspace(0, 1, 5))
    column = dict(zip(found.names, found.values.T, strict=True))
    np.testing.assert_allclose(column["mean"], rows.mean(axis=1))
    np.testing.assert_allclose(column["volatility"], rows.std(axis=1, ddof=1))
    np.testing.assert_allclose(column["skew"], stats.skew(rows, axis=1))
    np.testing.assert_allclose(column["kurtosis"], stats.kurtosis(rows, axis=1, fisher=False))
    for name, q in (("quantile_01", 1), ("quantile_05", 5), ("quantile_95", 95), ("quantile_99", 99)):
        np.testing.assert_allclose(column[name], np.percentile(rows, q, axis=1))
    assert column["time_in_market_frac"].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_drawdowns_by_hand():
    # equity 1.1, 0.55, 0.605, 1.21, 1.089, 1.2
    found = figures([0.1, -0.5, 0.1, 1.0, -0.1, 1.2 / 1.089 - 1])
    assert found["max_drawdown_frac"] == pytest.approx(-0.5)
    assert found["longest_drawdown_frac"] == pytest.approx(2 / 6)
    assert found["under_water_frac"] == pytest.approx(4 / 6)


def test_the_first_bar_may_already_lose_and_ruin_is_a_drawdown_of_all():
    found = figures([-0.1, 0.05, -1.0, 0.5])
    assert found["max_drawdown_frac"] == -1.0
    assert found["under_water_frac"] == found["longest_drawdown_frac"] == 1.0


def test_autocorrelation_by_hand():
    assert figures([1.0, -1.0, 1.0, -1.0])["autocorrelation"] == pytest.approx(-3 / 4)
    assert figures([1.0, 1.0, -1.0, -1.0])["autocorrelation"] == pytest.approx(1 / 4)


def test_a_bars_return_belongs_to_the_label_of_the_bar_before():
    found = figures([9.0, 1.0, 2.0, 4.0], regimes=np.array([0, 1, 0, 1]))
    assert found["mean_regime_0"] == pytest.approx((1.0 + 4.0) / 2)
    assert found["mean_regime_1"] == 2.0
    unknown = figures([9.0, 1.0, 2.0, 4.0], regimes=np.array([-1, -1, 3, 5]))
    assert [name for name in unknown if name.startswith("mean_regime")] == ["mean_regime_3"]
    assert unknown["mean_regime_3"] == 4.0


@pytest.mark.parametrize("value", [0.0, 0.001])
def test_series_that_do_not_vary_have_defined_figures(value):
    found = figures([value] * 50)
    assert (found["volatility"], found["skew"], found["kurtosis"], found["autocorrelation"]) == (0, 0, 3, 0)
    assert np.isfinite(list(found.values())).all()


def test_a_candidates_figures_do_not_depend_on_the_others():
    rows = np.random.default_rng(1).standard_normal((7, 101)) * 0.01
    held = np.linspace(0, 1, 7)
    together = features_of(rows, held).values
    for i in range(7):
        np.testing.assert_array_equal(features_of(rows[i : i + 1], held[i : i + 1]).values[0], together[i])


def test_returns_that_cannot_be_judged_are_refused():
    rows = np.zeros((3, 5))
    rows[1, 4] = np.nan
    with pytest.raises(DataError, match="found nan at candidate 1, bar 4"):
        checked(rows)
    with pytest.raises(DataError, match=r"found \(3, 2\)"):
        checked(rows[:, :2])


@given(nps.arrays(float, (4, 6), elements=st.floats(-1, 1, width=16)))
def test_correlations_equal_numpys_and_distances_are_between_0_and_1(rows):
    found = correlations(rows)
    assert (found == found.T).all()
    assert (np.diag(found) == 1.0).all()
    for i in range(4):
        for j in range(i):
            flat = np.ptp(rows[i]) == 0 or np.ptp(rows[j]) == 0
            expected = 0.0 if flat else np.corrcoef(rows[i], rows[j])[0, 1]
            assert found[i, j] == pytest.approx(expected, abs=1e-9)
    apart = distances(found)
    assert ((apart >= 0) & (apart <= 1)).all()
