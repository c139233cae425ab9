import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from admf_ray.analysis.robustness import as_scores, best_first, robustness


def of(index):
    return lambda begin, end: index[begin:end]


SCORE = st.floats(-5, 5) | st.just(-np.inf) | st.just(0.0)


@st.composite
def tables(draw):
    n_rows, n_windows = draw(st.integers(1, 8)), draw(st.integers(1, 2))
    scores = draw(nps.arrays(float, (n_rows, n_windows), elements=SCORE))
    n_points = draw(st.integers(1, n_rows))
    index = draw(
        nps.arrays(np.int64, (n_points, draw(st.integers(0, 6))), elements=st.integers(-1, n_rows - 1))
    )
    return scores, index


@settings(max_examples=200)
@given(tables())
def test_figures_equal_their_definitions_point_by_point(case):
    scores, index = case
    found = robustness(scores, of(index), len(index))
    for i, near in enumerate(index):
        for w in range(scores.shape[1]):
            own, others = scores[i, w], scores[near[near >= 0], w]
            both = np.sort([own, *others])
            place = 0.25 * (both.size - 1)
            low = both[int(place)]
            if place == int(place) or low == -np.inf:
                assert found.robust_score[i, w] == low
            else:
                assert found.robust_score[i, w] == pytest.approx(
                    np.percentile(both, 25), rel=1e-12, abs=1e-12
                )
            if own <= 0:
                assert found.stability[i, w] == 0
                assert np.isnan(found.degradation[i, w])
            elif not others.size:
                assert np.isnan([found.stability[i, w], found.degradation[i, w]]).all()
            else:
                with np.errstate(over="ignore"):
                    share, mean = np.median(others) / own, others.mean() / own
                assert found.stability[i, w] == pytest.approx(min(max(share, 0), 1), rel=1e-9, abs=1e-12)
                assert found.degradation[i, w] == pytest.approx(1 - mean, rel=1e-9, abs=1e-9)


@given(nps.arrays(float, (5, 2), elements=SCORE))
def test_radius_zero_is_the_raw_score(scores):
    found = robustness(scores, of(np.empty((5, 0), dtype=np.int64)), 5)
    assert (found.robust_score == scores).all()


def test_a_spike_loses_to_a_plateau():
    scores = np.array([0.1, 0.0, 3.0, 0.1, 0.0, 0.9, 1.0, 1.1, 1.0, 0.9])
    places = np.arange(10)
    near = places[:, None] + np.array([-2, -1, 1, 2])
    index = np.where((near >= 0) & (near < 10), near, -1)
    found = robustness(scores[:, None], of(index), len(index))
    assert best_first(scores)[0] == 2
    assert best_first(found.robust_score[:, 0])[0] in (7, 8)
    assert found.robust_score[2, 0] < 0.2 < 0.9 <= found.robust_score[7, 0]
    assert found.stability[2, 0] < 0.05 < 0.8 < found.stability[7, 0]
    assert found.degradation[2, 0] > 0.9 > 0.2 > found.degradation[7, 0]


def test_blocks_do_not_show(monkeypatch):
    random = np.random.default_rng(0)
    scores, index = random.standard_normal((50, 3)), random.integers(-1, 50, (40, 7))
    whole = robustness(scores, of(index), len(index))
    monkeypatch.setattr("admf_ray.analysis.robustness.BLOCK_ENTRIES", 24)
    for one, other in zip(whole, robustness(scores, of(index), len(index)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_scores_say_which_side_is_better():
    values, trades = np.array([2.0, 1.0, np.nan, np.nan]), np.array([3.0, 3.0, 0.0, 3.0])
    assert as_scores(values, trades).tolist() == [2.0, 1.0, 0.0, -np.inf]
    assert as_scores(values, trades, maximize=False).tolist() == [-2.0, -1.0, 0.0, -np.inf]
    assert best_first(np.array([1.0, np.nan, 2.0, 2.0])).tolist() == [2, 3, 0, 1]
