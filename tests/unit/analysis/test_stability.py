"""Results over regimes by hand."""

import numpy as np
import pytest

from admf_ray.analysis.regimes.stability import at_transitions, best_share, trades_by_regime, worst_regime


def test_the_worst_regime_is_one_that_was_long_enough():
    sharpes = np.array([[1.0, -0.5, -9.0], [np.nan, 2.0, 5.0]])
    worst, where = worst_regime(sharpes, np.array([100, 20, 19]))
    assert worst.tolist() == [-0.5, 0.0]
    assert where.tolist() == [1, 0]
    worst, where = worst_regime(sharpes, np.array([1, 2, 3]))
    assert np.isnan(worst).all()
    assert where.tolist() == [-1, -1]


def test_the_best_regimes_share_is_of_winnings():
    assert best_share(np.array([[3.0, 1.0], [2.0, -50.0]])).tolist() == [0.75, 1.0]
    assert np.isnan(best_share(np.array([[-1.0, 0.0]]))).all()


def test_changes_count_for_the_bars_after_them():
    labels = np.array([-1, 0, 0, 1, 1, 1, 1, 0])
    returns = np.arange(8.0)[:, None]
    found = at_transitions(returns, labels, within=2)
    assert (found.n_changes, found.n_after) == (2, 2)
    assert found.after[0] == np.mean([4, 5])
    assert found.elsewhere[0] == np.mean([0, 1, 2, 3, 6, 7])
    assert np.isnan(at_transitions(returns, np.zeros(8, dtype=np.int64)).after[0])


def test_a_trade_belongs_to_what_was_known_when_it_began():
    labels = np.array([-1, 0, 0, 1, 1, 0])
    counts, sums, across, pnl = trades_by_regime(
        np.array([1, 2, 5]), np.array([2, 4, -1]), np.array([10.0, 20.0, 40.0]), labels, 2
    )
    assert counts.tolist() == [1, 1, 1]
    assert sums.tolist() == [20.0, 40.0, 10.0]
    assert (across, pnl) == (2, pytest.approx(30.0))
