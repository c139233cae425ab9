import numpy as np
import pytest

from admf_ray.analysis.consistency.drift import drift_of
from admf_ray.analysis.parameters import ParameterTable


def table(values, words=None):
    values = np.array(values, dtype=float)
    names = tuple("abc"[: values.shape[1]])
    return ParameterTable(names, values, words or (None,) * len(names))


def test_steps_in_units_of_the_searched_range_by_hand():
    points = table([[0, 10, 7], [5, 10, 7], [10, 30, 7], [0, 50, 7]])
    found = drift_of(points, np.array([0, 1, 2, 2]))
    np.testing.assert_allclose(found.per_parameter, [(0.5 + 0.5 + 0) / 3, (0 + 0.5 + 0) / 3, np.nan])
    assert found.mean == pytest.approx((1 / 3 + 1 / 6) / 2)
    assert (found.n_distinct, found.n_changes) == (3, 2)


def test_words_change_or_do_not():
    points = table([[0, 1], [2, 1], [5, 2]], (("p", "q", "r", "s", "t", "u"), None))
    found = drift_of(points, np.array([0, 1, 0, 0]))
    assert found.per_parameter.tolist() == pytest.approx([2 / 3, 0.0])
    assert drift_of(points, np.array([0, 2, 0])).mean == 1.0


def test_another_strategys_parameters_are_a_whole_step():
    # the last column is one value where it is there at all
    points = table([[0, np.nan, 4], [8, np.nan, 4], [np.nan, 1, np.nan], [np.nan, 3, np.nan]])
    found = drift_of(points, np.array([0, 1, 2]))
    assert found.per_parameter.tolist() == [1.0, 1.0, 0.5]
    assert drift_of(points, np.array([2, 3])).per_parameter[1] == 1.0
    assert np.isnan(drift_of(points, np.array([2, 3])).per_parameter[0])


@pytest.mark.parametrize("chosen", [[1], [1, 1, 1]])
def test_one_choice_does_not_drift(chosen):
    found = drift_of(table([[0, 1], [1, 2]]), np.array(chosen))
    assert found.mean == 0.0
    assert (found.n_distinct, found.n_changes) == (1, 0)
    assert np.isnan(found.per_parameter).all() == (len(chosen) == 1)


def test_a_single_point_cannot_drift():
    found = drift_of(table([[3, 4]]), np.array([0, 0]))
    assert found.mean == 0.0
    assert np.isnan(found.per_parameter).all()
