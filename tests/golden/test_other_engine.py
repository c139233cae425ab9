"""Trade for trade against `backtesting` (backtesting.py), an engine with nothing in common with ours.

Its strategies are written here from our rules' docstrings, with TA-Lib's indicators. Compared are every
trade's side, entry bar, exit bar, size, entry price, exit price and P&L, the trade left open, and the
equity at every close, to 1e-9 relative.

How its conventions are mapped to ours:

- It first asks the strategy one bar after its slowest indicator is known, we at that bar. Our window
  starts at its first bar; indicators see the bars before in both.
- It buys whole units. Ours: ``risk.lots: whole``, or a fixed whole number of units.
- An order without a size is filled at the open with as many units as the cash pays for, commission
  included. Ours: ``risk.size_at: fill``.
- It nets orders. A reversal is written as closing the position and a new order, two executions that each
  pay commission, as ours are.
- Commission is a fraction of each execution's value, a fixed fee and a fraction, or any function of size
  and price. Ours: ``commission_frac``, ``commission_per_order``, ``commission_per_share``,
  ``commission_min``; all are charged at entry and at exit in both. In a trade's P&L it charges both, in
  its equity the entry's at the entry, as ours.
- Its ``spread`` is paid in full on the entry's price and not on the exit's; ours is paid half each way.
  Our half equals its whole, the exit's price and the P&L are moved by what it leaves out.
- It has margin but no margin call; the cases are such that ours makes none.
- A bracket's prices are named with its order, before the fill is known; ours stand off the entry's price.
  They are the same where the open is the close before, so brackets are compared on bars made so.
- It fills a take-profit that is touched, ours must be traded through. No price here is that exact.
- Neither closes a position on the last bar (``finalize_trades`` off): the open trade is compared as such.
"""

import backtesting
import numpy as np
import pandas as pd
import pytest
import talib

from admf_ray.market import Bars, load_bars

pytestmark = [
    # it tells the user that a trade is open at the end: here that is wanted
    pytest.mark.filterwarnings("ignore:Some trades remain open:UserWarning"),
    # it asks pandas for the weekday by a name that pandas is about to drop
    pytest.mark.filterwarnings("ignore:DatetimeIndex.dayofweek is deprecated:DeprecationWarning"),
]

COLUMNS = ["side", "entry_bar", "exit_bar", "units", "entry_price", "exit_price", "pnl"]


class Rule(backtesting.Strategy):
    """Trades at the next open when the side that is wanted changes."""

    side = "both"
    units = 0  # 0: as many as the cash pays for
    wanted = 0
    first = None
    stop_loss = take_profit = None

    def next(self):
        if self.first is None:
            self.first = len(self.data) - 1
        wanted = self.look()
        if wanted == {"long": -1, "short": 1}.get(self.side):
            wanted = 0
        if wanted == self.wanted:
            return
        self.wanted = wanted
        self.position.close()
        if wanted:
            order = self.buy if wanted > 0 else self.sell
            close = self.data.Close[-1]
            bracket = {
                "sl": close * (1 - wanted * self.stop_loss) if self.stop_loss else None,
                "tp": close * (1 + wanted * self.take_profit) if self.take_profit else None,
            }
            order(**({"size": self.units} if self.units else {}), **bracket)


class Crossing(Rule):
    fast, slow = 5, 20

    def init(self):
        self.quick = self.I(talib.SMA, self.data.Close, self.fast)
        self.calm = self.I(talib.SMA, self.data.Close, self.slow)

    def look(self):
        return int(np.sign(self.quick[-1] - self.calm[-1]))


class Reversion(Rule):
    length, low, out = 14, 30, 50

    def init(self):
        self.rsi = self.I(talib.RSI, self.data.Close, self.length)

    def look(self):
        rsi = self.rsi[-1]
        if rsi < self.low and self.side != "short":
            return 1
        if rsi > 100 - self.low and self.side != "long":
            return -1
        if self.wanted == 1:
            return 0 if rsi > self.out else 1
        if self.wanted == -1:
            return 0 if rsi < 100 - self.out else -1
        return 0


class Breakout(Rule):
    entry, exit = 20, 10

    def init(self):
        def before(values):
            return np.concatenate(([np.nan], values[:-1]))

        high, low = self.data.High, self.data.Low
        self.top = self.I(lambda: before(talib.MAX(high, self.entry)), name="top")
        self.bottom = self.I(lambda: before(talib.MIN(low, self.entry)), name="bottom")
        self.near_top = self.I(lambda: before(talib.MAX(high, self.exit)), name="near top")
        self.near_bottom = self.I(lambda: before(talib.MIN(low, self.exit)), name="near bottom")

    def look(self):
        close = self.data.Close[-1]
        if close > self.top[-1]:
            return 1
        if close < self.bottom[-1]:
            return -1
        if (self.wanted == 1 and close < self.near_bottom[-1]) or (
            self.wanted == -1 and close > self.near_top[-1]
        ):
            return 0
        return self.wanted


def theirs(bars, rule, cash, arguments, **engine):
    """Run the other engine: its statistics, its trades in our columns, and the strategy."""
    frame = pd.DataFrame(
        {name.capitalize(): getattr(bars, name)[:, 0] for name in ("open", "high", "low", "close")},
        index=pd.DatetimeIndex(bars.time_ns),
    )
    stats = backtesting.Backtest(frame, rule, cash=cash, **engine).run(**arguments)
    found = stats["_trades"]
    rows = [
        (np.sign(t.Size), t.EntryBar, t.ExitBar, abs(t.Size), t.EntryPrice, t.ExitPrice, t.PnL)
        for t in found.itertuples()
    ]
    strategy = stats["_strategy"]
    last = frame.Close.iloc[-1]
    rows += [
        (np.sign(t.size), t.entry_bar, -1, abs(t.size), t.entry_price, last, np.nan) for t in strategy.trades
    ]
    return pd.DataFrame(rows, columns=COLUMNS), stats["_equity_curve"]["Equity"].to_numpy(), strategy


def ours(result):
    rows = [
        (
            1 if t.side == "long" else -1,
            t.entry_bar,
            t.exit_bar,
            t.qty,
            t.entry_price,
            t.exit_price,
            t.pnl if t.exit_bar >= 0 else np.nan,
        )
        for t in result.trades
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def assert_same(found, expected, least):
    """Assert the same trades, at least `least` of them; P&L to 1e-9 of itself or 1e-14 of the value."""
    assert len(found) >= least
    assert len(found) == len(expected)
    for name in ("side", "entry_bar", "exit_bar", "units"):
        np.testing.assert_array_equal(found[name], expected[name], name)
    for name in ("entry_price", "exit_price"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, err_msg=name)
    value = (expected.units * expected.entry_price).max()
    np.testing.assert_allclose(found.pnl, expected.pnl, rtol=1e-9, atol=1e-14 * value, err_msg="pnl")


def assert_no_calls(result):
    assert {f.reason for f in result.fills} <= {"signal", "stop_loss", "take_profit"}
    assert not any(f.cut for f in result.fills)


RULES = {
    "ma_crossover": (Crossing, {"fast": "fast", "slow": "slow"}),
    "rsi_reversion": (Reversion, {"length_bars": "length", "oversold": "low", "exit_level": "out"}),
    "donchian_breakout": (Breakout, {"entry_bars": "entry", "exit_bars": "exit"}),
}
FILL = {"risk.size_at": "fill", "risk.lots": "whole", "portfolio.initial_cash": 100_000.0}
UNITS = {
    "risk.sizing": "fixed_size",
    "risk.size_units": 7.0,
    "portfolio.initial_cash": 1e6,
    "risk.max_symbol_exposure": 100.0,
    "risk.max_gross_exposure": 100.0,
}


def compare(replay, bars, strategy, point, sizing, costs, least, **engine):
    rule, names = RULES[strategy]
    arguments = {their: point[our] for our, their in names.items() if our in point}
    arguments["side"] = point.get("side", "long")
    if sizing is UNITS:
        arguments["units"] = 7
    expected, equity, strategy_run = theirs(bars, rule, sizing["portfolio.initial_cash"], arguments, **engine)
    result = replay(bars, strategy, {**point, **sizing, **costs}, strategy_run.first)
    found = ours(result)
    assert_same(found, expected, least)
    assert_no_calls(result)
    np.testing.assert_allclose(result.equity, equity[strategy_run.first :], rtol=1e-9)
    assert result.metrics["final_equity"] == result.equity[-1]
    return found


CASES = [
    ("nasdaq", "ma_crossover", {"fast": 5, "slow": 20}, FILL, 0.0, 150),
    ("nasdaq", "ma_crossover", {"fast": 5, "slow": 20, "side": "both"}, FILL, 0.0005, 300),
    ("nasdaq", "ma_crossover", {"fast": 20, "slow": 100, "side": "short"}, FILL, 0.002, 30),
    ("sp500", "ma_crossover", {"fast": 5, "slow": 20, "side": "both"}, FILL, 0.0, 200),
    ("sp500", "ma_crossover", {"fast": 10, "slow": 30}, FILL, 0.001, 50),
    ("sp500", "ma_crossover", {"fast": 1, "slow": 8, "side": "both"}, FILL, 0.0001, 400),
    ("sp500", "rsi_reversion", {"side": "both"}, FILL, 0.001, 30),
    ("nasdaq", "rsi_reversion", {"length_bars": 5, "oversold": 25, "exit_level": 55}, FILL, 0.0, 80),
    ("nasdaq", "rsi_reversion", {"length_bars": 5, "exit_level": 90, "side": "both"}, FILL, 0.0005, 80),
    ("sp500", "donchian_breakout", {}, UNITS, 0.0, 30),
    ("nasdaq", "donchian_breakout", {"side": "both"}, UNITS, 0.001, 80),
    ("nasdaq", "donchian_breakout", {"entry_bars": 10, "exit_bars": 10, "side": "both"}, UNITS, 0.0, 80),
]


@pytest.mark.parametrize(("sample", "strategy", "point", "sizing", "commission", "least"), CASES)
def test_trade_for_trade(replay, samples, sample, strategy, point, sizing, commission, least):
    compare(
        replay,
        samples[sample],
        strategy,
        point,
        sizing,
        {"broker.commission_frac": commission},
        least,
        commission=commission,
    )


@pytest.mark.parametrize(
    ("costs", "commission"),
    [
        ({"broker.commission_per_order": 5.0, "broker.commission_frac": 0.001}, (5.0, 0.001)),
        (
            {"broker.commission_per_share": 0.7, "broker.commission_frac": 5e-4, "broker.commission_min": 12},
            lambda size, price: max(12.0, abs(size) * 0.7 + abs(size) * price * 5e-4),
        ),
    ],
)
def test_fees_per_order_per_share_and_least(replay, nasdaq, costs, commission):
    """The least fee binds below a price of 2,029: in a fifth of the executions."""
    point = {"entry_bars": 5, "exit_bars": 3, "side": "both"}
    compare(replay, nasdaq, "donchian_breakout", point, UNITS, costs, 300, commission=commission)


def test_spread(replay, nasdaq):
    """Its whole spread at the entry is our half; the other half is ours alone, at the exit."""
    point, half = {"entry_bars": 5, "exit_bars": 3, "side": "both"}, 0.0004
    expected, equity, run = theirs(nasdaq, Breakout, 1e6, {"entry": 5, "exit": 3, "units": 7}, spread=half)
    settings = {**point, **UNITS, "broker.spread_frac": 2 * half}
    result = replay(nasdaq, "donchian_breakout", settings, run.first)
    closed = expected.exit_bar >= 0
    left_out = (expected.units * expected.exit_price * half).where(closed, 0.0)
    expected.exit_price = expected.exit_price.where(~closed, expected.exit_price * (1 - expected.side * half))
    expected.pnl -= left_out
    assert_same(ours(result), expected, 300)
    paid = np.zeros(nasdaq.n_bars)
    np.add.at(paid, expected.exit_bar[closed].to_numpy(), left_out[closed].to_numpy())
    np.testing.assert_allclose(result.equity, (equity - paid.cumsum())[run.first :], rtol=1e-9)


@pytest.mark.parametrize(("stop_loss", "take_profit"), [(0.01, 0.03), (0.02, 0.0), (0.0, 0.015)])
def test_brackets(replay, sp500, stop_loss, take_profit):
    """Stop-loss and take-profit, live in the entry's bar, on bars that open at the close before."""
    close = sp500.close[:, 0]
    opens = np.concatenate((sp500.open[:1, 0], close[:-1]))
    bars = Bars.from_arrays(
        opens,
        np.maximum(sp500.high[:, 0], opens),
        np.minimum(sp500.low[:, 0], opens),
        close,
        time_ns=sp500.time_ns,
    )
    arguments = {"stop_loss": stop_loss, "take_profit": take_profit}
    expected, equity, run = theirs(bars, Crossing, 100_000.0, arguments)
    settings = {
        "fast": 5,
        "slow": 20,
        "side": "both",
        "risk.lots": "whole",
        "risk.stop_loss_frac": stop_loss,
        "risk.take_profit_frac": take_profit,
    }
    result = replay(bars, "ma_crossover", settings, run.first)
    reasons = [f.reason for f in result.fills]
    assert (reasons.count("stop_loss") > 20) == bool(stop_loss)
    assert (reasons.count("take_profit") > 20) == bool(take_profit)
    assert_same(ours(result), expected, 200)
    assert_no_calls(result)
    np.testing.assert_allclose(result.equity, equity[run.first :], rtol=1e-9)


def test_fills_only_at_crossings(replay):
    """NASDAQ 2014-2017, 5 against 20 bars: one order a crossing, not one a bar."""
    bars = load_bars("sample:nasdaq", start="2014", end="2017")
    close = bars.close[:, 0]
    fast = np.convolve(close, np.full(5, 1 / 5), "valid")[15:]
    slow = np.convolve(close, np.full(20, 1 / 20), "valid")
    side = np.sign(fast - slow)
    crossings = 19 + np.flatnonzero(np.diff(side, prepend=0.0))  # the first side taken counts as one
    result = replay(bars, "ma_crossover", {"fast": 5, "slow": 20, "side": "both", **FILL})
    assert [o.bar for o in result.orders] == crossings.tolist()
    assert len(crossings) == 72
    assert sorted({f.bar for f in result.fills}) == (crossings + 1).tolist()
    # every order but the first reverses: a closing and an opening fill
    assert len(result.fills) == 2 * 72 - 1
