import numpy as np
import pytest

from admf_ray.analysis.parameters import ParameterTable
from admf_ray.analysis.robustness import Robustness, robustness
from admf_ray.analysis.sensitivity import parameter_sensitivity
from admf_ray.errors import DataError


def line(score):
    """Return a line of points, scores given, each the neighbour of those within two steps."""
    score = np.array(score, dtype=float)
    n = len(score)
    near = np.arange(n)[:, None] + np.array([-2, -1, 1, 2])
    index = np.where((near >= 0) & (near < n), near, -1)
    judged = robustness(score[:, None], lambda begin, end: index[begin:end], n)
    points = ParameterTable(("length",), np.arange(n, dtype=float)[:, None], (None,))
    return points, score, Robustness(*(figure[:, 0] for figure in judged))


SPIKE = [0.1, 0.0, 3.0, 0.1, 0.0, 0.9, 1.0, 1.1, 1.0, 0.9]


def test_a_spike_is_flagged_and_the_plateau_chosen():
    found = parameter_sensitivity(*line(SPIKE))
    assert found.highest.point == 2
    assert found.highest.spike
    assert found.spikes_frac == 1.0
    assert found.chosen.point in (7, 8)
    assert not found.chosen.spike
    assert not found.chosen.on_edge
    assert found.pairs == ()
    assert found.slices[0].score.tolist() == SPIKE


@pytest.mark.parametrize(("score", "edge"), [(range(10), "high"), (range(10, 0, -1), "low")])
def test_an_optimum_on_the_edge_is_flagged(score, edge):
    found = parameter_sensitivity(*line(list(score)))
    assert found.highest.on_edge
    row = found.highest.row(found.points)
    assert row["edges"] == f"length {edge}"
    assert row["parameters"] == {"length": 9.0 if edge == "high" else 0.0}


def test_words_and_single_values_have_no_edge():
    values = np.array([[0.0, 5.0, 1.0], [1.0, 5.0, 2.0], [2.0, 5.0, 3.0]])
    points = ParameterTable(("word", "one", "n"), values, (("x", "y", "z"), None, None))
    score = np.array([0.0, 1.0, 2.0])
    near = Robustness(score, np.full(3, np.nan), np.full(3, np.nan))
    found = parameter_sensitivity(points, score, near)
    assert found.chosen.at_high.tolist() == [False, False, True]
    assert not found.chosen.at_low.any()
    assert not found.chosen.spike
    rows = found.rows()
    assert [row["chosen"] for row in rows] == ["z", 5.0, 3.0]
    assert [row["edge"] for row in rows] == ["", "", "high"]
    assert [row["searched_values"] for row in rows] == [3, 1, 3]
    # only the last point agrees with itself in the two others
    assert [len(one.points) for one in found.slices] == [1, 1, 1]
    assert len(found.pair_rows()) == 9


def test_scores_below_zero_are_never_spikes():
    found = parameter_sensitivity(*line([-5.0, -5.0, -0.1, -5.0, -5.0]))
    assert found.highest.point == 2
    assert found.highest.stability == 0.0
    assert not found.highest.spike


def test_failed_points_are_counted_and_left_out():
    points, score, near = line([-np.inf, 1.0, 2.0, np.nan, 1.5])
    found = parameter_sensitivity(points, score, near, at=2)
    assert found.n_failed == 2
    assert found.highest.point == 2
    assert np.isnan(found.slices[0].score).tolist() == [True, False, False, True, False]
    assert len(found.slice_rows()) == 5
    with pytest.raises(DataError, match=r"must have a score, found none among 5"):
        parameter_sensitivity(points, np.full(5, -np.inf), near)


def test_constant_scores_say_nothing():
    found = parameter_sensitivity(*line([1.0] * 30))
    assert not found.importance.explains
    assert found.chosen.point == found.highest.point == 0
    assert not found.highest.spike
    assert np.isnan(found.rows()[0]["importance"])
