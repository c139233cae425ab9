"""Are conclusions worth their words: noise where nothing improves, and planted effects of growing size.

Run ``python benchmarks/experiments.py [--markets 200] [--planted 20] [--bars 1500]``. Seeds are drawn fresh
and printed; ``--seed`` repeats a run. Each market is a whole experiment: both sides select in every training
window over their own grids, the stitched out-of-sample curves are compared. Nothing is stored.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections import Counter
from dataclasses import replace
from typing import Any, cast

import numpy as np

from admf_ray.analysis.conclusion import conclude, holm
from admf_ray.components import library  # noqa: F401  (registers)
from admf_ray.config.analysis import ExperimentConfig, Modifications
from admf_ray.config.grids import grid_of
from admf_ray.config.load import parse_pipeline
from admf_ray.config.spaces import search_of, variant_of
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.points import run_points
from admf_ray.market import Bars, Window, walk_forward
from admf_ray.market.synthetic import fat_tails, garch, planted_trend, random_walk
from admf_ray.phases.analysis.experiments import Compared, compare
from admf_ray.phases.mined import Mined, Searched
from admf_ray.phases.search import Search
from admf_ray.results.points import StoredPoints

GRID = {
    "ma_crossover": {"parameters": {"fast": [2, 4, 6], "slow": [8, 12, 16]}},
    "rsi_reversion": {"parameters": {"length_bars": [3, 5], "oversold": [30, 40], "exit_level": [50, 60]}},
}
FILTER: dict[str, Any] = {
    "add_filter": {"class": "trend_direction"},
    "grid": {"trend_direction.mean_bars": [30, 60, 90]},
}
WINDOWS: dict[str, Any] = {"training_window": 252, "test_window": 126, "step_size": 126}
NOISE = {
    "random walk with drift": lambda n, seed: random_walk(n, seed, annual_drift=0.08),
    "GARCH with drift": lambda n, seed: garch(n, seed, annual_drift=0.08),
    "fat tails": lambda n, seed: fat_tails(n, seed),
}


class Held:
    """Figures of points in memory."""

    def __init__(self, conditions: Conditions, values: Any) -> None:
        self.names, self.values = conditions.metrics, values
        self.windows = [window.name for window in conditions.windows]

    def columns(self, names: Any, window: str) -> dict[str, Any]:
        """Return figures of every point in a window."""
        own = self.values[:, self.windows.index(window)]
        return {name: own[:, self.names.index(name)] for name in names}


def config(base: str) -> Any:
    """Return a pipeline of one strategy whose data are replaced."""
    search = {"base_grid": {"strategies": {base: GRID[base]}}}
    mining = {
        "data": {"source": "sample:sp500"},
        "parameter_search": {**search, "neighborhood_testing": {"radius": 1}},
        "container_components": [
            {"name": "strategy", "class": "configurable"},
            {"name": "broker", "class": "SimulatedBroker", "params": {"commission_frac": 0.0002}},
        ],
    }
    return parse_pipeline({"pipeline": {"name": "calibration", "phase_1_mining": mining}})


def searched(settings: Any, bars: Bars) -> Search:
    """Return what is searched on some bars."""
    span, folds = Window("full", 0, bars.n_bars), walk_forward(bars, **WINDOWS)
    windows = (span, *(window for fold in folds for window in (fold.train, fold.test)))
    conditions = Conditions.of(bars, windows)
    searches = tuple(search_of(settings, one) for one in grid_of(settings).strategies)
    return Search(settings, span, tuple(folds), conditions, searches, None, ())


def mined(search: Search) -> Mined:
    """Run a search's points in this process."""
    ((stack, lattice),) = search.searches
    points = search.neighborhood.around(lattice, np.concatenate(list(lattice.blocks(0, lattice.size))))
    found = run_points(search.conditions, stack, points.rows())
    varied = tuple(axis.name for axis in lattice.axes)
    held = Held(search.conditions, found.values)
    figures = cast(StoredPoints, held)  # a comparison asks for columns alone
    own = Searched(stack, varied, points, figures, "sharpe", True)
    windows = search.conditions.windows
    return Mined(search.bars, windows, search.folds, (own,), "sharpe", True, "robust_score", "history", ())


def experiment(settings: Any, bars: Bars, seed: int) -> Compared:
    """Test the filter on one market."""
    base = grid_of(settings).names[0]
    one = ExperimentConfig(name="filter", base_strategy=base, modifications=Modifications(**FILTER))
    search = searched(settings, bars)
    variant = replace(search, searches=(variant_of(settings, grid_of(settings), one),))
    return compare(one, mined(search), mined(variant), search, seed)


def word(found: Compared) -> str:
    """Return the conclusion of an experiment that is a family of its own."""
    better, worse = (float(holm([p])[0]) for p in found.p_values)
    return conclude(found.fills, better, worse)


def effect(found: Compared) -> float:
    """Return by how much the variant's Sharpe ratio of a bar is better."""
    assert found.skill is not None, "no window fits the bars"
    return found.skill.effect


def main() -> None:
    """Print the words on noise, then the power curve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--markets", type=int, default=200)
    parser.add_argument("--planted", type=int, default=20)
    parser.add_argument("--bars", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=None)
    chosen = parser.parse_args()
    seed = secrets.randbits(32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}; {chosen.bars} bars a market; words at one-sided 2.5 %")
    crossover, reversion, random = (
        config("ma_crossover"),
        config("rsi_reversion"),
        np.random.default_rng(seed),
    )
    begin = time.perf_counter()
    words: dict[str, Counter[str]] = {name: Counter() for name in NOISE}
    for k in range(chosen.markets):
        name = list(NOISE)[k % len(NOISE)]
        own = int(random.integers(2**31))
        settings = (crossover, reversion)[k // len(NOISE) % 2]
        words[name][word(experiment(settings, NOISE[name](chosen.bars, own).bars, own))] += 1
    for name, counts in words.items():
        print(f"  {name:24} " + ", ".join(f"{key} {n}" for key, n in sorted(counts.items())))
    improved = sum(counts["improves"] for counts in words.values())
    print(f"noise: {improved} of {chosen.markets} say improves, {time.perf_counter() - begin:.0f} s")
    if chosen.planted:
        print(
            "power: dips are bought in trends that last 120 bars, the filter buys them in rising ones alone"
        )
    for sharpe in (0.0, 1.0, 2.0, 3.0, 4.0, 6.0) if chosen.planted else ():
        found = []
        for _ in range(chosen.planted):
            own = int(random.integers(2**31))
            bars = planted_trend(2 * chosen.bars, own, net_sharpe=sharpe, mean_run_bars=120.0).bars
            found.append(experiment(reversion, bars, own))
        share = np.mean([word(one) == "improves" for one in found])
        better = np.mean([effect(one) for one in found]) * np.sqrt(261)
        print(
            f"  ideal follower's Sharpe {sharpe:.0f}: effect {better:+.2f}, improves in {share:.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
