import secrets

import numpy as np
import pytest

from admf_ray.analysis.overfitting.random_entry import random_entry


def plain(weights, returns, cost, shift):
    path = np.roll(weights, shift, axis=0)
    turnover = np.abs(np.diff(np.concatenate([np.zeros_like(path[:1]), path]), axis=0))
    gains = (path * returns - cost * turnover).reshape(len(path), -1).sum(axis=1)
    return np.maximum(1 + gains, 0).prod() - 1


@pytest.mark.parametrize("n_symbols", [0, 1, 3])
def test_equals_rolling_the_path(n_symbols):
    random = np.random.default_rng(n_symbols)
    shape = (40, n_symbols) if n_symbols else (40,)
    weights, returns = random.integers(-1, 2, shape) / 2, random.normal(0, 0.02, shape)
    found = random_entry(weights, returns, 0.001, seed=0)
    expected = [plain(weights, returns, 0.001, k) for k in range(40)]
    assert found.own_return != 0
    assert found.own_return == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(found.shifted_returns, expected[1:], rtol=1e-9, atol=1e-14)
    as_good = (found.shifted_returns >= found.own_return).sum()
    assert as_good == sum(one >= expected[0] for one in expected[1:])
    assert found.p == (1 + as_good) / 40


def test_costs_of_every_turn_count():
    weights, flat = np.array([0.0, 1.0, 1.0, 0.0, -1.0]), np.zeros(5)
    found = random_entry(weights, flat, 0.01, seed=0)
    assert found.own_return == pytest.approx(0.99 * 0.99 * 0.99 - 1)
    assert found.shifted_returns[0] == pytest.approx(0.99 * 0.99 * 0.99 * 0.99 - 1)  # starts short


def test_shifts_are_drawn_without_repeats():
    weights = (np.arange(3000) % 7 < 2) * 1.0
    returns = np.random.default_rng(0).normal(0, 0.01, 3000)
    found = random_entry(weights, returns, 0.0, seed=4)
    assert found.shifted_returns.size == 1000
    np.testing.assert_array_equal(
        found.shifted_returns, random_entry(weights, returns, 0.0, seed=4).shifted_returns
    )
    assert (found.shifted_returns != random_entry(weights, returns, 0.0, seed=5).shifted_returns).any()


def test_foresight_beats_every_shift_and_is_still_no_proof():
    returns = np.random.default_rng(1).normal(0.001, 0.01, 400)
    timed = random_entry((returns > 0) * 1.0, returns, 0.001, seed=0)
    assert timed.own_return > timed.shifted_returns.max()
    assert timed.p == 1 / 400  # never 0: Phipson and Smyth (2010)
    assert random_entry((returns > 0) * 1.0, returns, 0.001, seed=0, n_shifts=99).p == 1 / 100
    held = random_entry(np.ones(400), returns, 0.001, seed=0)
    assert held.p == 1.0  # the same path at any shift
    assert np.isnan(random_entry(np.ones(1), np.zeros(1), 0.0, seed=0).p)


def test_ruin_ends_the_path():
    found = random_entry(np.array([2.0, 2.0, 2.0]), np.array([0.1, -0.6, 5.0]), 0.0, seed=0)
    assert found.own_return == -1.0


def test_chance_is_anywhere():
    entropy = secrets.randbits(32)
    p = []
    for k in range(200):
        random = np.random.default_rng([entropy, k])
        held = np.repeat(random.integers(0, 2, 50), 6) * 1.0
        p.append(random_entry(held, random.normal(0, 0.01, 300), 0.0005, seed=k).p)
    # uniform: mean 1/2, standard error 0.29 / sqrt(200)
    assert abs(np.mean(p) - 0.5) < 5 * 0.29 / np.sqrt(200), f"entropy {entropy}"
    assert np.std(p) > 0.2, f"entropy {entropy}"
