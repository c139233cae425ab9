"""A small run with both phases, without Ray."""

import shutil
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest

from admf_ray.config.load import parse_pipeline
from admf_ray.phases.analysis.coordinator import AnalysisCoordinator
from admf_ray.phases.mining import BacktestCoordinator
from tests.searching import pipeline
from tests.serial import serial

TOOLS = [
    "parameter_sensitivity_heatmap",
    "return_distribution_clustering",
    "walk_forward_consistency",
    "regime_stability_analysis",
]
GRID = {
    "ma_crossover": {"parameters": {"fast": [3, 6, 9], "slow": {"start": 12, "stop": 30, "step": 6}}},
    "rsi_reversion": {"parameters": {"length_bars": [3, 5], "oversold": [25, 35], "exit_level": [50, 60]}},
}
FILTERED = {
    "name": "with trend",
    "base_strategy": "ma_crossover",
    "modifications": {"add_filter": {"class": "trend_direction", "params": {"mean_bars": 40}}},
}


def body(folder: Path, tools=TOOLS, experiments=(FILTERED,), **phase_2):
    """Plain data of a pipeline with phase 2, whose phase 3 names data that are not there."""
    whole = pipeline(folder, deepcopy(GRID), n_bars=420, regimes={"classifier": "trend_volatility"})
    whole["pipeline"]["phase_2_analysis"] = {
        "tools": list(tools), "experiments": list(experiments), "candidates": 8, **phase_2,
    }  # fmt: skip
    whole["pipeline"]["phase_3_test"] = {
        "data": {"source": str(folder / "never.parquet")},
        "test_strategies": [{"name": "baseline_adaptive"}],
    }
    return whole


@dataclass
class Whole:
    """A run and what came of it."""

    out: Path
    mining: BacktestCoordinator
    phase_2: AnalysisCoordinator
    analysed: object


def analyse(whole, out: Path) -> Whole:
    """Run both phases."""
    with serial():
        mining = BacktestCoordinator(parse_pipeline(whole), out=str(out))
        phase_2 = AnalysisCoordinator(mining, mining.run_parameter_search())
        return Whole(out, mining, phase_2, phase_2.run())


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("analysis")


@pytest.fixture(scope="session")
def done(folder):
    return analyse(body(folder), folder / "root" / "one")


@pytest.fixture
def copied(done, tmp_path):
    """The same run in a root of its own, to be changed."""
    shutil.copytree(done.out, tmp_path / "root" / "one")
    return tmp_path / "root" / "one"
