"""How near the compiled sweep comes to a loop written by hand for one strategy.

Run ``python benchmarks/sweep.py``; everything is measured in this one process, interleaved, best of
several rounds, so only the ratios count. ``--vectorbt`` adds vectorbt (extra ``bench``). Fewer ``--points``
and ``--minutes`` show that it works; of so few, fixed costs tell more than speed does.
"""

from __future__ import annotations

import argparse
import gc
import math
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from admf_ray.components import library  # noqa: F401  (registers the library)
from admf_ray.components.registry import find, registered
from admf_ray.engine.inputs import Table, Windows, market_arrays, market_flags, regime_rows, tables
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import sweep
from admf_ray.market import Bars, Window
from admf_ray.market.synthetic import intraday_minutes, random_walk
from admf_ray.rules.metrics import METRICS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FULL: dict[str, Any] = {
    "risk.stop_loss_frac": 0.05,
    "risk.take_profit_frac": 0.1,
    "risk.trailing_stop_frac": 0.08,
    "risk.max_drawdown_frac": 0.6,
    "broker.commission_frac": 0.0005,
    "broker.commission_min": 1.0,
    "broker.slippage_frac": 0.0002,
    "broker.spread_frac": 0.0001,
    "broker.order_type": "limit",
    "broker.offset_frac": 0.0005,
}


@njit(error_model="numpy", nogil=True)
def by_hand(
    opens: Floats,
    closes: Floats,
    table: Floats,
    ix: Ints,
    fee: float,
    cash0: float,
    bars_per_year: float,
    out: Floats,
) -> None:
    """Long while the fast mean is above the slow: total return, Sharpe, drawdown, trades."""
    n = closes.size
    for i in range(len(ix)):
        fast, slow = table[ix[i, 0]], table[ix[i, 1]]
        cash, qty, wanted, order, previous, peak = cash0, 0.0, 0.0, 0.0, cash0, cash0
        waits = False
        s1 = s2 = deepest = 0.0
        trades = 0
        for t in range(n):
            if waits:
                price = opens[t]
                if qty != 0.0:
                    cash += qty * price - abs(qty) * price * fee
                    qty = 0.0
                    trades += 1
                if order != 0.0:
                    units = min(order, cash / (price * (1.0 + fee)))
                    cash -= units * price + units * price * fee
                    qty = units
                waits = False
            equity = cash + qty * closes[t]
            r = equity / previous - 1.0
            s1 += r
            s2 += r * r
            previous = equity
            peak = max(peak, equity)
            deepest = min(deepest, equity / peak - 1.0)
            if slow[t] == slow[t]:
                weight = 1.0 if fast[t] > slow[t] else 0.0
                if weight != wanted:
                    wanted = weight
                    order = weight * equity / closes[t]
                    waits = True
        mean = s1 / n
        variance = (s2 - s1 * s1 / n) / (n - 1)
        out[i, 0] = equity / cash0 - 1.0
        out[i, 1] = mean / math.sqrt(variance) * math.sqrt(bars_per_year) if variance > 0.0 else np.nan
        out[i, 2] = deepest
        out[i, 3] = trades


def best(rounds: int, *calls: Callable[[], object]) -> list[float]:
    """Return each call's best time, taken in turn."""
    times = [math.inf] * len(calls)
    for _ in range(rounds):
        for k, call in enumerate(calls):
            begin = time.perf_counter()
            call()
            times[k] = min(times[k], time.perf_counter() - begin)
    return times


def grid(stack: Stack, count: int, settings: dict[str, Any], first: tuple[int, int] = (2, 110)) -> Floats:
    """Return `count` SMA pairs as rows, from the shortest fast and slow length on."""
    side = round(math.sqrt(count))
    base = stack.vector({"fast": 2, "slow": 400, **settings})
    values = np.tile(base, (side * -(-count // side), 1))[:count]
    fasts, slows = range(first[0], first[0] + side), range(first[1], first[1] + -(-count // side))
    pairs = [(f, s) for f in fasts for s in slows][:count]
    values[:, stack.columns.index("fast")] = [f for f, _ in pairs]
    values[:, stack.columns.index("slow")] = [s for _, s in pairs]
    return values


def kernel_call(
    bars: Bars, stack: Stack, values: Floats, labels: Ints | None = None
) -> tuple[Callable[[], object], Table]:
    """Return a call of the compiled sweep alone, with tables ready, and its table."""
    market = market_arrays(bars)
    ((structure, points),) = stack.groups(values).items()
    module = stack.compile(structure, **market_flags(bars, market), TAIL=False)
    plan = Windows.build([Window("full", 0, bars.n_bars)], market)
    (table,) = tables(stack, structure, values, points, bars, None, 2**34)
    out = np.full((len(values), 1, len(METRICS)), np.nan)
    sums = np.zeros((len(values), 1, plan.n_slices, 2))
    regimes = regime_rows(labels, 4, bars.n_bars)
    split = np.empty((len(values), 5 if regimes.size else 0, 4))
    control, path, memory = np.zeros(2, dtype=np.int64), np.empty(bars.n_bars), stack.memory()

    def call() -> object:
        return module.sweep(
            market, table.rows, table.first, table.ix, values, memory, plan.cuts, plan.offsets, plan.b1,
            plan.b2, 0, regimes, 0, len(values), control, out, sums, split, path,
        )  # fmt: skip

    return call, table


def against_hand(
    label: str,
    bars: Bars,
    count: int,
    settings: dict[str, Any],
    filters: tuple[str, ...] = (),
    first: tuple[int, int] = (2, 110),
) -> None:
    """Print ns per bar and point of both, and the ratio of speeds."""
    stack = Stack(find("ma_crossover"), tuple(find(f, "filter") for f in filters))
    values = grid(stack, count, settings, first)
    call, _ = kernel_call(bars, stack, values)
    plain = Stack(find("ma_crossover"))
    _, bare = kernel_call(bars, plain, grid(plain, count, {}, first))
    opens, closes = bars.open[:, 0].copy(), bars.close[:, 0].copy()
    hand_out = np.empty((count, 4))
    ours, hand = best(
        15,
        call,
        lambda: by_hand(opens, closes, bare.rows, bare.ix, 0.0005, 1e5, 252.0, hand_out),
    )
    unit = 1e9 / count / bars.n_bars
    print(
        f"{label:46} {ours * unit:6.2f} ns/bar  {count / ours:10,.0f} points/s   by hand {hand * unit:5.2f} "
        f"ns/bar   ratio of speeds {hand / ours:.2f}"
    )


def every_component(bars: Bars) -> None:
    """Print ns per bar of every strategy and filter, alone."""
    count = 200
    several = random_walk(n_bars=1_500, seed=3, n_symbols=10).bars
    for name, cls in registered("strategy").items():
        if cls.is_compiled():
            own = several if name == "cross_sectional_momentum" else bars
            stack = Stack(cls)
            call, _ = kernel_call(own, stack, np.tile(stack.vector(), (count, 1)))
            (took,) = best(3, call)
            each = took / count / own.n_bars / own.n_symbols * 1e9
            print(f"  strategy {name:32} {each:6.2f} ns/bar{' and symbol' if own is several else ''}")
    for name, cls in registered("filter").items():
        stack = Stack(find("ma_crossover"), (cls,))
        call, _ = kernel_call(bars, stack, np.tile(stack.vector(), (count, 1)))
        (took,) = best(3, call)
        print(f"  ma_crossover + {name:26} {took / count / bars.n_bars * 1e9:6.2f} ns/bar")
    rules: dict[str, dict[str, Any]] = {
        "stop-loss": {"risk.stop_loss_frac": 0.05},
        "stop, target, trailing": {
            "risk.stop_loss_frac": 0.05,
            "risk.take_profit_frac": 0.1,
            "risk.trailing_stop_frac": 0.08,
        },
        "stops in average true ranges": {"risk.stop_loss_atr": 3.0},
        "drawdown halt": {"risk.max_drawdown_frac": 0.5},
        "volatility target": {"risk.sizing": "volatility_target"},
        "atr sizing": {"risk.sizing": "atr"},
        "rebalance band": {"risk.rebalance_band_frac": 0.1},
        "limit orders": {"broker.order_type": "limit", "broker.offset_frac": 0.001},
        "borrow and interest": {"broker.borrow_frac_per_year": 0.01},
    }
    for name, settings in rules.items():
        stack = Stack(find("ma_crossover"))
        call, _ = kernel_call(bars, stack, np.tile(stack.vector(settings), (count, 1)))
        (took,) = best(3, call)
        print(f"  ma_crossover + {name:26} {took / count / bars.n_bars * 1e9:6.2f} ns/bar")


def memory(bars: Bars, points: int) -> None:
    """Print how peak memory grows with the number of points."""
    stack = Stack(find("ma_crossover"))
    window = [Window("full", 0, bars.n_bars)]
    sweep(bars, stack, grid(stack, points // 10, {}), window)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for count in (points, 4 * points):
        result = sweep(bars, stack, grid(stack, count, {}), window)
        rows = result.values.nbytes + result.slice_sums.nbytes
        del result
        gc.collect()
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"  {count:7,} points: peak +{(after - before) / 1024:6.1f} MiB, its rows {rows / 2**20:.1f} MiB"
        )


def replay_speed(bars: Bars) -> None:
    """Print the replay's bars per second."""
    stack = Stack(find("ma_crossover"))
    row = stack.vector({"fast": 5, "slow": 20})
    window = Window("full", 0, bars.n_bars)
    Replay(bars, stack, row, window).run()
    (took,) = best(3, lambda: Replay(bars, stack, row, window).run())
    print(f"replay: {bars.n_bars / took:,.0f} bars/s (aim 50,000)")


def against_vectorbt(bars: Bars, count: int = 500) -> None:
    """Print vectorbt's speed on the same crossings, signals and indicators included as it documents."""
    import pandas as pd
    import vectorbt as vbt

    stack = Stack(find("ma_crossover"))
    values = grid(stack, count, {})
    close = pd.Series(bars.close[:, 0])
    fast, slow = values[:, 0].astype(int).tolist(), values[:, 1].astype(int).tolist()

    def theirs() -> object:
        a, b = vbt.MA.run(close, fast), vbt.MA.run(close, slow)
        entries = a.ma_crossed_above(b.ma.to_numpy())
        exits = a.ma_crossed_below(b.ma.to_numpy())
        portfolio = vbt.Portfolio.from_signals(
            close, entries, exits, fees=0.0005, freq="1D", price=pd.Series(bars.open[:, 0]).shift(-1)
        )
        return portfolio.total_return(), portfolio.sharpe_ratio(), portfolio.max_drawdown()

    window = [Window("full", 0, bars.n_bars)]
    theirs()
    sweep(bars, stack, values, window)
    other, ours = best(3, theirs, lambda: sweep(bars, stack, values, window))
    print(
        f"vectorbt {count / other:,.0f} points/s, ours {count / ours:,.0f} points/s: ratio {other / ours:.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectorbt", action="store_true")
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--minutes", type=int, default=400_000)
    arguments = parser.parse_args()
    points = arguments.points
    daily = random_walk(n_bars=1_500, seed=1).bars
    memory(daily, points)  # first: what is larger leaves a higher peak
    minutes = intraday_minutes(n_days=1_026, seed=2).bars.slice(0, arguments.minutes)
    fee = {"broker.commission_frac": 0.0005}
    against_hand(f"{points:,} points x 1,500 bars", daily, points, fee)
    against_hand(f"200 points x {arguments.minutes:,} bars", minutes, 200, fee, first=(20, 120))
    against_hand("the same, an order every 12 bars", minutes, 200, fee, first=(2, 24))
    against_hand("stops, filter, full broker x 1,500 bars", daily, points, FULL, ("trend_direction",))
    stack = Stack(find("ma_crossover"))
    values = grid(stack, points, {})
    window = [Window("full", 0, daily.n_bars)]
    one, two = best(
        5, lambda: sweep(daily, stack, values, window), lambda: sweep(daily, stack, values, window, threads=2)
    )
    print(f"with planning and indicators: {points / one:,.0f} points/s, two threads {one / two:.2f} x one")
    replay_speed(daily)
    every_component(daily)
    if arguments.vectorbt:
        against_vectorbt(daily)


if __name__ == "__main__":
    main()
