import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_ray.analysis.clustering import groups, return_distribution_clustering
from admf_ray.analysis.clustering.groups import group_by_correlation, group_by_features, numbered

N_BARS = 400


def families(seed=0, sizes=(12, 10, 8)):
    """Return candidates of three kinds: steady, rare bets with heavy tails, wild; each moving as one."""
    random = np.random.default_rng(seed)
    own = np.repeat(np.arange(3), sizes)
    shapes = random.standard_normal(N_BARS), random.standard_normal(N_BARS), random.standard_normal(N_BARS)
    base = np.stack([0.004 * shapes[0], 0.01 * shapes[1] * (random.random(N_BARS) < 0.1), 0.03 * shapes[2]])
    noise = np.array([0.001, 0.0003, 0.008])[own][:, None]
    returns = base[own] + noise * random.standard_normal((len(own), N_BARS))
    held = np.array([0.9, 0.1, 0.5])[own] + 0.02 * random.random(len(own))
    return returns, held, own


def test_three_planted_families_are_found_both_ways():
    returns, held, own = families()
    order = np.random.default_rng(5).permutation(len(own))
    found = return_distribution_clustering(returns[order], held[order])
    for grouping in (found.by_features, found.by_correlation):
        assert grouping.structured
        assert grouping.strength == "reasonable"
        assert grouping.n_groups == 3
        assert grouping.labels.tolist() == own[order].tolist()
        assert grouping.silhouette == np.nanmax(grouping.silhouettes) > grouping.least
        assert [row["chosen"] for row in grouping.rows()].index(True) == 1
    assert found.by_features.sizes.tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert found.rows()[0]["cluster"] == own[order[0]]


@pytest.fixture(scope="module", autouse=True)
def _few_references():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "N_REFERENCES", 5)
        yield


@settings(max_examples=12)
@given(st.randoms(use_true_random=False), st.booleans())
def test_a_permutation_of_candidates_only_permutes_labels(random, structured):
    if structured:
        returns, held, _ = families(sizes=(5, 5, 4))
    else:
        noise = np.random.default_rng(2)
        returns, held = noise.standard_normal((14, 60)), noise.random(14)
    returns, held = np.concatenate([returns, returns[3:6]]), np.append(held, [0.2, 0.3, 0.3])
    order = np.array(random.sample(range(17), 17))
    one = return_distribution_clustering(returns, held)
    other = return_distribution_clustering(np.asfortranarray(returns[order]), held[order])
    assert one.by_features.structured or not structured
    for a, b in ((one.by_features, other.by_features), (one.by_correlation, other.by_correlation)):
        np.testing.assert_array_equal(a.labels[order], b.labels)
        np.testing.assert_array_equal(a.silhouettes, b.silhouettes)


def test_identical_series_count_once_and_share_a_cluster():
    returns, held, _ = families()
    signed = returns[:4] * 1.0
    again = return_distribution_clustering(np.concatenate([returns, signed]), np.append(held, [0.99] * 4))
    assert again.n_distinct == len(returns)
    for grouping in (again.by_features, again.by_correlation):
        assert grouping.n_groups == 3
        assert grouping.labels[-4:].tolist() == grouping.labels[:4].tolist()
    zeros = np.array([[0.0, 0.0, 0.0, 0.0], [-0.0, 0.0, -0.0, 0.0]])
    assert return_distribution_clustering(zeros, np.zeros(2)).n_distinct == 1


def test_labels_follow_the_number_of_candidates_not_of_series():
    returns, held, own = families()
    copies = np.repeat(returns[own == 2][:1], 20, axis=0)
    found = return_distribution_clustering(np.concatenate([returns, copies]), np.append(held, [0.5] * 20))
    assert found.by_correlation.labels[:30].tolist() == [{0: 1, 1: 2, 2: 0}[k] for k in own]


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_structure(seed):
    random = np.random.default_rng(seed)
    found = return_distribution_clustering(0.01 * random.standard_normal((60, N_BARS)), random.random(60))
    for grouping in (found.by_features, found.by_correlation):
        assert not grouping.structured
        assert grouping.strength == "none"
        assert grouping.n_groups == 1
        assert not any(row["chosen"] for row in grouping.rows())
        assert np.isfinite(grouping.silhouettes).any()


def test_a_continuum_is_not_told_as_two_groups():
    line = np.random.default_rng(0).permutation(np.linspace(0.0, 1.0, 60))[:, None]
    found = group_by_features(line)
    assert found.silhouette > 0.5
    assert found.least > found.silhouette
    assert found.n_groups == 1


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_candidates_are_one_cluster_or_what_can_be_tried(n):
    returns, held, _ = families(sizes=(1, 1, 1))
    found = return_distribution_clustering(returns[:n], held[:n])
    assert found.by_features.labels.shape == found.by_correlation.labels.shape == (n,)
    tried = [2] if n == 3 else []
    assert found.by_features.sizes.tolist() == found.by_correlation.sizes.tolist() == tried


def test_series_that_never_trade_are_one_group_among_others():
    returns, held, own = families()
    returns[own == 1] = 0.0
    held[own == 1] = 0.0
    found = return_distribution_clustering(returns, held)
    assert found.n_distinct == 21
    assert len(set(found.by_features.labels[own == 1])) == 1


def test_a_seed_refits_identically_and_regimes_are_a_profile():
    returns, held, _ = families()
    regimes = np.arange(N_BARS) // 50 % 2
    one, other = (return_distribution_clustering(returns, held, regimes, seed=7) for _ in range(2))
    np.testing.assert_array_equal(one.features.values, other.features.values)
    np.testing.assert_array_equal(one.by_features.silhouettes, other.by_features.silhouettes)
    assert one.features.names[-2:] == ("mean_regime_0", "mean_regime_1")
    assert one.by_features.n_groups > 1


def test_groups_by_hand():
    line = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0], [9.1], [9.2], [9.3]])
    found = group_by_features(line)
    assert found.n_groups == 3
    assert numbered(found.labels, np.arange(9)).tolist() == [1, 1, 1, 2, 2, 0, 0, 0, 0]
    near = np.abs(line - line.T) / 10
    again = group_by_correlation(near)
    assert numbered(again.labels, np.arange(9)).tolist() == [1, 1, 1, 2, 2, 0, 0, 0, 0]
    assert numbered(np.array([0, 1]), np.array([0, 1])).tolist() == [0, 1]
