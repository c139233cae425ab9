"""One account that changes its point on the way, and one that is wound up at its end."""

import numpy as np
import pytest

from admf_ray.components import library  # noqa: F401  (registers)
from admf_ray.components.registry import find
from admf_ray.engine.outcome import Stage
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars, Window

CROSS, RSI = Stack(find("ma_crossover")), Stack(find("rsi_reversion"))
COSTS = {"broker.commission_frac": 0.001, "broker.slippage_frac": 0.0005}
FAST = CROSS.vector({"fast": 3, "slow": 8, **COSTS})
SLOW = CROSS.vector({"fast": 10, "slow": 30, **COSTS})


@pytest.fixture(scope="module")
def bars():
    random = np.random.default_rng(3)
    close = 100.0 * np.exp(np.cumsum(0.015 * random.standard_normal(300)))
    return Bars.from_arrays(close, close * 1.01, close * 0.99, close)


def test_following_the_same_point_changes_nothing(bars):
    window = Window("w", 50, 300)
    plain = Replay(bars, CROSS, FAST, window).run()
    staged = Replay(bars, CROSS, FAST, window, then=[Stage(120, CROSS, FAST), Stage(121, CROSS, FAST)]).run()
    assert len(plain.trades) > 5
    assert (staged.equity == plain.equity).all()
    assert repr(staged.fills) == repr(plain.fills)
    assert repr(staged.metrics) == repr(plain.metrics)


def test_a_change_of_point_acts_from_its_bar_on(bars):
    window = Window("w", 50, 300)
    first, then = Replay(bars, CROSS, FAST, window).run(), Replay(bars, CROSS, SLOW, window).run()
    staged = Replay(bars, CROSS, FAST, window, then=[Stage(150, CROSS, SLOW)]).run()
    assert (staged.equity[:101] == first.equity[:101]).all()
    assert (staged.equity != first.equity).any()
    held = staged.positions[:, 0] > 0
    assert held[:101].tolist() == (first.positions[:101, 0] > 0).tolist()
    # without memory, both decide alike from the change on; fills follow one bar later
    assert held[101:].tolist() == (then.positions[101:, 0] > 0).tolist()
    changes = np.flatnonzero(np.diff(staged.positions[:, 0]))
    assert len(staged.fills) == changes.size


def test_another_strategy_takes_over_the_account(bars):
    row = RSI.vector({"length_bars": 3, **COSTS})
    staged = Replay(bars, CROSS, FAST, Window("w", 50, 300), then=[Stage(150, RSI, row)]).run()
    alone = Replay(bars, RSI, row, Window("w", 150, 300)).run()
    assert len(alone.trades) > 3
    both_flat = (staged.positions[100:, 0] == 0) & (alone.positions[:, 0] == 0)
    meet = 150 + int(np.flatnonzero(both_flat)[0])
    later = [fill.bar for fill in alone.fills if fill.bar > meet]
    assert len(later) > 3
    assert [fill.bar for fill in staged.fills if fill.bar > meet] == later
    worth = staged.cash + staged.positions[:, 0] * bars.close[50:, 0]
    assert worth == pytest.approx(staged.equity, rel=1e-12)


def test_winding_up_takes_the_last_mark_where_a_symbol_has_no_bar(bars):
    close = np.column_stack([bars.close[:, 0], bars.close[::-1, 0]])
    close[250, 1] = np.nan
    close[-1, 0] *= 1.01
    two = Bars.from_arrays(close, close, close, close)
    row = CROSS.vector({"fast": 1, "slow": 2, "side": "both"})
    window = Window("w", 50, 251)
    held, ended = (Replay(two, CROSS, row, window, liquidate=end).run() for end in (False, True))
    assert (held.positions[-1] != 0).all()
    assert (ended.positions[-1] == 0).all()
    assert ended.equity[-1] == pytest.approx(held.equity[-1], rel=1e-12)
    assert ended.fills[-1].price == close[249, 1]


def test_winding_up_charges_what_an_exit_at_the_close_costs(bars):
    plain = Replay(bars, CROSS, SLOW, Window("w", 50, 300)).run()
    stop = 51 + int(np.flatnonzero(plain.positions[:, 0])[-1])
    window = Window("w", 50, stop)
    held, ended = (
        Replay(bars, CROSS, SLOW, window).run(),
        Replay(bars, CROSS, SLOW, window, liquidate=True).run(),
    )
    units, close = held.positions[-1, 0], bars.close[stop - 1, 0]
    assert units > 0
    assert (ended.equity[:-1] == held.equity[:-1]).all()
    assert ended.positions[-1, 0] == 0
    sold = close * (1 - 0.0005)
    assert ended.equity[-1] == pytest.approx(held.cash[-1] + units * sold * (1 - 0.001), rel=1e-12)
    assert ended.trades[-1].reason == "liquidated"
    assert [order for order in ended.orders if order.bar == stop - 1] == []
