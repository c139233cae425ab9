"""``admf-ray run`` as a user meets it: plateaus beside peaks, windows, one summary."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from admf_ray.cli import cli

PIPELINE = """
pipeline:
  name: small
  phase_1_mining:
    data: {source: "sample:nasdaq", start: 2016, end: 2017}
    walk_forward: {training_window: 252, test_window: 63, step_size: 63}
    parameter_search:
      base_grid:
        strategies:
          ma_crossover:
            parameters: {fast: [3, 6], slow: {start: 8, stop: 20, step: 4}}
      neighborhood_testing: {radius: 1}
"""
OFF = ("--set", "phase_1_mining.parameter_search.neighborhood_testing.enabled=false")


@pytest.fixture
def run(tmp_path):
    (tmp_path / "p.yaml").write_text(PIPELINE)

    def call(*words):
        done = CliRunner().invoke(
            cli,
            ["run", str(tmp_path / "p.yaml"), "--out", str(tmp_path / "out"), *words],
            catch_exceptions=False,
        )
        assert done.exit_code == 0, done.output
        return done.output

    return call


def test_plateaus_stand_beside_peaks(run, tmp_path):
    out = run("--top", "3")
    first, second = out.index("best by robust score (sharpe)"), out.index("best by sharpe")
    assert first < second < out.index("chosen by robust score in each training window")
    for word in ("off the grid", "one account", "stitched windows", "efficiency", "rank correlation"):
        assert word in out
    points = pd.read_parquet(tmp_path / "out" / "points.parquet")
    assert {"off_grid", "robust_score", "stability", "degradation"} <= set(points)
    full = points[(points["window"] == "full") & ~points["off_grid"]]
    assert full["robust_score"].notna().sum() == 8
    windows = pd.read_parquet(tmp_path / "out" / "windows.parquet")
    assert len(windows) == 3
    assert windows["robust_score"].notna().all()


def test_json_says_the_same(run, tmp_path):
    found = json.loads(run("--json", "--top", "2"))
    points = pd.read_parquet(tmp_path / "out" / "points.parquet")
    full = points[(points["window"] == "full") & ~points["off_grid"]]
    assert len(found["best_by_robust_score"]) == len(found["best_by_objective"]) == 2
    assert found["best_by_robust_score"][0]["robust_score"] == full["robust_score"].max()
    assert found["best_by_objective"][0]["score"] == full["sharpe"].max()
    assert found["points"] + found["off_grid"] == (points["window"] == "full").sum()
    assert set(found["summary"]) >= {"stitched_return", "continuous_return", "efficiency", "oos_t"}
    assert len(found["walk_forward"]) == 3


def test_switched_off_it_says_so(run):
    out = run(*OFF)
    assert "neighborhood_testing is off: by the objective alone" in out
    assert "robust score" not in out
    found = json.loads(run(*OFF, "--json"))
    assert (found["select_by"], found["off_grid"]) == ("objective", 0)
    assert "best_by_robust_score" not in found
