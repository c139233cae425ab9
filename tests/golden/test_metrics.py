"""Metrics against `empyrical`, and against numpy and scipy where it has none.

They are fed the replay's own equity: per-bar returns with the first bar's 0, and the benchmark's returns
with the same first 0. Conventions that differ from empyrical's and are mapped here:

- It annualises with 252 unless told; it is told our bars per year.
- Its alpha compounds the mean residual over a year, ours multiplies: ``theirs = (1 + ours / Y)**Y - 1``.
- Its CVaR averages a count of returns, the lowest floor(0.05 (n - 1)) + 1; ours all returns at or below
  the 5 % quantile, so where many returns tie with it (a flat account's zeros) ours takes them all.
- Its tail ratio is infinite where the 5 % quantile is 0, ours undefined.
- Kurtosis is raw (3 for a normal), skew and kurtosis are moment ratios: scipy's with ``bias`` and, for
  the kurtosis, ``fisher=False``.
"""

import empyrical
import numpy as np
import pytest
from scipy import stats

FULL = {"risk.size_at": "fill", "risk.lots": "whole"}
UNITS = {"risk.sizing": "fixed_size", "risk.size_units": 7.0, "portfolio.initial_cash": 50_000.0}
COSTS = {"broker.commission_frac": 0.0005, "broker.slippage_frac": 0.0002}

POINTS = [
    ("sp500", "ma_crossover", {"fast": 5, "slow": 20, **FULL}, 0),
    ("sp500", "ma_crossover", {"fast": 20, "slow": 50, "side": "both", **FULL, **COSTS}, 500),
    ("nasdaq", "ma_crossover", {"fast": 5, "slow": 20, "side": "both", **FULL, **COSTS}, 3773),
    ("eurusd", "ma_crossover", {"fast": 10, "slow": 40, "side": "both", "risk.size_at": "fill", **COSTS}, 0),
    ("sp500", "rsi_reversion", {"length_bars": 4, "side": "both", **FULL, **COSTS}, 1000),
    ("nasdaq", "rsi_reversion", {**FULL, "broker.commission_per_order": 20.0}, 0),
    ("nasdaq", "donchian_breakout", {"side": "both", **UNITS, **COSTS, "broker.spread_frac": 0.0003}, 0),
    ("sp500", "donchian_breakout", {"entry_bars": 40, **UNITS, "broker.commission_min": 5.0}, 2000),
]


@pytest.fixture(params=POINTS, ids=lambda p: f"{p[0]}-{p[1]}-{p[3]}")
def run(request, replay, samples):
    sample, strategy, settings, start = request.param
    bars = samples[sample]
    result = replay(bars, strategy, settings, start)
    assert len(result.trades) > 5
    return bars, settings, result


def returns_of(settings, result):
    cash = settings.get("portfolio.initial_cash", 100_000.0)
    before = np.concatenate(([cash], result.equity[:-1]))
    return before, result.equity / before - 1.0


def benchmark_of(bars, result):
    close = bars.close[result.window.start :, 0]
    return np.concatenate(([0.0], close[1:] / close[:-1] - 1.0))


def assert_close(metrics, expected):
    for name, value in expected.items():
        assert np.isfinite(value), name
        assert metrics[name] == pytest.approx(value, rel=1e-9, abs=0.0), name


def test_returns_and_risk(run):
    bars, settings, result = run
    _, r = returns_of(settings, result)
    b, year = benchmark_of(bars, result), bars.bars_per_year
    assert r[0] == 0.0
    m = result.metrics
    assert m["bars"] == len(r)
    assert_close(
        m,
        {
            "total_return": empyrical.cum_returns_final(r),
            "annual_return": empyrical.annual_return(r, annualization=year),
            "volatility": empyrical.annual_volatility(r, annualization=year),
            "sharpe": empyrical.sharpe_ratio(r, annualization=year),
            "sortino": empyrical.sortino_ratio(r, annualization=year),
            "calmar": empyrical.calmar_ratio(r, annualization=year),
            "omega": empyrical.omega_ratio(r),
            "max_drawdown": empyrical.max_drawdown(r),
            "beta": empyrical.beta(r, b),
            "var_5": empyrical.value_at_risk(r, 0.05),
            "skew": stats.skew(r, bias=True),
            "kurtosis": stats.kurtosis(r, fisher=False, bias=True),
            "excess_return": (r - b).mean() * year,
        },
    )
    if m["var_5"] == 0.0:
        assert np.isnan(m["tail_ratio"])
    else:
        assert m["tail_ratio"] == pytest.approx(empyrical.tail_ratio(r), rel=1e-9)
    compounded = (1.0 + m["alpha"] / year) ** year - 1.0
    assert compounded == pytest.approx(empyrical.alpha(r, b, annualization=year), rel=1e-9)
    assert m["cvar_5"] == pytest.approx(r[r <= np.quantile(r, 0.05)].mean(), rel=1e-9)
    if np.sum(r == m["var_5"]) <= 1:
        assert m["cvar_5"] == pytest.approx(empyrical.conditional_value_at_risk(r, 0.05), rel=1e-9)


def test_tails_without_ties(replay, nasdaq):
    """A quantile among a flat account's zeros must not excuse every point."""
    result = replay(nasdaq, "ma_crossover", {"fast": 5, "slow": 20, "side": "both", **FULL})
    _, r = returns_of({}, result)
    m = result.metrics
    assert m["cvar_5"] < m["var_5"] < 0.0
    assert m["cvar_5"] == pytest.approx(empyrical.conditional_value_at_risk(r, 0.05), rel=1e-9)
    assert m["tail_ratio"] == pytest.approx(empyrical.tail_ratio(r), rel=1e-9)


def test_exposure_and_skill(run):
    bars, settings, result = run
    _, r = returns_of(settings, result)
    b, year = benchmark_of(bars, result), bars.bars_per_year
    held = result.positions[:, 0]
    share = held * bars.close[result.window.start :, 0] / result.equity
    skill = r - share.mean() * b
    assert_close(
        result.metrics,
        {
            "exposure": np.mean(held != 0.0),
            "mean_exposure": share.mean(),
            "matched_excess_return": skill.mean() * year,
            "matched_excess_sharpe": skill.mean() / skill.std(ddof=1) * np.sqrt(year),
        },
    )


def test_drawdown_length(run):
    """Most bars in a row below the highest equity so far, the initial cash being the first."""
    _, settings, result = run
    before, _ = returns_of(settings, result)
    below = result.equity < np.maximum.accumulate(np.maximum(result.equity, before[0]))
    lengths = [len(part) for part in "".join("x" if x else " " for x in below).split()]
    assert result.metrics["max_drawdown_bars"] == max(lengths) > 20


def test_fills_and_costs(run):
    bars, settings, result = run
    before, _ = returns_of(settings, result)
    years = len(before) / bars.bars_per_year
    value = np.array([abs(f.qty) * f.price for f in result.fills])
    at = np.array([f.bar - result.window.start for f in result.fills])
    commission = sum(f.commission for f in result.fills)
    slippage = sum(f.slippage for f in result.fills)
    m = result.metrics
    assert m["fills"] == len(result.fills)
    assert_close(
        m,
        {
            "turnover": (value / before[at]).sum() / years,
            "commission": commission,
            "slippage": slippage,
            "costs": commission + slippage,
        },
    )
    assert m["financing"] == 0.0
    # what was not realised is in the open position
    opened = [t for t in result.trades if t.exit_bar < 0]
    sign = {"long": 1.0, "short": -1.0}
    left = sum(sign[t.side] * t.qty * (t.exit_price - t.entry_price) for t in opened)
    assert m["final_equity"] == pytest.approx(before[0] + m["realised"] + left, rel=1e-12)


def test_trade_figures(run):
    _, _, result = run
    pnl = np.array([t.pnl for t in result.trades if t.exit_bar >= 0])
    wins, losses = pnl[pnl > 0.0], pnl[pnl < 0.0]
    assert min(len(wins), len(losses)) > 1
    streak = max(len(part) for part in "".join("x" if x < 0.0 else " " for x in pnl).split())
    m = result.metrics
    assert m["trades"] == len(pnl)
    assert m["longest_losing_streak"] == streak
    assert_close(
        m,
        {
            "win_rate": len(wins) / len(pnl),
            "profit_factor": wins.sum() / -losses.sum(),
            "expectancy": pnl.mean(),
            "average_win": wins.mean(),
            "average_loss": losses.mean(),
        },
    )


def test_worst_and_best_price_of_each_trade(run):
    bars, _, result = run
    for t in result.trades:
        stop = (t.exit_bar if t.exit_bar >= 0 else bars.n_bars - 1) + 1
        low, high = bars.low[t.entry_bar : stop].min(), bars.high[t.entry_bar : stop].max()
        moves = np.array([low, high]) / t.entry_price - 1.0
        if t.side == "short":
            moves = -moves[::-1]
        assert (t.mae, t.mfe) == pytest.approx((min(moves[0], 0.0), max(moves[1], 0.0)), rel=1e-9)
        assert t.bars_held == stop - 1 - t.entry_bar


def test_slice_sums(run):
    """16 equal slices, the remainder left out in front."""
    _, settings, result = run
    _, r = returns_of(settings, result)
    width = len(r) // 16
    parts = r[len(r) - 16 * width :].reshape(16, width)
    sums = result.slice_sums[-16:]
    np.testing.assert_allclose(sums[:, 0], parts.sum(1), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(sums[:, 1], (parts**2).sum(1), rtol=1e-9)
