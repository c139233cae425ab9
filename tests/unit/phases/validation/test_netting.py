"""Several strategies in one account: what they want is netted, nothing later reaches it."""

from dataclasses import replace

import numpy as np
import pytest

from admf_ray.components import library  # noqa: F401 - registers
from admf_ray.components.registry import find
from admf_ray.engine.stack import Stack
from admf_ray.market import Window
from admf_ray.market.synthetic import random_walk
from admf_ray.phases.validation.case import Member, TestCase
from admf_ray.phases.validation.exam import noisy
from admf_ray.phases.validation.netting import Setting, hashes, run_case, wanted_weights

STACK = Stack(find("ma_crossover"), (find("trend_direction"),))
WINDOW = Window("full", 300, 500)


def point(**settings):
    return Member.of(STACK, STACK.vector({"side": "both", "trend_direction.mean_bars": 50, **settings}))


FAST, SLOW = point(fast=3, slow=10), point(fast=8, slow=30, **{"risk.stop_loss_frac": 0.02})


@pytest.fixture(scope="module")
def bars():
    return random_walk(500, 5).bars


@pytest.fixture(scope="module")
def labels(bars):
    found = np.arange(bars.n_bars) // 7 % 3 - 1
    return found.astype(np.int64)


def test_all_regimes_to_one_point_is_that_point_to_the_bit(bars, labels):
    alone = run_case(TestCase("a", "fixed", SLOW), Setting(bars, WINDOW, labels, 2))
    case = TestCase("a", "adaptive", SLOW, (SLOW, SLOW), (), (0, 1, 0))
    mapped = run_case(case, Setting(bars, WINDOW, labels, 2))
    assert len(alone.result.trades) > 5
    one, other = hashes(alone), hashes(mapped)
    assert (one["trades"], one["equity"]) == (other["trades"], other["equity"])
    np.testing.assert_array_equal(alone.result.regime_sums, mapped.result.regime_sums)


def test_an_adaptive_strategy_wants_what_the_member_of_the_known_regime_wants(bars, labels):
    case = TestCase("a", "adaptive", FAST, (FAST, SLOW), (), (0, 1, 0))
    held = run_case(case, Setting(bars, WINDOW, labels, 2))
    wanted = [wanted_weights(one, Setting(bars, WINDOW)) for one in (FAST, SLOW)]
    stated = np.zeros(bars.n_bars)
    for event in held.events:
        if type(event).__name__ == "SignalEvent":
            stated[event.bar :] = event.weight
    followed = np.where(labels == 1, wanted[1][:, 0], wanted[0][:, 0])
    own = slice(WINDOW.start, WINDOW.stop)
    assert (wanted[0][own] != wanted[1][own]).sum() > 20
    np.testing.assert_array_equal(stated[own], followed[own])


def test_an_ensemble_holds_the_weighted_sum_and_saves_what_cancels_out(bars):
    case = TestCase("e", "ensemble", FAST, (FAST, SLOW), (0.5, 0.5))
    held = run_case(case, Setting(bars, WINDOW))
    weights = {event.weight for event in held.events if type(event).__name__ == "SignalEvent"}
    assert {-0.5, 0.0, 0.5} & weights
    assert weights <= {-1.0, -0.5, 0.0, 0.5, 1.0}
    alone = [
        run_case(TestCase("m", "fixed", one), Setting(bars, WINDOW)).result.metrics for one in (FAST, SLOW)
    ]
    assert 0 < held.result.metrics["turnover"] < sum(one["turnover"] for one in alone)


@pytest.mark.parametrize("kind", ["adaptive", "ensemble"])
def test_what_is_netted_knows_nothing_of_later_bars(bars, labels, kind):
    case = (
        TestCase("a", "adaptive", FAST, (FAST, SLOW), (), (0, 1, 0))
        if kind == "adaptive"
        else TestCase("e", "ensemble", FAST, (FAST, SLOW), (0.5, 0.5))
    )
    t = 400
    later = {}
    for name in ("open", "high", "low", "close"):
        column = getattr(bars, name).copy()
        column[t:] *= 1.5
        later[name] = column
    whole, changed = (
        run_case(case, Setting(one, WINDOW, labels, 2)) for one in (bars, replace(bars, **later))
    )
    k = t - WINDOW.start
    assert (whole.result.equity[k:] != changed.result.equity[k:]).any()
    np.testing.assert_array_equal(whole.result.equity[:k], changed.result.equity[:k])


def test_a_delayed_strategy_does_the_same_one_bar_later(bars):
    case = TestCase("d", "fixed", FAST)
    now, late = (run_case(case, Setting(bars, WINDOW, delay_bars=k)) for k in (0, 1))
    assert len(now.result.orders) > 10
    bars_now = [order.bar for order in now.result.orders]
    bars_late = [order.bar for order in late.result.orders]
    assert bars_late == [bar + 1 for bar in bars_now if bar + 1 < WINDOW.stop]


def test_noisy_bars_are_bars_still_and_only_a_little_other(bars):
    other = noisy(bars, 1)
    assert (other.close != bars.close).all()
    assert (other.high >= np.maximum(other.open, other.close)).all()
    assert (other.low <= np.minimum(other.open, other.close)).all()
    moves, more = (np.diff(np.log(one.close[:, 0])) for one in (bars, other))
    assert (more - moves).std() == pytest.approx(0.1 * np.sqrt(2.0) * moves.std(), rel=0.1)
