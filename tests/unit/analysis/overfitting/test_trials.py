import numpy as np
import pytest

from admf_ray.analysis.overfitting.trials import distinct_sample, effective_trials, effective_trials_spread


def orthogonal(n, k):
    random = np.random.default_rng(k)
    x = random.standard_normal((n, k))
    return np.linalg.qr(x - x.mean(axis=0))[0]


def test_copies_are_one_trial_and_independent_ones_are_many():
    x = orthogonal(100, 8)
    assert effective_trials(x) == pytest.approx(8.0, rel=1e-9)
    assert effective_trials(np.column_stack([x[:, :1] * k for k in (1.0, 2.0, -3.0)])) == pytest.approx(1.0)
    assert effective_trials(np.column_stack([x, x])) == pytest.approx(8.0, rel=1e-9)
    assert effective_trials(np.column_stack([x, np.zeros(100), np.full(100, 0.1)])) == pytest.approx(8.0)
    assert effective_trials(np.zeros((100, 3))) == 1.0


def test_equals_the_entropy_of_the_correlation_matrix_whichever_side_is_smaller():
    x = np.random.default_rng(0).standard_normal((40, 100)) + np.random.default_rng(1).standard_normal(
        (40, 1)
    )
    for part in (x[:, :15], x):
        values = np.linalg.eigvalsh(np.corrcoef(part.T))
        shares = values[values > 1e-12] / part.shape[1]
        expected = np.exp(-(shares * np.log(shares)).sum())
        assert 2 < expected < min(part.shape)
        assert effective_trials(part) == pytest.approx(expected, rel=1e-9)


def test_equal_points_are_sampled_once():
    sums = np.random.default_rng(0).standard_normal((6, 4, 2))
    sums[4], sums[5] = sums[1], sums[0]
    assert distinct_sample(sums, 10, seed=0).tolist() == [0, 1, 2, 3]
    zeros = np.zeros((3, 4, 2))
    zeros[1] = -0.0
    assert distinct_sample(zeros, 10, seed=0).tolist() == [0]
    few = distinct_sample(sums, 2, seed=5)
    assert len(few) == 2
    assert set(few) < {0, 1, 2, 3}
    np.testing.assert_array_equal(few, distinct_sample(sums, 2, seed=5))
    assert len({tuple(distinct_sample(sums, 2, seed=k)) for k in range(20)}) > 1


def test_spread_is_at_least_that_of_one_estimate():
    assert effective_trials_spread(np.array([0.1, 0.3, np.nan]), 10_000) == pytest.approx(np.sqrt(0.02))
    assert effective_trials_spread(np.array([0.1, 0.1001]), 10_000) == 0.01
    assert effective_trials_spread(np.array([np.nan]), 400) == 0.05
