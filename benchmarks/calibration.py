"""How often the whole pipeline accepts: noise markets, planted edges, planted spikes.

Run ``python benchmarks/calibration.py [--noise 400] [--edges 40] [--seed N]``. Each market is mined over a
grid with its neighbourhood and walk-forward windows, its finalists are ordered, and the first that passes on
the test data is accepted, by the pipeline's own functions and the compiled path, in this process.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from admf_ray import Param, Strategy, register
from admf_ray.components.indicators import lag, subtract
from admf_ray.config.grids import grid_of
from admf_ray.config.load import parse_pipeline
from admf_ray.config.schema import PipelineConfig
from admf_ray.config.spaces import load_space, search_of
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.paths import returns_of
from admf_ray.engine.sweep import SweepResult, sweep
from admf_ray.market import Bars, Window, walk_forward
from admf_ray.market.synthetic import fat_tails, garch, planted_crossing, planted_spike, random_walk
from admf_ray.phases.analysis.rows import GRID, Rows, Subject
from admf_ray.phases.analysis.skill import training_skill
from admf_ray.phases.mined import Mined, Searched
from admf_ray.phases.search import Search
from admf_ray.phases.validation.acceptance import first_accepted, judge, power, threshold
from admf_ray.phases.validation.case import Member, TestCase
from admf_ray.phases.validation.evidence import evidence_of, ordered
from admf_ray.phases.validation.exam import Hall
from admf_ray.phases.validation.neighbours import drifted
from admf_ray.phases.validation.resolve import resolve
from admf_ray.results.points import StoredPoints

N_TRAIN, N_TEST = 1_000, 500
MOST_ACCEPTED_FRAC = 16 / 400
SUMS = ("slice_sum", "slice_square_sum")
Floats = NDArray[np.float64]


@register("calibration_echo")
class Echo(Strategy):
    """Holds the sign of the return so many bars before the next."""

    bars_back = Param(37, low=1, high=60)

    def prepare(bars: Any, p: Any) -> dict[str, Any]:  # noqa: N805
        return {"move": subtract(lag(bars.close, p.bars_back - 1), lag(bars.close, p.bars_back))}

    def decide(now: Any) -> float:  # noqa: N805
        return 1.0 if now.move > 0.0 else -1.0


CROSSES = {
    "ma_crossover": {
        "parameters": {
            "fast": {"start": 2, "stop": 14, "step": 3},
            "slow": {"start": 10, "stop": 60, "step": 10},
            "side": ["long", "both"],
        }
    }
}
ECHOES = {"calibration_echo": {"parameters": {"bars_back": {"start": 20, "stop": 50, "step": 1}}}}


class Outcome(NamedTuple):
    """What became of one market: whether a finalist was accepted, its test excess Sharpe ratio and p."""

    accepted: bool
    training_p: float
    excess_sharpe: float
    spike: bool


@dataclass(frozen=True)
class InMemory:
    """Figures of a sweep where phase 1 has stored ones."""

    swept: SweepResult

    @property
    def ids(self) -> NDArray[np.int64]:
        """Number of each point, (n_points,)."""
        return np.arange(len(self.swept.values))

    def columns(self, names: Sequence[str], window: str) -> dict[str, Any]:
        """Return figures of every point in a window."""
        place = self.swept.windows.index(window)
        sums = dict(zip(SUMS, np.moveaxis(self.swept.slice_sums[:, place], -1, 0), strict=True))
        return {name: sums[name] if name in sums else self.swept.metric(name, window) for name in names}


@cache
def configuration(grid: str) -> PipelineConfig:
    """Return the pipeline that each market goes through; its paths are never read."""
    strategies = CROSSES if grid == "crosses" else ECHOES
    filtered = {
        "name": "enhanced_with_filters",
        "add_components": [{"name": "f", "class": "CounterTrendFilter"}],
    }
    broker = {"commission_frac": 0.0001, "slippage_frac": 0.0001}
    return parse_pipeline(
        {
            "pipeline": {
                "name": "calibration",
                "phase_1_mining": {
                    "data": "training",
                    "walk_forward": {"training_window": 400, "test_window": 200, "step_size": 200},
                    "parameter_search": {
                        "base_grid": {"strategies": strategies},
                        "neighborhood_testing": {"radius": 1},
                    },
                    "container_components": [
                        {"name": "strategy", "class": "configurable"},
                        {"name": "broker", "class": "SimulatedBroker", "params": broker},
                    ],
                },
                "phase_3_test": {"data": "test", "test_strategies": [filtered]},
            }
        }
    )


@cache
def searches(grid: str) -> Any:
    """Return stacks and lattices, the same objects for every market: their code is compiled once."""
    config = configuration(grid)
    return tuple(search_of(config, one) for one in grid_of(config).strategies)


def mined(bars: Bars, grid: str, n_train: int = N_TRAIN) -> tuple[Search, Mined]:
    """Mine a market's first bars."""
    config, training = configuration(grid), bars.slice(0, n_train)
    span = Window("full", 0, n_train)
    folds = walk_forward(training, **config.phase_1_mining.walk_forward.options())
    windows = (span, *(window for fold in folds for window in (fold.train, fold.test)))
    trains = (span, *(fold.train for fold in folds for _ in range(2)))
    conditions = Conditions.of(training, windows, trains)
    search = Search(config, span, folds, conditions, searches(grid), None, ())
    found = []
    for stack, lattice in search.searches:
        indices = np.concatenate([*lattice.blocks(0, lattice.size)])
        around = search.neighborhood.around(lattice, indices)
        swept = sweep(training, stack, around.rows(), windows, market=conditions.market)
        varied = tuple(axis.name for axis in lattice.axes)
        figures = cast(StoredPoints, InMemory(swept))  # what is asked below is answered alike
        found.append(Searched(stack, varied, around, figures, "sharpe", True))
    return search, Mined(
        training, windows, folds, tuple(found), "sharpe", True, "robust_score", "history", ()
    )


def answered(case: TestCase, near: Sequence[TestCase], hall: Hall) -> dict[str, Any]:
    """Return what `examine` says of a compiled point, from the sweep alone."""
    stack, rows = case.account.stack, np.array([one.account.row for one in (case, *near)])
    windows = (hall.full, *hall.windows)
    swept = sweep(hall.bars, stack, rows, windows)
    (returns,) = returns_of(Conditions.of(hall.bars, [hall.full]), stack, rows[:1])
    named = [
        {name: dict(zip(swept.metrics, row[w].tolist(), strict=True)) for w, name in enumerate(swept.windows)}
        for row in swept.values
    ]
    return {
        "metrics": named[0]["full"],
        "returns": returns[0],
        "neighbours": [{"metrics": one["full"]} for one in named],
        "windows": {window.name: named[0][window.name] for window in hall.windows},
    }


def judge_market(bars: Bars, grid: str = "crosses", n_train: int = N_TRAIN, spike: int = -1) -> Outcome:
    """Take a market through the pipeline."""
    search, found = mined(bars, grid, n_train)
    best = found.best("full", "robust_score")[0]
    one = found.searched[best.strategy]
    pick = TestCase("pick", "fixed", Member.of(one.stack, one.row(best.point)))
    cases = {case.name: case for case in (pick, *resolve(search, found).cases)}
    conditions = search.conditions
    hall = Hall(search.bars, search.span, conditions.windows[1:], (), conditions.trains, None, 0)
    trained = {n: answered(case, drifted(case, search, 10, 0), hall) for n, case in cases.items()}
    evidence = [evidence_of(answer, hall, search.folds, "sharpe", True) for answer in trained.values()]
    assert search.config.phase_3_test is not None
    order = ordered(list(cases), evidence, search.config.phase_3_test.final_selection)
    rows = Rows(tuple(Subject(GRID, one) for one in found.searched), conditions)
    skill = training_skill(rows, 0).joined(np.column_stack([hall.excess(trained[name]) for name in order]))
    training_p = skill.superior.spa_p
    window = Window("full", n_train, bars.n_bars)
    test = Hall(bars, window, (), (), (window,), None, 0)
    beyond = [test.excess(answered(cases[name], (), test)) for name in order]
    judged = [judge(own, training_p, bars.bars_per_year, len(order), 1, True) for own in beyond]
    chosen = first_accepted(order, judged)
    first = judged[order.index(chosen) if chosen else 0]
    near = abs(pick.account.parameters().get("bars_back", -99) - spike) == 0
    return Outcome(chosen is not None, training_p, first.excess_sharpe, near)


NOISE: dict[str, Callable[[int, int], Any]] = {
    "random walk": lambda n, seed: random_walk(n, seed),
    "drift of 12 %": lambda n, seed: random_walk(n, seed, annual_drift=0.12),
    "GARCH": lambda n, seed: garch(n, seed),
    "fat tails": lambda n, seed: fat_tails(n, seed),
}


def noise(n_markets: int, seed: int) -> int:
    """Print how many noise markets are accepted, by kind, and return the number."""
    total = 0
    for k, (name, make) in enumerate(NOISE.items()):
        n = n_markets // len(NOISE)
        found = [judge_market(make(N_TRAIN + N_TEST, seed + 1_000 * k + i).bars) for i in range(n)]
        accepted = sum(one.accepted for one in found)
        gate = np.mean([one.training_p <= 0.05 for one in found])
        print(
            f"  {name:14} {accepted:3} of {n} accepted, {gate:.1%} with a training p of at most 0.05",
            flush=True,
        )
        total += accepted
    return total


def edges(n_markets: int, seed: int) -> None:
    """Print how many planted edges are accepted, beside what arithmetic expects.

    The edge is a crossing of the grid: its net Sharpe ratio is what perfect mining would bring to the test.
    """
    level, years = threshold(2, 1), N_TEST / 261
    print("  planted net Sharpe   arithmetic   accepted   test excess Sharpe   arithmetic at that")
    for k, sharpe in enumerate((0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)):
        found = [
            judge_market(
                planted_crossing(
                    N_TRAIN + N_TEST, seed + 1_000 * k + i, net_sharpe=sharpe, cost_frac=0.0002
                ).bars
            )
            for i in range(n_markets)
        ]
        earned = float(np.nanmean([one.excess_sharpe for one in found]))
        accepted = np.mean([one.accepted for one in found])
        print(
            f"  {sharpe:18.1f} {power(sharpe, years, level):12.0%} {accepted:10.0%} {earned:20.2f} "
            f"{power(earned, years, level):20.0%}",
            flush=True,
        )


def spikes(n_markets: int, seed: int) -> int:
    """Print how many planted spikes are chosen or accepted, and return the number accepted."""
    found = []
    for i in range(n_markets):
        market = planted_spike(N_TRAIN + N_TEST, seed + i, lag=37)
        found.append(judge_market(market.bars, "echoes", int(market.truth["lucky_bars"]), spike=37))
    accepted = sum(one.accepted for one in found)
    print(
        f"  {accepted} of {n_markets} accepted, the spike itself picked in {sum(one.spike for one in found)}",
        flush=True,
    )
    return accepted


def main() -> None:
    """Run all three."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--noise", type=int, default=400)
    parser.add_argument("--edges", type=int, default=40)
    parser.add_argument("--spikes", type=int, default=40)
    parser.add_argument("--seed", type=int, default=None)
    chosen = parser.parse_args()
    seed = secrets.randbelow(2**31) if chosen.seed is None else chosen.seed
    begun = time.perf_counter()
    points = load_space(configuration("crosses")).size
    print(f"seed {seed}; {points} points, {N_TRAIN} training and {N_TEST} test bars, 2 finalists, 1 look")
    print(f"{chosen.noise} markets without an edge: at most {MOST_ACCEPTED_FRAC:.0%} may be accepted")
    total = noise(chosen.noise, seed)
    limit = int(MOST_ACCEPTED_FRAC * chosen.noise)
    print(f"  {total} accepted in all, at most {limit}: {'PASS' if total <= limit else 'FAIL'}")
    print(f"{chosen.edges} markets for each planted edge")
    edges(chosen.edges, seed + 100_000)
    print(f"{chosen.spikes} markets with a planted spike")
    spikes(chosen.spikes, seed + 200_000)
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
