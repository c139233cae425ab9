"""What phase 2 takes on some 10,000 points, part by part.

Run ``python benchmarks/analysis.py [--points 10000] [--bars 1000]``. Phase 1 runs first, on Ray, and is not
counted; compilation is not counted either.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from admf_ray import AnalysisCoordinator, BacktestCoordinator
from admf_ray.config.load import parse_pipeline
from admf_ray.market.saving import write_parquet
from admf_ray.market.synthetic import garch
from admf_ray.phases.analysis import coordinator as parts
from admf_ray.phases.analysis import variants

TOOLS = [
    "parameter_sensitivity_heatmap",
    "return_distribution_clustering",
    "walk_forward_consistency",
    "regime_stability_analysis",
]


def pipeline(data: Path, points: int) -> dict[str, Any]:
    """Return a search of about so many points, neighbours off the grid included."""
    side = int(np.sqrt(points))
    grid = {
        "fast": {"start": 2, "stop": 1 + side, "step": 1},
        "slow": {"start": 150, "stop": 149 + side, "step": 1},
    }
    return {
        "pipeline": {
            "name": "benchmark",
            "phase_1_mining": {
                "data": {"source": str(data)},
                "walk_forward": {"training_window": 252, "test_window": 63, "step_size": 63},
                "parameter_search": {
                    "base_grid": {"strategies": {"ma_crossover": {"parameters": grid}}},
                    "neighborhood_testing": {"radius": 1},
                },
            },
            "phase_2_analysis": {
                "tools": TOOLS,
                "experiments": [
                    {
                        "name": "stop",
                        "base_strategy": "ma_crossover",
                        "modifications": {"params": {"risk.stop_loss_frac": 0.05}},
                    }
                ],
            },
        }
    }


@contextmanager
def timed(took: dict[str, Any], label: str) -> Any:
    """Add a block's seconds: by the clock, and of this process's cores."""
    begin = np.array([time.perf_counter(), time.process_time()])
    yield
    took[label] = took.get(label, 0.0) + np.array([time.perf_counter(), time.process_time()]) - begin


def watched(took: dict[str, Any], label: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is timed."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with timed(took, label):
            return call(*args, **kwargs)

    return wrapped


def main() -> None:
    """Print seconds per part."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--bars", type=int, default=1_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "bars.parquet"
        write_parquet(garch(chosen.bars, 1).bars, data)
        mining = BacktestCoordinator(parse_pipeline(pipeline(data, chosen.points)), out=f"{folder}/runs/run")
        mined = mining.run_parameter_search()
        AnalysisCoordinator(mining, mined).run()  # runs the variants and compiles
        took: dict[str, Any] = {}
        names = (
            "read",
            "sensitivity",
            "clusters",
            "consistency",
            "regimes",
            "judge_run",
            "weigh",
            "walk",
            "order",
        )
        for module, name in [(variants, "compare"), *((parts, name) for name in names)]:
            setattr(module, name, watched(took, name, getattr(module, name)))
        with timed(took, "all together"):
            AnalysisCoordinator(mining, mining.run_parameter_search()).run()
        print(f"{mined.n_points:,} points, {mined.n_off_grid:,} neighbours, {len(mined.windows)} windows, "
              f"{chosen.bars:,} bars")  # fmt: skip
        for label, (seconds, cores) in took.items():
            print(f"  {label:20} {seconds:7.2f} s   {cores:7.2f} s of cores")
    print(f"most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
