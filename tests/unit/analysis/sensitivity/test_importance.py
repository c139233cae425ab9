import numpy as np
import pytest

from admf_ray.analysis.sensitivity import importance
from admf_ray.analysis.sensitivity.importance import LEAST_R2, permutation_importance


def lattice(side, n_params):
    axes = np.meshgrid(*([np.arange(side, dtype=float)] * n_params), indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)


def planted(seed=0):
    values = lattice(8, 3)
    noise = np.random.default_rng(seed).standard_normal(len(values))
    return values, -((values[:, 1] - 3.0) ** 2) + 0.3 * values[:, 2] + noise


def test_the_parameter_that_decides_is_named():
    found = permutation_importance(*planted())
    assert found.explains
    assert found.r2 > 0.7
    assert found.mean.argmax() == 1
    assert found.mean[1] > 5 * found.mean[2] > 5 * abs(found.mean[0])
    assert (found.n_fitted, found.n_held_out, found.sampled, found.remark) == (256, 256, False, "")


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_importance(seed):
    values = lattice(8, 3)
    found = permutation_importance(values, np.random.default_rng(seed).standard_normal(len(values)))
    assert not found.explains
    assert found.r2 < LEAST_R2
    assert np.isnan(found.mean).all()
    assert "explain" in found.remark


def test_neither_order_of_points_nor_scale_of_scores_shows():
    values, score = planted()
    order = np.random.default_rng(3).permutation(len(values))
    one, other = permutation_importance(values, score), permutation_importance(values[order], score[order])
    stretched = permutation_importance(values, np.exp(score))
    for again in (other, stretched):
        np.testing.assert_array_equal(one.mean, again.mean)
        assert one.r2 == again.r2
    assert permutation_importance(values, score, seed=1).r2 != one.r2


def test_failed_points_are_left_out():
    values, score = planted()
    kept = permutation_importance(values[20:], score[20:])
    score[:20] = -np.inf
    assert permutation_importance(values, score).r2 == kept.r2
    assert kept.n_fitted + kept.n_held_out == len(values) - 20


def test_what_cannot_be_told_is_not_told(monkeypatch):
    values, score = planted()
    flat = permutation_importance(values, np.zeros(len(values)))
    few = permutation_importance(values[:19], score[:19])
    assert flat.remark == "all scores are equal"
    assert few.remark.startswith("19 points")
    for one in (flat, few):
        assert np.isnan([*one.mean, *one.spread, one.r2]).all()
        assert not one.explains
    monkeypatch.setattr(importance, "MOST_POINTS", 300)
    some = permutation_importance(values, score)
    assert some.sampled
    assert some.n_fitted + some.n_held_out == 300


def test_one_parameter_alone():
    values = np.arange(40.0)[:, None]
    found = permutation_importance(values, values[:, 0] ** 2)
    assert found.explains
    assert found.mean.shape == (1,)
    assert found.mean[0] > 1.0
