import numpy as np
import pytest

from admf_ray.analysis.consistency import WindowResults, consistency_of_points, consistency_of_rule
from admf_ray.analysis.parameters import ParameterTable
from admf_ray.analysis.walk_forward import efficiency, rank_correlation


def results(n_points=6, n_windows=5, seed=0):
    random = np.random.default_rng(seed)
    train, test = random.standard_normal((2, n_points, n_windows))
    return WindowResults(
        train, test, 0.02 + 0.01 * train, 0.005 * test, np.full(n_windows, 252.0), np.full(n_windows, 63.0)
    )


def table(n_points):
    return ParameterTable(("length",), np.arange(n_points, dtype=float)[:, None], (None,))


def test_a_points_figures_by_hand():
    own = WindowResults(
        np.array([[1.0, 2.0, 3.0]]),
        np.array([[1.0, 3.0, 2.0]]),
        np.array([[0.1, 0.2, 0.1]]),
        np.array([[0.03, -0.01, 0.02]]),
        np.array([100.0, 100.0, 100.0]),
        np.array([50.0, 50.0, 50.0]),
    )
    row = consistency_of_points(own).row(0)
    gains, loss = np.log(1.03) + np.log(1.02), -np.log(0.99)
    kept = (gains - loss) / 150 / (np.log(1.1) * 2 + np.log(1.2)) * 300
    assert row == {
        "profitable_frac": pytest.approx(2 / 3),
        "worst_window": 1,
        "worst_return": -0.01,
        "failed_windows": 0,
        "gain_share": pytest.approx(gains / (gains + loss)),
        "rank_correlation": pytest.approx(0.5),
        "efficiency": pytest.approx(kept),
        "score": pytest.approx((2 / 3 * gains / (gains + loss) * kept) ** (1 / 3)),
    }


def test_the_order_of_points_does_not_show():
    own = results(40)
    order = np.random.default_rng(1).permutation(40)
    moved = WindowResults(*(figure[order] for figure in own[:4]), *own[4:])
    one, other = consistency_of_points(own), consistency_of_points(moved)
    assert len(set(one.score.tolist())) > 5
    for name, figure in vars(one).items():
        np.testing.assert_allclose(figure[order], getattr(other, name), rtol=1e-12)
    assert len(one.rows()) == 40
    assert one.rows()[3] == one.row(3)


def test_the_rule_is_judged_by_what_it_chose():
    own = results()
    chosen = np.array([0, 5, 5, 1, 0])
    found = consistency_of_rule(own, table(6), chosen)
    tests = own.test_returns[chosen, range(5)]
    row = found.row()
    assert row["profitable_frac"] == (tests > 0).mean()
    assert (row["worst_window"], row["worst_return"]) == (tests.argmin(), tests.min())
    kept = efficiency(own.train_returns[chosen, range(5)], own.train_bars, tests, own.test_bars)
    assert row["efficiency"] == kept
    assert row["over_points"] == rank_correlation(own.train_scores, own.test_scores)
    assert row["drift"] == pytest.approx((1 + 0 + 0.8 + 0.2) / 4)
    assert (row["distinct_choices"], row["changes"]) == (3, 3)


def test_a_rule_that_keeps_its_choice_is_more_consistent_than_one_that_wanders():
    own = results(3)
    same = own._replace(
        train_returns=np.full((3, 5), 0.1), test_returns=np.tile([0.02, 0.03, -0.01, 0.02, 0.01], (3, 1))
    )
    steady = consistency_of_rule(same, table(3), np.array([1, 1, 1, 1, 1]))
    wanders = consistency_of_rule(same, table(3), np.array([0, 1, 0, 1, 0]))
    leaps = consistency_of_rule(same, table(3), np.array([0, 2, 0, 2, 0]))
    assert steady.figures.efficiency == wanders.figures.efficiency
    assert steady.figures.score[0] > wanders.figures.score[0] > leaps.figures.score[0] == 0.0
    point = consistency_of_points(same)
    assert steady.figures.score[0] == pytest.approx(point.score[1] ** (3 / 4))


def test_failed_windows_are_counted_and_not_profitable():
    own = results(2, 4)
    own.test_returns[:] = 0.01
    own.test_returns[1, 2] = np.nan
    own.test_scores[1, 2] = -np.inf
    found = consistency_of_points(own)
    assert found.profitable_frac.tolist() == [1.0, 0.75]
    assert found.failed_windows.tolist() == [0, 1]
    assert np.isnan(found.efficiency[1])
    assert found.score[0] > 0.0 == found.score[1]


def test_one_window_and_one_point():
    own = results(1, 1)
    found = consistency_of_rule(own, table(1), np.array([0]))
    assert np.isnan(found.figures.rank_correlation[0])
    assert np.isnan(found.over_points)
    assert found.drift.mean == 0.0
