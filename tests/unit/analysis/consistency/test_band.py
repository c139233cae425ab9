import numpy as np
import pytest

from admf_ray.analysis.consistency.band import MOST_MARKS, confidence_band


def test_the_band_of_independent_returns_is_the_known_one():
    random = np.random.default_rng(0)
    returns = np.expm1(0.0005 + 0.01 * random.standard_normal(250))
    found = confidence_band(returns, n_paths=2_000, seed=1)
    logs = np.log1p(returns)
    assert found.bars.tolist() == list(range(250))
    np.testing.assert_allclose(found.curve, np.cumprod(1 + returns))
    for t in (59, 249):
        middle, spread = logs.mean() * (t + 1), logs.std() * np.sqrt(t + 1)
        assert np.log(found.middle[t]) == pytest.approx(middle, abs=0.15 * spread)
        for side, sign in ((found.low, -1.0), (found.high, 1.0)):
            assert np.log(side[t]) == pytest.approx(middle + sign * 1.645 * spread, abs=0.25 * spread)
    assert (found.low < found.middle).all()
    assert (found.middle < found.high).all()


def test_dependent_returns_take_longer_blocks_and_a_wider_band():
    random = np.random.default_rng(0)
    shocks = 0.01 * random.standard_normal(1_000)
    trending = shocks.copy()
    for t in range(1, 1_000):
        trending[t] += 0.6 * trending[t - 1]
    plain = confidence_band(shocks, n_paths=300)
    other = confidence_band(trending, n_paths=300)
    shuffled = confidence_band(random.permutation(trending), n_paths=300)
    assert plain.block_bars < 4 < 8 < other.block_bars
    assert np.log(other.high[-1] / other.low[-1]) > 1.4 * np.log(shuffled.high[-1] / shuffled.low[-1])


def test_a_seed_repeats_the_band_and_another_does_not():
    returns = 0.01 * np.random.default_rng(3).standard_normal(50)
    one, again, other = (confidence_band(returns, n_paths=100, seed=k) for k in (5, 5, 6))
    np.testing.assert_array_equal(one.low, again.low)
    assert (one.low != other.low).any()
    assert one.n_paths == 100


def test_long_curves_are_given_at_marks():
    returns = 0.001 * np.random.default_rng(3).standard_normal(1_777)
    found = confidence_band(returns, n_paths=20)
    assert len(found.bars) == MOST_MARKS
    assert (found.bars[0], found.bars[-1]) == (0, 1_776)
    np.testing.assert_allclose(found.curve, np.cumprod(1 + returns)[found.bars])
    assert found.rows()[-1] == {
        "bars": 1_776,
        "curve": found.curve[-1],
        "low": found.low[-1],
        "middle": found.middle[-1],
        "high": found.high[-1],
    }


@pytest.mark.parametrize("returns", [[0.01], [0.0] * 30, [0.001] * 30])
def test_returns_that_do_not_vary_have_a_band_without_width(returns):
    found = confidence_band(np.array(returns), n_paths=10)
    assert found.block_bars == 1.0
    for side in (found.low, found.middle, found.high):
        np.testing.assert_allclose(side, found.curve)


def test_ruin_stays_at_nothing():
    found = confidence_band(np.array([0.1, -1.5, 0.2]), n_paths=50)
    assert found.curve.tolist() == pytest.approx([1.1, 0.0, 0.0])
    assert (found.low >= 0).all()
