import itertools
import secrets

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress, rankdata

from admf_ray.analysis.overfitting import pbo as module
from admf_ray.analysis.overfitting.pbo import by_robust_score, pbo, pbo_of_selection
from admf_ray.analysis.overfitting.splits import half_masks
from admf_ray.errors import DataError
from tests.unit.analysis.overfitting.noise import noise, slice_sums


def robustly(index):
    return by_robust_score(lambda begin, end: index[begin:end], len(index))


def naive(returns, n_slices):
    """CSCV as the paper tells it, from the returns themselves, keyed by the in-sample slices."""
    width = len(returns) // n_slices
    parts = returns[len(returns) - n_slices * width :].reshape(n_slices, width, -1)

    def sharpe(chosen):
        r = np.concatenate([parts[k] for k in chosen])
        sd = r.std(axis=0, ddof=1)
        return np.where(sd > 1e-9, r.mean(axis=0) / np.where(sd > 1e-9, sd, 1.0), 0.0)

    out = {}
    for chosen in itertools.combinations(range(n_slices), n_slices // 2):
        inside = sharpe(chosen)
        outside = sharpe([k for k in range(n_slices) if k not in chosen])
        best = int(inside.argmax())
        share = rankdata(outside)[best] / (returns.shape[1] + 1)
        out[chosen] = np.log(share / (1 - share)), inside[best], outside[best], best
    return out


def equals_naive(found, returns, n_slices):
    expected = naive(returns, n_slices)
    masks = half_masks(n_slices)
    assert len(masks) == len(expected) == len(found.logits)
    rows = np.array([expected[tuple(np.flatnonzero(mask))] for mask in masks])
    np.testing.assert_allclose(found.logits, rows[:, 0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.inside, rows[:, 1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.outside, rows[:, 2], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(found.selected, rows[:, 3])
    assert found.pbo == (rows[:, 0] <= 0).mean()
    assert found.loss_probability == (rows[:, 2] < 0).mean()
    assert found.slope == pytest.approx(linregress(rows[:, 1], rows[:, 2]).slope, rel=1e-9)


@pytest.mark.parametrize(("n_slices", "n_bars", "n_points"), [(2, 30, 5), (6, 61, 7), (8, 80, 20)])
def test_equals_a_plain_computation(n_slices, n_bars, n_points):
    returns = noise(n_bars, n_points, 3)
    returns[:, 2] = 0.0
    found = pbo(*slice_sums(returns, n_slices))
    assert len(set(found.selected.tolist())) > 1
    equals_naive(found, returns, n_slices)


def test_equal_points_share_their_rank():
    returns = np.repeat(noise(80, 4, 1), 2, axis=1)
    found = pbo(*slice_sums(returns, 8))
    assert (found.selected % 2 == 0).all()  # the first of equals
    equals_naive(found, returns, 8)


def test_sixteen_slices_have_all_their_splits():
    found = pbo(*slice_sums(noise(320, 10, 0)))
    masks = half_masks(16)
    assert len(found.logits) == len(np.unique(masks, axis=0)) == 12_870
    assert (masks.sum(axis=1) == 8).all()
    np.testing.assert_array_equal(masks[::-1], ~masks)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(2, 12))
def test_order_scale_and_direction_of_time_do_not_count(seed, n_points):
    random = np.random.default_rng(seed)
    returns = noise(96, n_points, seed)
    found = pbo(*slice_sums(returns, 8))
    shuffled = random.permutation(n_points)
    other = pbo(*slice_sums(returns[:, shuffled], 8))
    np.testing.assert_array_equal(other.logits, found.logits)
    np.testing.assert_array_equal(shuffled[other.selected], found.selected)
    scaled = pbo(*slice_sums(returns * random.uniform(0.1, 10.0, n_points), 8))
    np.testing.assert_allclose(scaled.logits, found.logits, rtol=1e-9, atol=1e-12)
    backwards = pbo(*slice_sums(returns[::-1], 8))
    assert backwards.pbo == found.pbo
    np.testing.assert_allclose(np.sort(backwards.logits), np.sort(found.logits), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("threads", [2, 3, 50])
def test_threads_do_not_show(threads):
    sums, width = slice_sums(noise(160, 37, 4), 10)
    for one, other in zip(pbo(sums, width), pbo(sums, width, threads=threads), strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_dominant_point_is_never_overfit():
    returns = noise(320, 20, 2)
    returns[:, 7] += 0.05
    found = pbo(*slice_sums(returns))
    assert found.pbo == found.loss_probability == 0.0
    assert (found.selected == 7).all()
    assert (found.logits == np.log(20)).all()


def test_nothing_to_select_from_has_no_figure():
    assert np.isnan(pbo(*slice_sums(noise(320, 1, 0)))[:3]).all()


def test_points_that_never_trade_are_all_in_the_middle():
    flat = pbo(*slice_sums(np.zeros((320, 4))))
    assert (flat.logits == 0.0).all()
    assert (flat.pbo, flat.loss_probability) == (1.0, 0.0)
    assert np.isnan(flat.slope)


def test_what_cannot_be_split_is_refused():
    sums, width = slice_sums(noise(90, 3, 0), 9)
    with pytest.raises(DataError, match=r"even n_slices.*found \(3, 9, 2\)"):
        pbo(sums, width)
    sums, width = slice_sums(noise(80, 3, 0), 8)
    sums[1, 4, 0] = np.nan
    with pytest.raises(DataError, match="for point 1"):
        pbo(sums, width)


def test_another_way_of_selecting_equals_the_same_way():
    sums, width = slice_sums(noise(160, 12, 8), 8)
    whole = pbo(sums, width)
    found = pbo_of_selection(
        sums, width, lambda scores: scores.argmax(axis=0), n_points=12, n_splits=1000, seed=0
    )
    np.testing.assert_array_equal(found.selected, whole.selected)
    np.testing.assert_array_equal(found.logits, whole.logits)
    assert found[:3] == pytest.approx(whole[:3], rel=1e-9)


def test_sampled_splits_are_some_of_all(monkeypatch):
    sums, width = slice_sums(noise(160, 12, 8), 8)
    index = np.array([[i - 1, i + 1 if i < 11 else -1] for i in range(12)])
    one = pbo_of_selection(sums, width, robustly(index), n_points=12, n_splits=30, seed=3)
    assert len(one.logits) == 30
    monkeypatch.setattr(module, "SPLITS_AT_A_TIME", 7)
    other = pbo_of_selection(
        sums,
        width,
        robustly(index),
        n_points=12,
        n_splits=30,
        seed=3,
        threads=2,
    )
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
    whole = pbo_of_selection(sums, width, robustly(index), n_points=12, n_splits=70, seed=3)
    assert set(one.inside) < set(whole.inside)


def test_off_grid_neighbours_count_in_selection_only():
    returns = noise(160, 6, 5)
    returns[:, 0] += 0.004  # a spike: best alone, its neighbours (rows 3 and 4) lose
    returns[:, 3:5] -= 0.02
    sums, width = slice_sums(returns, 8)
    index = np.array([[3, 4], [5, 2], [1, -1]])
    found = pbo_of_selection(sums, width, robustly(index), n_points=3, n_splits=70, seed=0)
    assert 0 not in found.selected
    assert set(pbo(sums[:3], width).selected) >= {0}
    assert set(np.round(np.exp(found.logits), 9)) <= {round(w / (4 - w), 9) for w in (1, 2, 3)}


@pytest.mark.parametrize(("markets", "n_points"), [(60, 20), pytest.param(600, 100, marks=pytest.mark.slow)])
def test_noise_averages_one_half(markets, n_points):
    entropy = secrets.randbits(32)
    found = [pbo(*slice_sums(noise(320, n_points, [entropy, k]))).pbo for k in range(markets)]
    print(f"entropy {entropy}: mean PBO {np.mean(found):.3f}, from {min(found):.2f} to {max(found):.2f}")
    assert np.std(found) > 0.05, f"entropy {entropy}"
    error = np.std(found, ddof=1) / np.sqrt(markets)
    assert abs(np.mean(found) - 0.5) < 5 * error, f"entropy {entropy}"


def test_a_planted_plateau_is_not_overfit():
    """Points 20 to 30 of 60 have an edge; a point's returns resemble its neighbours'."""
    entropy = secrets.randbits(32)
    index = np.arange(60)[:, None] + np.array([-2, -1, 1, 2])
    index = np.where((index >= 0) & (index < 60), index, -1)
    by_sharpe, by_robust = [], []
    for k in range(10):
        own = noise(1008, 64, [entropy, k])
        returns = sum(own[:, j : j + 60] for j in range(5)) / np.sqrt(5)
        returns[:, 20:31] += 0.0015
        sums, width = slice_sums(returns)
        by_sharpe.append(pbo(sums, width).pbo)
        robust = pbo_of_selection(
            sums,
            width,
            robustly(index),
            n_points=60,
            n_splits=100,
            seed=k,
        )
        by_robust.append(robust.pbo)
        inside = (robust.selected >= 18) & (robust.selected < 33)
        assert inside.mean() > 0.6, f"entropy {entropy}"
    assert np.mean(by_sharpe) < 0.1, f"entropy {entropy}"
    assert np.mean(by_robust) < 0.1, f"entropy {entropy}"
