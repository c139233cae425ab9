"""What workers cost: their memory on shared bars, what a second one gains, where one driver saturates.

Run ``python benchmarks/cluster.py``; ``--points`` sets the size of the searches, ``--gib`` that of the bars
which ``--actors`` map. A default run is what figures are quoted from: smaller searches show that it works.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from admf_ray.cluster.run import REPORT_S
from admf_ray.cluster.session import session
from admf_ray.cluster.tiles import LONGEST_S, MOST_ROWS, NOMINAL_NS
from admf_ray.cluster.worker import MOST_TILES
from admf_ray.config.load import parse_pipeline
from admf_ray.config.schema import PipelineConfig
from admf_ray.market import Bars
from admf_ray.market.saving import write_parquet
from admf_ray.market.synthetic import random_walk
from admf_ray.phases.mining import BacktestCoordinator


def pipeline(folder: Path, n_bars: int, points: int, tile_points: int | None = None) -> PipelineConfig:
    """Return a search whose neighbours are not tested."""
    write_parquet(random_walk(n_bars, 5).bars, folder / "bars.parquet")
    parameters = {
        "fast": {"start": 2, "stop": 201, "step": 1},
        "slow": {"start": 202, "stop": 201 + points // 200, "step": 1},
    }
    mining: dict[str, Any] = {
        "data": {"source": str(folder / "bars.parquet")},
        "execution": {} if tile_points is None else {"tile_points": tile_points},
        "parameter_search": {
            "base_grid": {"strategies": {"ma_crossover": {"parameters": parameters}}},
            "neighborhood_testing": {"enabled": False},
        },
        "regimes": {"classifier": "none"},
    }
    return parse_pipeline({"pipeline": {"name": "workers", "phase_1_mining": mining}})


def second_worker(folder: Path, points: int, rounds: int) -> None:
    """Print how much faster two workers are than one, over work of some ten seconds."""
    config = pipeline(folder, 10_000, points)
    spent: dict[int, list[float]] = {}
    for workers in (1, 2) * rounds:
        coordinator = BacktestCoordinator(
            config, out=str(folder / f"w{workers}-{time.time_ns()}"), workers=workers
        )
        coordinator.run_parameter_search()
        lines = Path(coordinator.store.path("schedule.jsonl")).read_text().splitlines()
        tiles = [json.loads(line) for line in lines]
        # from the first tile's begin to the last one's end: actors start side by side before
        begun = min(one["time"] - one["true_s"] for one in tiles)
        spent.setdefault(workers, []).append(max(one["time"] for one in tiles) - begun)
    one, two = min(spent[1]), min(spent[2])
    print(f"1 worker {one:.2f} s, 2 workers {two:.2f} s: {one / two:.2f} x")


def saturation(folder: Path, most: int) -> None:
    """Print what a report and a trial cost the driver, and how many cores that feeds."""
    found = {}
    for points in (most // 20, most // 4, most):
        coordinator = BacktestCoordinator(
            pipeline(folder, 1_500, points, tile_points=100), out=str(folder / f"n{points}"), workers=2
        )
        begun = time.process_time()
        coordinator.run_parameter_search()
        spent = time.process_time() - begun
        assert coordinator.ran is not None
        reports = len(Path(coordinator.store.path("schedule.jsonl")).read_text().splitlines())
        found[points] = np.array([1.0, reports, len(coordinator.ran.results[0])]), spent
        print(
            f"{coordinator.ran.tally.tiles:,} tiles, {reports:,} reports, {found[points][0][2]:.0f} trials: "
            f"the driver's own time {spent:.2f} s"
        )
    (few, cheap), _, (many, dear) = (found[points] for points in sorted(found))
    each = (dear - cheap) / (many[1] - few[1])
    print(f"a report costs the driver {each * 1e3:.2f} ms, its share of trials included")
    daily_s = MOST_ROWS * 1_500 * NOMINAL_NS[True] / 1e9
    for name, tile_s in (("of 1,500 daily bars", daily_s), ("at its longest", LONGEST_S)):
        print(
            f"a large search's tile {name} takes {tile_s:.1f} s: one tile a report keeps the driver busy at "
            f"{tile_s:.1f} s / {each * 1e3:.2f} ms = {tile_s / each:,.0f} cores, "
            f"{MOST_TILES} tiles a report at {MOST_TILES * tile_s / each:,.0f}"
        )
    print(
        f"W workers report every {REPORT_S * 1e3:.0f} ms x W, by which the driver is busy "
        f"{each / REPORT_S:.0%} of its time"
    )


def memory(gib: float, actors: int) -> None:
    """Print the private memory of actors that have mapped the shared data and run a point of it."""
    import ray

    from admf_ray.cluster.memory import private_bytes
    from admf_ray.engine.conditions import Conditions
    from admf_ray.engine.guard import Limits, guarded
    from admf_ray.engine.points import run_points
    from admf_ray.engine.stack import Stack
    from admf_ray.market import Window

    n = int(gib * 2**30 / 8 / 4 / 64)
    walk = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, (n, 64)), axis=0))
    minutes = np.arange(n, dtype=np.int64) * 60_000_000_000 + 10**18
    bars = Bars.from_arrays(walk, walk * 1.01, walk * 0.99, walk, time_ns=minutes)
    del walk
    window = Window("full", bars.n_bars - 500, bars.n_bars)
    conditions = Conditions.of(bars, [window])

    class Mapper:
        def map(self, shared: Any) -> tuple[int, int]:
            from admf_ray.components import library  # noqa: F401
            from admf_ray.components.registry import find

            mapped = private_bytes()
            stack = Stack(find("buy_and_hold", "strategy"))
            guarded(shared, stack, stack.values([{}]), Limits())  # compiles in a child, as a worker does
            run_points(shared, stack, stack.values([{}]))
            return mapped, private_bytes()

    remote: Any = ray.remote(num_cpus=0)(Mapper)  # Ray's types do not know its methods
    reference = ray.put(conditions)
    workers = [remote.remote() for _ in range(actors)]
    found = ray.get([worker.map.remote(reference) for worker in workers])
    size = sum(a.nbytes for a in (bars.open, bars.high, bars.low, bars.close)) / 2**30
    mapped, after = (max(column) / 2**20 for column in zip(*found, strict=True))
    print(
        f"{actors} actors on {size:.2f} GiB of bars: private memory {mapped:.0f} MiB mapped, "
        f"{after:.0f} MiB after a point"
    )


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000, help="5,000 and up")
    parser.add_argument("--rounds", type=int, default=2, help="of which a second worker's gain is the best")
    parser.add_argument("--gib", type=float, default=1.0)
    parser.add_argument("--actors", type=int, default=8)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, session("local", os.cpu_count(), dashboard=False):
        second_worker(Path(name), asked.points, asked.rounds)
        saturation(Path(name), asked.points * 4 // 5)
        memory(asked.gib, asked.actors)


if __name__ == "__main__":
    main()
