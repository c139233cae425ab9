"""A search that works in several rounds: what it says of them together, and where some points fail."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from admf_ray.cli import cli
from admf_ray.cluster import run as cluster_run
from admf_ray.errors import ConfigError, ResourceError, StoreError
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.opened import open_run
from admf_ray.results.store import RunStore
from tests.searching import pipeline, search, stored, written
from tests.serial import serial

PLAIN = """
from admf_ray.components.base import Strategy
from admf_ray.components.registry import register
from admf_ray.space.parameters import Param

@register("Unlucky")
class Unlucky(Strategy):
    "Long above its mean; fails at 13."
    n = Param(5, low=2, high=100)

    def on_bar(self, bar):
        if self.n == 13:
            raise ValueError("unlucky")
        closes = bar.history(self.n).close
        return 1.0 if len(closes) == self.n and closes[-1] > closes.mean() else 0.0
"""
PROPOSED = {"method": "optuna", "samples": 4, "generation_points": 1, "seed": 1}


def asked(folder, *values, **settings):
    (folder / "own.py").write_text(PLAIN)
    return pipeline(
        folder, {"Unlucky": {"parameters": {"n": list(values)}}}, files=(folder / "own.py",), n_bars=60,
        folds=False, search={"neighborhood_testing": {"enabled": False}, **settings},
    )  # fmt: skip


def test_a_new_value_that_fails_is_one_of_all(tmp_path):
    with serial():
        search(asked(tmp_path, 4, 8), tmp_path / "run")
        found = search(asked(tmp_path, 4, 8, 13), tmp_path / "run", fork=True)
    assert (found.ran.tally.points, found.ran.tally.failed) == (1, 1)
    assert sorted(stored(tmp_path / "run-2")["status"].to_pylist()) == ["failed", "ok", "ok"]
    with serial(), pytest.raises(ResourceError, match="found 1 of 1"):
        search(asked(tmp_path, 13), tmp_path / "alone")


def test_rounds_are_counted_together_and_one_that_fails_is_one_of_all(tmp_path):
    pytest.importorskip("optuna")
    with serial():
        found = search(asked(tmp_path, 4, 8, 12, 13, **PROPOSED), tmp_path / "run")
        again = search(asked(tmp_path, 4, 8, 12, 13, **PROPOSED), tmp_path / "run")
    assert (found.ran.tally.points, found.ran.tally.failed, found.mined.n_points) == (4, 1, 4)
    assert found.ran.tally.by_status == {"failed": 1}
    assert again.ran is None


def test_stopped_between_rounds_it_says_so_and_can_be_gone_on_with(tmp_path, monkeypatch):
    pytest.importorskip("optuna")
    body = asked(tmp_path, 4, 8, 12, 13, **PROPOSED)
    with serial(), monkeypatch.context() as patch:
        run = cluster_run.run_tiles
        patch.setattr(cluster_run, "run_tiles", lambda *how: replace(run(*how), interrupted=True))
        found = search(body, tmp_path / "run")
    assert found.interrupted
    assert (found.ran.tally.points, found.mined.n_points) == (1, 1)
    with pytest.raises(StoreError, match="one at work or stopped; go on with it: admf-ray resume"):
        open_run(tmp_path / "run").points()
    with serial():
        assert search(body, tmp_path / "run").ran.tally.points == 3
    assert len(open_run(tmp_path / "run").points()) == 4


def test_a_searcher_must_be_told_how_many(tmp_path, monkeypatch):
    monkeypatch.setattr("admf_ray.phases.mining.guide_of", lambda *_: object())
    with serial(), pytest.raises(ConfigError, match=r"samples: must be given where a searcher proposes"):
        search(asked(tmp_path, 4, 8), tmp_path / "run")


def test_a_fork_that_is_stopped_says_its_own_place(tmp_path, monkeypatch):
    def stopped(self):
        self.store = RunStore(f"{self.store.uri}-2")
        self.store.create()
        self.store.write_manifest({})
        raise KeyboardInterrupt

    monkeypatch.setattr(BacktestCoordinator, "run_parameter_search", stopped)
    words = ["run", str(written(tmp_path, asked(tmp_path, 4))), "--out", str(tmp_path / "run"), "--fork"]
    told = CliRunner().invoke(cli, words)
    assert told.exit_code == 130
    assert f"go on with: admf-ray resume {tmp_path / 'run'}-2" in told.stderr
