"""Every kind of cost on seven bars that can be worked out on paper.

A close beyond the bar before turns the position, 10 units either way: buy 10 at the open of bar 2 (104),
sell 20 at that of bar 4 (98, two executions), buy 20 at that of bar 6 (101, two executions), end at 102.
Before costs the trades make 10 * (98 - 104) = -60, 10 * (98 - 101) = -30 and, still open, 10 * (102 -
101) = 10: from 10,000 to 9,920. The five executions are worth 1040 + 980 + 980 + 1010 + 1010 = 5,020.
"""

import pytest

from admf_ray.market import Bars, Instrument

#         0     1      2      3      4     5      6
OPEN = [100.0, 100.0, 104.0, 103.0, 98.0, 96.0, 101.0]
HIGH = [101.0, 103.0, 106.0, 103.5, 99.0, 100.0, 103.0]
LOW = [99.0, 100.0, 102.0, 98.0, 95.0, 95.0, 100.0]
CLOSE = [100.0, 102.0, 103.0, 99.0, 97.0, 100.0, 102.0]

PLAIN = [104.0, 98.0, 98.0, 101.0, 101.0]
POINT = {
    "entry_bars": 1,
    "exit_bars": 1,
    "side": "both",
    "risk.sizing": "fixed_size",
    "risk.size_units": 10.0,
    "portfolio.initial_cash": 10_000.0,
}


def run(replay, costs, multiplier=1.0):
    instrument = Instrument("X", multiplier=multiplier, tick=0.25)
    bars = Bars.from_arrays(OPEN, HIGH, LOW, CLOSE, symbols="X", instruments=[instrument])
    settings = {**POINT, **{f"broker.{name}": value for name, value in costs.items()}}
    result = replay(bars, "donchian_breakout", settings)
    assert [f.bar for f in result.fills] == [2, 4, 4, 6, 6]
    assert [f.qty for f in result.fills] == [10.0, -10.0, -10.0, 10.0, 10.0]
    return result


CASES = {
    # costs: prices, commissions, slippage in money, final equity, P&L of the two closed trades
    "none": ({}, PLAIN, [0.0] * 5, 0.0, 9920.0, (-60.0, -30.0)),
    # 10 * 0.05 each
    "per share": ({"commission_per_share": 0.05}, PLAIN, [0.5] * 5, 0.0, 9917.5, (-61.0, -31.0)),
    "per order": ({"commission_per_order": 3.0}, PLAIN, [3.0] * 5, 0.0, 9905.0, (-66.0, -36.0)),
    # a thousandth of 1040, 980, 980, 1010, 1010: 5.02
    "fraction": (
        {"commission_frac": 0.001},
        PLAIN,
        [1.04, 0.98, 0.98, 1.01, 1.01],
        0.0,
        9914.98,
        (-62.02, -31.99),
    ),
    # 3 + a thousandth: 4.04, 3.98, 3.98, 4.01, 4.01; two of them are below 4
    "minimum": (
        {"commission_per_order": 3.0, "commission_frac": 0.001, "commission_min": 4.0},
        PLAIN,
        [4.04, 4.0, 4.0, 4.01, 4.01],
        0.0,
        9899.94,
        (-68.04, -38.01),
    ),
    # 2 ticks of 0.25: half a point, five times on 10 units
    "ticks": (
        {"slippage_ticks": 2.0},
        [104.5, 97.5, 97.5, 101.5, 101.5],
        [0.0] * 5,
        25.0,
        9895.0,
        (-70.0, -40.0),
    ),
    # a fifth of a percent of 5,020
    "slippage": (
        {"slippage_frac": 0.002},
        [104.208, 97.804, 97.804, 101.202, 101.202],
        [0.0] * 5,
        10.04,
        9909.96,
        (-64.04, -33.98),
    ),
    # half of 1 % each way
    "spread": (
        {"spread_frac": 0.01},
        [104.52, 97.51, 97.51, 101.505, 101.505],
        [0.0] * 5,
        25.1,
        9894.9,
        (-70.1, -39.95),
    ),
    # a tenth of the range of the bar before: bar 1's 3, bar 3's 5.5, bar 5's 5
    "range share": (
        {"slippage_range_frac": 0.1},
        [104.3, 97.45, 97.45, 101.5, 101.5],
        [0.0] * 5,
        24.0,
        9896.0,
        (-68.5, -40.5),
    ),
    # 0.7 % and half a point off the open; commission on the price paid: a thousandth of 5,032.70
    "together": (
        {"slippage_frac": 0.002, "spread_frac": 0.01, "slippage_ticks": 2.0, "commission_frac": 0.001},
        [105.228, 96.814, 96.814, 102.207, 102.207],
        [1.05228, 0.96814, 0.96814, 1.02207, 1.02207],
        60.14,
        9854.8273,
        (-86.16042, -55.92021),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_costs(replay, name):
    costs, prices, commissions, slippage, equity, closed = CASES[name]
    result = run(replay, costs)
    assert [f.price for f in result.fills] == pytest.approx(prices, rel=1e-12)
    assert [f.commission for f in result.fills] == pytest.approx(commissions, rel=1e-12)
    assert sum(f.slippage for f in result.fills) == pytest.approx(slippage, rel=1e-12)
    assert result.equity[-1] == pytest.approx(equity, rel=1e-12)
    assert [t.pnl for t in result.trades[:2]] == pytest.approx(closed, rel=1e-12)
    assert result.metrics["costs"] == pytest.approx(sum(commissions) + slippage, rel=1e-12)


def test_multiplier(replay):
    """Five a point: moves, values and slippage count five times, units and executions once."""
    costs = {
        "commission_frac": 0.001,
        "commission_per_share": 0.05,
        "commission_per_order": 3.0,
        "slippage_ticks": 2.0,
    }
    result = run(replay, costs, multiplier=5.0)
    # executed at 104.5, 97.5, 97.5, 101.5, 101.5: 5 * 5,025 a thousandth, and 3.5 five times
    assert result.metrics["commission"] == pytest.approx(25.125 + 17.5, rel=1e-12)
    assert result.metrics["slippage"] == pytest.approx(125.0, rel=1e-12)
    # 5 * (-60 - 30 + 10) is lost before costs
    assert result.equity[-1] == pytest.approx(10_000.0 - 400.0 - 125.0 - 42.625, rel=1e-12)


def test_equity_bar_by_bar(replay):
    """Per order 3: cash 10,000 - 1,040 - 3 after bar 2, and so on, marked at each close."""
    result = run(replay, {"commission_per_order": 3.0})
    # bar 2: 8957 + 10 * 103; bar 3: 8957 + 10 * 99; bar 4: 8957 + 2 * 980 - 6 = 10911, less 10 * 97;
    # bar 5: 10911 - 10 * 100; bar 6: 10911 - 2 * 1010 - 6 = 8885, and 10 * 102
    assert result.equity.tolist() == [10_000.0, 10_000.0, 9987.0, 9947.0, 9941.0, 9911.0, 9905.0]
    assert result.cash.tolist() == [10_000.0, 10_000.0, 8957.0, 8957.0, 10_911.0, 10_911.0, 8885.0]
    assert result.positions[:, 0].tolist() == [0.0, 0.0, 10.0, 10.0, -10.0, -10.0, 10.0]


def test_cut_to_what_the_cash_pays_for(replay):
    """500 buys 4.8 units at 104; with 3 an execution, (500 - 3) / 104."""
    bars = Bars.from_arrays(OPEN, HIGH, LOW, CLOSE, symbols="X")
    settings = {
        **POINT,
        "side": "long",
        "portfolio.initial_cash": 500.0,
        "broker.commission_per_order": 3.0,
        "risk.max_symbol_exposure": 100.0,
        "risk.max_gross_exposure": 100.0,
    }
    first = replay(bars, "donchian_breakout", settings).fills[0]
    assert (first.qty, first.cut) == pytest.approx((497.0 / 104.0, 10.0 - 497.0 / 104.0), rel=1e-12)
