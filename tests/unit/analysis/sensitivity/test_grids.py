import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from admf_ray.analysis.parameters import ParameterTable
from admf_ray.analysis.sensitivity.grids import MOST_LEVELS, levels_of, pair_grids, slices_through

SCORE = st.floats(-5, 5) | st.just(-np.inf)


def table(values, words=None):
    names = tuple("abcdef"[: values.shape[1]])
    return ParameterTable(names, values, words or (None,) * len(names))


@st.composite
def scored(draw):
    n, k = draw(st.integers(1, 12)), draw(st.integers(2, 4))
    values = draw(nps.arrays(float, (n, k), elements=st.sampled_from([-1.0, 0.5, 3.0])))
    return values, *(draw(nps.arrays(float, n, elements=SCORE)) for _ in range(2))


@settings(max_examples=100)
@given(scored())
def test_each_cell_reduces_its_points_by_median_and_lower_quartile(case):
    values, score, robust = case
    found = pair_grids(table(values), score, robust)
    assert len(found) == values.shape[1] * (values.shape[1] - 1) // 2
    for pair in found:
        assert pair.counts.sum() + pair.failed.sum() == len(values)
        for i, a in enumerate(pair.rows_at.low):
            for j, b in enumerate(pair.columns_at.low):
                there = (values[:, pair.first] == a) & (values[:, pair.second] == b)
                known = there & np.isfinite(score)
                assert pair.counts[i, j] == known.sum()
                assert pair.failed[i, j] == (there & ~known).sum()
                for own, middle, lower in (
                    (score[known], pair.median, pair.lower_quartile),
                    (robust[known], pair.robust_median, pair.robust_lower_quartile),
                ):
                    own = own[np.isfinite(own)]
                    expected = np.percentile(own, [50, 25]) if own.size else [np.nan, np.nan]
                    np.testing.assert_allclose([middle[i, j], lower[i, j]], expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=50)
@given(scored(), st.randoms(use_true_random=False))
def test_the_order_of_points_does_not_show(case, random):
    values, score, robust = case
    order = np.array(random.sample(range(len(values)), len(values)))
    one = pair_grids(table(values), score, robust)
    other = pair_grids(table(values[order]), score[order], robust[order])
    for a, b in zip(one, other, strict=True):
        for name in (
            "median",
            "lower_quartile",
            "robust_median",
            "robust_lower_quartile",
            "counts",
            "failed",
        ):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_a_peak_over_other_parameters_does_not_decide_a_cell():
    values = np.array([[1.0, 1.0, z] for z in range(5)] + [[2.0, 1.0, z] for z in range(5)])
    score = np.array([9.0, 0.0, 0.1, 0.2, 0.3, 1.0, 1.0, 1.0, 1.0, 1.0])
    pair = pair_grids(table(values), score, score)[0]
    assert pair.median[:, 0].tolist() == pytest.approx([0.2, 1.0])
    assert pair.lower_quartile[:, 0].tolist() == pytest.approx([0.1, 1.0])


def test_rows_hold_words_and_only_cells_that_have_points():
    values = np.array([[1.0, 0.0], [1.0, 2.0], [2.0, 0.0]])
    points = table(values, (None, ("fast", "even", "slow")))
    score = np.array([1.0, -np.inf, 3.0])
    (pair,) = pair_grids(points, score, score)
    rows = pair.rows(points)
    assert [(row["first_value"], row["second_value"]) for row in rows] == [
        (1.0, "fast"),
        (1.0, "slow"),
        (2.0, "fast"),
    ]
    assert [(row["points"], row["failed"]) for row in rows] == [(1, 0), (0, 1), (1, 0)]
    assert rows[0]["median"] == 1.0
    assert np.isnan(rows[1]["median"])


def test_many_values_share_levels_and_words_never_do():
    values = np.random.default_rng(0).permutation(1_003).astype(float)
    levels = levels_of(values)
    assert levels.merged
    assert len(levels.low) == MOST_LEVELS
    assert (levels.low[levels.of] <= values).all()
    assert (values <= levels.high[levels.of]).all()
    assert (levels.low[1:] > levels.high[:-1]).all()
    assert set(np.bincount(levels.of)) == {5, 6}
    assert len(levels_of(values, words=True).low) == 1_003


def test_a_slice_holds_what_differs_in_one_parameter_alone():
    values = np.array([[3.0, 1.0], [1.0, 1.0], [2.0, 1.0], [2.0, 5.0], [1.0, 5.0]])
    score, robust = np.array([30.0, -np.inf, 20.0, 25.0, 15.0]), np.array([3.0, -np.inf, 2.0, 2.5, 1.5])
    first, second = slices_through(table(values), score, robust, 2)
    assert first.points.tolist() == [1, 2, 0]
    assert first.values.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(first.score, [np.nan, 20.0, 30.0])
    assert second.points.tolist() == [2, 3]
    assert second.rows(table(values))[1] == {
        "parameter": "b",
        "value": 5.0,
        "point": 3,
        "score": 25.0,
        "robust_score": 2.5,
    }
