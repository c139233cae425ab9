"""``admf-ray run`` as a user meets it: plateaus beside peaks, windows, one summary."""

import json

import pytest
from click.testing import CliRunner

from admf_ray import open_run
from admf_ray.cli import cli
from admf_ray.errors import ConfigError
from tests.serial import serial
from tests.small import PIPELINE

OFF = ("--set", "phase_1_mining.parameter_search.neighborhood_testing.enabled=false")


@pytest.fixture
def run(tmp_path):
    (tmp_path / "p.yaml").write_text(PIPELINE)

    def call(*words):
        with serial():
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
    full = open_run(tmp_path / "out").points(off_grid=False)
    assert {"off_grid", "robust_score", "stability", "degradation"} <= set(full)
    assert full["robust_score"].notna().sum() == len(full) == 8
    windows = open_run(tmp_path / "out").walk_forward()
    assert len(windows) == 3
    assert windows["robust_score"].notna().all()


def test_json_says_the_same(run, tmp_path):
    found = json.loads(run("--json", "--top", "2"))
    points = open_run(tmp_path / "out").points()
    full = points[~points["off_grid"]]
    assert len(found["best_by_robust_score"]) == len(found["best_by_objective"]) == 2
    assert found["best_by_robust_score"][0]["robust_score"] == full["robust_score"].max()
    assert found["best_by_objective"][0]["score"] == full["sharpe"].max()
    assert found["points"] + found["off_grid"] == found["computed"] == len(points)
    again = json.loads(run("--json", "--top", "2"))
    assert again["computed"] == 0
    assert {**again, "computed": 0, "seconds": 0} == {**found, "computed": 0, "seconds": 0}
    assert set(found["summary"]) >= {"stitched_return", "continuous_return", "efficiency", "oos_t"}
    assert len(found["walk_forward"]) == 3


def test_switched_off_it_says_so(run, tmp_path):
    out = run(*OFF)
    assert "neighborhood_testing is off: by the objective alone" in out
    assert "robust score" not in out
    assert len(open_run(tmp_path / "out").points()) == 8
    found = json.loads(run(*OFF, "--json"))
    assert (found["select_by"], found["off_grid"]) == ("objective", 0)
    assert "best_by_robust_score" not in found


def test_what_is_stored_is_opened_best_first(run, tmp_path):
    assert " backtests computed; " in run()
    out = run()
    assert "all stored before, none computed; " in out
    assert "Ray's start" not in out
    opened = open_run(tmp_path / "out")
    full = opened.points(off_grid=False)
    for by, first in {"sharpe": "max", "turnover": "min", "degradation": "min"}.items():
        assert full[by].nunique() > 1
        assert opened.best(1, by)[by][0] == getattr(full[by], first)()
    with pytest.raises(ConfigError, match="found 'robst_score'; did you mean 'robust_score'"):
        opened.best(by="robst_score")
    with pytest.raises(ConfigError, match="point 'x': must be one of the run's"):
        opened.replay("x")
    assert len(repr(opened)) < 300


def test_less_is_better_is_said(run):
    out = run("--set", "phase_1_mining.parameter_search.objective=turnover")
    assert "25th percentile of turnover over the neighbourhood, negated since less is better" in " ".join(
        out.split()
    )
