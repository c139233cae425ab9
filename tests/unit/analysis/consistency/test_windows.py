import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from scipy.stats import spearmanr

from admf_ray.analysis.consistency.windows import consistency_score, gain_share, rank_over_windows, shares

SCORE = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0, 3.0])


def test_shares_by_hand():
    returns = np.array([[0.1, -0.2, 0.0, -0.2], [np.nan, 0.3, 0.2, np.nan], [np.nan] * 4])
    profitable, worst, least, failed = shares(returns)
    assert profitable.tolist() == [0.25, 0.5, 0.0]
    assert worst.tolist() == [1, 2, -1]
    np.testing.assert_array_equal(least, [-0.2, 0.2, np.nan])
    assert failed.tolist() == [0, 2, 4]


def test_gain_share_by_hand():
    returns = np.array(
        [[0.21, 1 / 1.1 - 1], [0.1, 0.2], [-0.1, 0.0], [0.5, -1.0], [0.25, -0.2], [0.1, np.nan]]
    )
    assert gain_share(returns).tolist() == pytest.approx([2 / 3, 1.0, 0.0, 0.0, 0.5, 1.0])


@given(nps.arrays(float, (2, 4, 6), elements=SCORE))
def test_rank_correlation_equals_scipys(scores):
    train, test = scores
    found = rank_over_windows(train, test)
    for i in range(4):
        if (train[i] == train[i, 0]).all() or (test[i] == test[i, 0]).all():
            assert np.isnan(found[i])
        else:
            assert found[i] == pytest.approx(spearmanr(train[i], test[i]).statistic, abs=1e-12)


def test_two_windows_have_no_rank_correlation():
    assert np.isnan(rank_over_windows(np.array([[1.0, 2.0]]), np.array([[1.0, 2.0]]))).all()


def test_the_score_is_a_geometric_mean_within_0_and_1():
    one = np.array([1.0, 0.5, 0.9, 1.0])
    two = np.array([1.0, 0.25, 0.0, 3.0])
    three = np.array([1.0, 1.0, 1.0, np.nan])
    assert consistency_score(one, two, three).tolist() == pytest.approx([1.0, 0.5, 0.0, 0.0])
    assert consistency_score(one, two).tolist() == pytest.approx([1.0, 0.125**0.5, 0.0, 1.0])
