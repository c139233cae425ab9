import numpy as np
import pytest

from admf_ray.analysis.overfitting.break_even import break_even


def test_profit_is_gone_at_the_cost_found():
    asked = []

    def net_pnl(cost_bps):
        asked.append(cost_bps)
        return 1000 * (1 - 2e-4 * cost_bps) ** 50 - 800

    found = break_even(net_pnl, first=1.0, highest=500.0)
    assert found.outcome == "found"
    assert found.cost == pytest.approx((1 - 0.8 ** (1 / 50)) / 2e-4, abs=1e-6)
    assert abs(found.net_pnl) < 1e-3
    assert max(asked) == 32.0  # 1, 2, 4, ... brackets it
    assert len(asked) < 25


def test_no_edge_is_said_without_a_search():
    asked = []
    for profit in (0.0, -5.0, np.nan):
        found = break_even(lambda cost, profit=profit: asked.append(cost) or profit, first=1.0, highest=9.0)
        assert (found.outcome, found.cost) == ("no edge", 0.0)
    assert asked == [0.0, 0.0, 0.0]


def test_an_edge_that_outlasts_every_cost():
    found = break_even(lambda cost: 10.0 - cost, first=1.0, highest=9.0)
    assert found == ("outlasts", np.inf, 1.0)
    assert break_even(lambda cost: 9.0 - cost, first=1.0, highest=9.0).cost == pytest.approx(9.0)


def test_a_jump_is_found_where_it_is():
    found = break_even(lambda cost: 7.0 if cost < 3.3 else -2.0, first=0.5, highest=100.0)
    assert found.outcome == "found"
    assert found.cost == pytest.approx(3.3, abs=1e-5)


@pytest.mark.parametrize(("first", "highest"), [(0.0, 1.0), (2.0, 1.0), (np.nan, 1.0)])
def test_bounds_that_make_no_sense_are_refused(first, highest):
    with pytest.raises(ValueError, match="needs 0 < first <= highest"):
        break_even(lambda cost: 1.0, first=first, highest=highest)
