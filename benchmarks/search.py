"""A million points through Tune into the store, beside the bare compiled sweep of the same points.

Run ``python benchmarks/search.py``; both are measured in this one process and only the ratios count. Ray's
start is left out, as the points do not pay for it. ``--points`` takes a thousandth and up.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from admf_ray.cluster.memory import private_bytes
from admf_ray.config.load import parse_pipeline
from admf_ray.config.schema import PipelineConfig
from admf_ray.engine.sweep import sweep
from admf_ray.market.saving import write_parquet
from admf_ray.market.synthetic import random_walk
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.opened import open_run
from admf_ray.phases.search import job_of, prepare_search

BARS = 1_500
CHUNK = 65_536


def pipeline(folder: Path, points: int) -> PipelineConfig:
    """Return a search of about so many points, the few neighbours off the grid among them."""
    slow = max(points // (251 * 2 * 6) - 1, 2)
    write_parquet(random_walk(BARS, 5).bars, folder / "bars.parquet")
    parameters = {
        "fast": {"start": 2, "stop": 251, "step": 1},
        "slow": {"start": 252, "stop": 251 + slow, "step": 1},
        "side": ["long", "both"],
        "broker.commission_frac": {"start": 0.0, "stop": 0.0004, "step": 0.0001},
    }
    grid = {"strategies": {"ma_crossover": {"parameters": parameters}}}
    mining = {
        "data": {"source": str(folder / "bars.parquet")},
        "parameter_search": {
            "base_grid": grid,
            "neighborhood_testing": {"radius": 1, "resolution": "grid"},
        },
        "regimes": {"classifier": "none"},
    }
    return parse_pipeline({"pipeline": {"name": "million", "phase_1_mining": mining}})


def bare_s(config: PipelineConfig, workers: int) -> tuple[float, int]:
    """Return the seconds of the compiled sweep alone on so many threads, and the number of points."""
    search = prepare_search(config)
    ((stack, lattice),) = search.searches
    job = job_of(search, stack, lattice, np.arange(lattice.size), search.neighborhood)
    windows = search.conditions.windows

    def part(begin: int, end: int) -> None:
        sweep(search.bars, stack, job.points.rows(begin, end), windows, threads=workers)

    part(0, 10)
    begun = time.perf_counter()
    for begin in range(0, len(job.points), CHUNK):
        part(begin, begin + CHUNK)
    return time.perf_counter() - begun, len(job.points)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = pipeline(folder, asked.points)
        alone, n = bare_s(config, asked.workers)
        print(f"{n:,} points x {BARS:,} bars; bare sweep on {asked.workers} threads {alone:.2f} s")
        times: dict[str, float] = {}
        peak = [private_bytes()]
        before, watching = peak[0], threading.Event()

        def watch() -> None:
            while not watching.wait(0.1):
                peak[0] = max(peak[0], private_bytes())

        def started(_: Any) -> None:
            times["ray"] = time.perf_counter()
            threading.Thread(target=watch, daemon=True).start()

        coordinator = BacktestCoordinator(
            config, out=str(folder / "run"), workers=asked.workers, on_session=started
        )
        found = coordinator.run_parameter_search()
        ended = time.perf_counter()
        assert coordinator.ran is not None
        watching.set()
        grown = (peak[0] - before) / 2**20
        stored = coordinator.ran.seconds
        print(f"through Tune into the store {stored:.2f} s: {stored / alone:.2f} x the bare sweep")
        whole = ended - times["ray"]
        print(f"with Ray's end, neighbourhood and selection {whole:.2f} s: {whole / alone:.2f} x")
        print(f"driver's private memory grew by {grown:,.0f} MiB at most, Ray's client included")
        begun = time.perf_counter()
        frame = open_run(folder / "run").points()
        print(f"read {len(frame):,} rows, {frame.shape[1]} columns: {time.perf_counter() - begun:.2f} s")
        print(f"best: {found.ranked(1, ('sharpe',), 'robust_score')[0]}")


if __name__ == "__main__":
    main()
