"""Properties that any correct engine satisfies, over drawn-up markets; each case must trade."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

from admf_ray.components.library.trend import MaCrossover
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import sweep
from admf_ray.errors import ADMFError, ConfigError, DataError
from admf_ray.market import Bars, Window
from tests.parity.cases import COMBINATIONS
from tests.parity.markets import Shape, market
from tests.unit.engine.scripted import NEUTRAL, STACK

NAMED = {c.name: c for c in COMBINATIONS}
APPROX = pytest.approx

# rich settings by the name of a structure that the parity tests compile too
SETTINGS = {
    "bracket": {"risk.stop_loss_frac": 0.03, "risk.take_profit_frac": 0.05, "risk.trailing_stop_frac": 0.04},
    "limit_atr": {
        "risk.sizing": "fixed_fraction", "broker.order_type": "limit", "risk.stop_loss_atr": 1.5,
        "broker.offset_frac": 0.002, "risk.max_symbol_exposure": 1.0, "risk.max_gross_exposure": 0.9,
    },
    "many_plain": {
        "broker.borrow_frac_per_year": 0.1, "broker.interest_frac_per_year": 0.02,
        "risk.max_drawdown_frac": 0.9,
    },
}  # fmt: skip
COSTS = {"broker.commission_frac": 0.001, "broker.slippage_range_frac": 0.05, "broker.spread_frac": 0.001}
RICH = sorted(SETTINGS)


def case(name, seed=4, n_bars=160, **more):
    c = NAMED[name]
    bars = market(seed, c.shape, n_bars, daily_volatility=0.02)
    settings = {"often": 0.7, "risk.fraction": 0.8, **SETTINGS[name], **COSTS, **more}
    return bars, c.stack, c.stack.vector(settings)


def run(bars, stack, row, start=0, stop=None):
    got = Replay(bars, stack, row, Window("full", start, stop or bars.n_bars)).run()
    assert len(got.fills) > 10, "nothing traded, so nothing is shown"
    return got


def scripted(bars, seed=1, *, low=-1.0, high=1.0, **settings):
    """Replay weights that are drawn and change at a third of the bars."""
    rng = np.random.default_rng(seed)
    weights = np.round(rng.uniform(low, high, bars.close.shape), 2)
    weights[rng.random(bars.close.shape) < 0.67] = 99.0
    told = dataclasses.replace(bars, extra={"w": weights})
    full = {column.split(".")[-1]: column for column in STACK.columns}
    settings = {**NEUTRAL, "initial_cash": 100_000.0, **settings}
    return run(told, STACK, STACK.vector({full[k]: v for k, v in settings.items()}))


def changed(bars, first, **columns):
    """Return bars whose named columns are replaced from bar `first` on."""
    new = {}
    for name, values in columns.items():
        new[name] = getattr(bars, name).copy()
        new[name][first:] = values[first:]
    return dataclasses.replace(bars, **new)


def before(events, bar):
    return repr([e for e in events if e.bar < bar])


@pytest.mark.parametrize("name", RICH)
def test_1_bars_that_are_not_there_yet_change_nothing(name):
    bars, stack, row = case(name)
    whole = run(bars, stack, row)
    for m in (90, 121):
        part = run(bars.slice(0, m), stack, row)
        assert part.equity.tobytes() == whole.equity[:m].tobytes()
        assert [t for t in part.trades if t.reason != "open"] == [
            t for t in whole.trades if t.reason != "open" and t.exit_bar < m
        ]


@pytest.mark.parametrize("name", RICH)
def test_2_another_future_changes_nothing_before_it(name):
    bars, stack, row = case(name)
    other, _, _ = case(name, seed=99)
    whole = run(bars, stack, row)
    for m in (70, 120):
        columns = {n: getattr(other, n) for n in ("open", "high", "low", "close")}
        then = run(changed(bars, m, **columns), stack, row)
        assert then.equity[:m].tobytes() == whole.equity[:m].tobytes()
        assert before(then.fills, m) == before(whole.fills, m)
        assert before(then.orders, m) == before(whole.orders, m)
        assert then.equity.tobytes() != whole.equity.tobytes()


@pytest.mark.parametrize("name", ["bracket", "many_plain"])
def test_3_a_fill_at_the_open_does_not_know_the_rest_of_its_bar(name):
    bars, stack, row = case(name)
    whole = run(bars, stack, row)
    for b in [f.bar for f in whole.fills if f.reason == "signal"][5:25:4]:
        columns = {n: getattr(bars, n).copy() for n in ("high", "low", "close")}
        columns["high"][b] = bars.open[b] * 1.5
        columns["low"][b] = bars.open[b] * 0.5
        columns["close"][b] = bars.open[b] * 1.2
        then = run(dataclasses.replace(bars, **columns), stack, row)

        def opening(result, b=b):
            return [f[:8] for f in result.fills if f.bar < b or (f.bar == b and f.reason == "signal")]

        assert opening(then) == opening(whole)


def test_4_market_orders_fill_at_the_next_open():
    bars = market(3, Shape(2), 120)
    got = scripted(bars)
    decided = {(o.bar, o.symbol) for o in got.orders}
    for fill in got.fills:
        assert fill.price == bars.open[fill.bar, bars.symbols.index(fill.symbol)]
        assert fill.bar > 0
        assert (fill.bar - 1, fill.symbol) in decided


@pytest.mark.parametrize("shape", [Shape(), Shape(2)])
def test_5_prices_and_cash_in_other_units_are_the_same_equity(shape):
    bars = market(3, shape, 120)
    scaled = dataclasses.replace(bars, **{n: getattr(bars, n) * 4 for n in ("open", "high", "low", "close")})
    costs = {"commission_frac": 0.002, "slippage_frac": 0.001, "slippage_range_frac": 0.01}
    one = scripted(bars, initial_cash=1e5, **costs)
    four = scripted(scaled, initial_cash=4e5, **costs)
    assert (one.equity * 4).tobytes() == four.equity.tobytes()
    assert one.metrics["max_drawdown"] == four.metrics["max_drawdown"]
    assert one.metrics["sharpe"] == four.metrics["sharpe"]


def test_6_fees_of_a_fixed_size_are_what_is_missing_at_the_end():
    bars = market(3, Shape(), 120)
    fixed = {"sizing": "fixed_size", "size_units": 100.0, "initial_cash": 1e6}
    free = scripted(bars, **fixed)
    value = sum(abs(f.qty) * f.price for f in free.fills)
    last = free.equity[-1]
    for fee in (0.0005, 0.001, 0.01):
        paid = scripted(bars, commission_frac=fee, **fixed)
        assert paid.equity[-1] == APPROX(free.equity[-1] - fee * value, rel=1e-12)
        assert paid.metrics["commission"] == APPROX(fee * value, rel=1e-12)
        assert paid.equity[-1] < last
        last = paid.equity[-1]


@pytest.mark.parametrize("shape", [Shape(), Shape(3)])
def test_7_and_8_the_books_add_up(shape):
    bars = market(7, shape, 150, units=True)
    costs = {"commission_frac": 0.001, "slippage_frac": 0.001, "borrow_frac_per_year": 0.0}
    got = scripted(bars, stop_loss_frac=0.05, **costs)
    multiplier = np.array([i.multiplier for i in bars.instruments])
    value = (got.positions * bars.close * multiplier).sum(axis=1)
    assert got.equity == APPROX(got.cash + value, rel=1e-12)
    closed = sum(t.pnl for t in got.trades if t.reason != "open")
    still = sum(t.pnl for t in got.trades if t.reason == "open")
    assert 100_000.0 + closed + still == APPROX(got.equity[-1], rel=1e-9)
    assert got.metrics["trades"] == sum(t.reason != "open" for t in got.trades)
    gain = np.diff(got.equity)
    moved = (got.positions[:-1] * np.diff(bars.close, axis=0) * multiplier).sum(axis=1)
    quiet = np.setdiff1d(np.arange(1, bars.n_bars), [f.bar for f in got.fills]) - 1
    assert quiet.size > 20
    assert gain[quiet] == APPROX(moved[quiet], abs=1e-6)


def test_9_a_price_that_stands_still_is_never_traded():
    stack = NAMED["plain"].stack
    for name, level in (("S", 100.0), ("T", 0.1)):
        flat = np.full(200, level)
        bars = Bars.from_arrays(flat, flat, flat, flat, symbols=name)
        got = Replay(bars, stack, stack.vector({"side": "both"}), Window("full", 0, 200)).run()
        assert got.fills == ()
        assert set(got.equity) == {100_000.0}
        swept = sweep(bars, stack, stack.vector({"side": "both"})[None], [Window("full", 0, 200)])
        assert swept.metric("final_equity").tolist() == [100_000.0]
        assert swept.metric("fills").tolist() == [0.0]


def test_10_buy_and_hold():
    bars = market(3, Shape(), 120)
    told = dataclasses.replace(bars, extra={"w": np.ones(bars.close.shape)})
    row = STACK.vector(
        {"risk.sizing": "fixed_size", "risk.size_units": 500.0, "broker.commission_frac": 0.002}
    )
    got = Replay(told, STACK, row, Window("full", 0, 120)).run()
    assert len(got.fills) == 1
    expected = 100_000.0 - 500.0 * bars.open[1, 0] * 1.002 + 500.0 * bars.close[-1, 0]
    assert got.equity[-1] == APPROX(expected, rel=1e-12)


def test_11_stamps_and_volumes_do_not_matter_to_prices_alone():
    bars, stack, row = case("bracket")
    shifted = dataclasses.replace(
        bars, time_ns=bars.time_ns + 7 * 86_400 * 10**9, volume=np.full(bars.close.shape, 3.0)
    )
    assert run(bars, stack, row).equity.tobytes() == run(shifted, stack, row).equity.tobytes()


@pytest.mark.parametrize("shape", [Shape(), Shape(3)])
@pytest.mark.parametrize("seed", range(4))
def test_12_cash_never_goes_below_zero_without_leverage(shape, seed):
    bars = market(seed, shape, 150, violence=0.03, daily_volatility=0.04)
    got = scripted(
        bars, seed, low=0.0, fraction=1.5, commission_frac=0.003, commission_min=2.0, slippage_frac=0.01,
    )  # fmt: skip
    assert got.cash.min() >= 0.0
    assert any(f.cut > 0.0 for f in got.fills)


def test_13_long_and_short_mirror_each_other():
    bars = market(3, Shape(), 150)
    fixed = {"sizing": "fixed_size", "size_units": 128.0, "initial_cash": 2.0**22}
    rng = np.random.default_rng(2)
    weights = rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0, 99.0], bars.close.shape)
    mirrored = np.where(weights < 90.0, -weights, weights)
    full = {column.split(".")[-1]: column for column in STACK.columns}
    row = STACK.vector({full[k]: v for k, v in {**NEUTRAL, **fixed, "max_drawdown_frac": 0.0}.items()})
    results = [run(dataclasses.replace(bars, extra={"w": w}), STACK, row) for w in (weights, mirrored)]
    there, back = (np.diff(r.equity) for r in results)
    assert there == APPROX(-back, abs=1e-6)
    assert [round(f.qty, 6) for f in results[0].fills] == [-round(f.qty, 6) for f in results[1].fills]


@pytest.mark.parametrize("name", RICH)
def test_16_and_20_the_same_again_and_nothing_is_written_to_the_bars(name):
    bars, stack, row = case(name)
    held = type(bars).content_hash.func(bars)
    one = run(bars, stack, row)
    two = run(bars, type(stack)(stack.strategy, stack.filters), row.copy())
    assert one.equity.tobytes() == two.equity.tobytes()
    assert repr(one.fills) == repr(two.fills)
    assert repr(one.metrics) == repr(two.metrics)
    assert type(bars).content_hash.func(bars) == held
    assert not bars.close.flags.writeable


def test_18_ties_stand_side_by_side_whatever_the_order():
    bars, stack, row = case("bracket")
    values = np.stack([row, row, row])
    got = sweep(bars, stack, values, [Window("full", 0, bars.n_bars)], threads=2)
    assert got.metric("fills")[0] > 10
    assert got.values[0].tobytes() == got.values[1].tobytes() == got.values[2].tobytes()


@pytest.mark.parametrize("name", RICH)
def test_27_figures_are_those_of_the_equity_curve(name):
    bars, stack, row = case(name)
    got = run(bars, stack, row)
    m = got.metrics
    equity = np.concatenate([[100_000.0], got.equity])
    r = equity[1:] / equity[:-1] - 1.0
    n, root = r.size, math.sqrt(bars.bars_per_year)
    peaks = np.maximum.accumulate(equity)
    drawdown = (equity / peaks - 1.0).min()
    centred = r - r.mean()
    s2 = (centred**2).mean()
    net = (got.positions * bars.close).sum(axis=1) / got.equity
    b = np.concatenate([[0.0], (bars.close[1:] / bars.close[:-1] - 1.0).mean(axis=1)])
    growth = equity[-1] / equity[0]
    annual = growth ** (bars.bars_per_year / n) - 1.0
    expected = {
        "bars": n, "final_equity": equity[-1], "total_return": growth - 1.0, "annual_return": annual,
        "volatility": r.std(ddof=1) * root, "sharpe": r.mean() / r.std(ddof=1) * root,
        "sortino": r.mean() / math.sqrt((np.minimum(r, 0.0) ** 2).mean()) * root,
        "omega": r[r > 0].sum() / -r[r < 0].sum(), "max_drawdown": drawdown, "calmar": annual / -drawdown,
        "skew": (centred**3).mean() / s2**1.5, "kurtosis": (centred**4).mean() / s2**2,
        "exposure": (got.positions != 0).any(axis=1).mean(), "mean_exposure": net.mean(),
        "beta": np.cov(r, b)[0, 1] / b.var(ddof=1),
        "excess_return": (r.mean() - b.mean()) * bars.bars_per_year,
        "matched_excess_return": (r - net.mean() * b).mean() * bars.bars_per_year,
        "matched_excess_sharpe": (r - net.mean() * b).mean() / (r - net.mean() * b).std(ddof=1) * root,
        "fills": len(got.fills), "var_5": np.quantile(r, 0.05),
        "costs": sum(f.commission + f.slippage for f in got.fills) + m["financing"],
        "max_drawdown_bars": _longest_below(equity, peaks),
        "turnover": sum(abs(f.qty) * f.price / equity[f.bar] for f in got.fills) / n * bars.bars_per_year,
    }  # fmt: skip
    for key, value in expected.items():
        assert m[key] == APPROX(value, rel=1e-9, abs=1e-12), key
    assert -1.0 <= m["max_drawdown"] < 0.0
    pnl = [t.pnl for t in got.trades if t.reason != "open"]
    assert m["trades"] == len(pnl)
    assert m["win_rate"] == APPROX(np.mean([x > 0 for x in pnl]))
    assert m["profit_factor"] == APPROX(sum(x for x in pnl if x > 0) / -sum(x for x in pnl if x < 0))
    assert m["expectancy"] == APPROX(np.mean(pnl))


def _longest_below(equity, peaks):
    longest = here = 0
    for value, peak in zip(equity, peaks, strict=True):
        here = here + 1 if value < peak else 0
        longest = max(longest, here)
    return longest


@pytest.mark.parametrize("name", RICH)
def test_28_returns_of_any_partition_multiply_to_the_whole(name):
    bars, stack, row = case(name)
    got = run(bars, stack, row)
    equity = np.concatenate([[100_000.0], got.equity])
    r = equity[1:] / equity[:-1] - 1.0
    for edges in ([0, 50, 160], [0, 1, 2, 100, 160]):
        parts = [np.prod(1.0 + r[a:b]) for a, b in itertools.pairwise(edges)]
        assert np.prod(parts) - 1.0 == APPROX(got.metrics["total_return"], rel=1e-9)
    assert got.slice_sums.shape == (17, 2)
    cuts = np.concatenate([[0], 160 - 10 * np.arange(16, -1, -1)])
    sums = [r[a:b].sum() for a, b in itertools.pairwise(cuts)]
    squares = [(r[a:b] ** 2).sum() for a, b in itertools.pairwise(cuts)]
    assert got.slice_sums == APPROX(np.array([sums, squares]).T, rel=1e-9, abs=1e-15)


def test_an_ended_symbol_is_no_longer_part_of_the_benchmark():
    from admf_ray.engine.inputs import benchmark_returns

    nan = np.nan
    two = np.array([[10.0, 10.0], [11.0, 10.0], [12.1, nan], [13.31, nan]])
    bars = Bars.from_arrays(two, two, two, two)
    assert benchmark_returns(bars) == APPROX([0.0, 0.05, 0.1, 0.1])


@pytest.mark.parametrize("edges", [(0, 161), (-1, 50), (50, 50), (60, 50)])
def test_windows_outside_the_bars_are_refused(edges):
    bars, stack, row = case("bracket")
    for attempt in (
        lambda w: sweep(bars, stack, row[None], [w]), lambda w: Replay(bars, stack, row, w).run(),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match="window 'w'"):
            attempt(Window("w", *edges))


def test_points_of_another_stack_are_refused():
    bars, stack, _ = case("bracket")
    other = Stack(MaCrossover)
    with pytest.raises(ADMFError, match="shape"):
        sweep(bars, stack, other.vector({})[None], [Window("full", 0, 160)])
    with pytest.raises(ADMFError, match="shape"):
        Replay(bars, stack, other.vector({}), Window("full", 0, 160)).run()


@pytest.mark.parametrize("wrong", ["nan", "high<low", "zero", "time"])
def test_14_bad_bars_are_an_error(wrong):
    prices = np.full(10, 10.0)
    high, low, times, tradable = prices.copy(), prices.copy(), np.arange(1, 11) * 10**9, np.ones(10, bool)
    if wrong == "nan":
        high[3] = np.nan
    elif wrong == "high<low":
        high[3] = 9.0
    elif wrong == "zero":
        low[3] = 0.0
    else:
        times[3] = times[2]
    with pytest.raises(DataError):
        Bars.from_arrays(prices, high, low, prices, time_ns=times, tradable=tradable)
