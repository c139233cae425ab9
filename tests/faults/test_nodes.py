"""Several nodes: one that is killed loses nothing, and a certificate is given on another one really."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from admf_ray import TestExecutor
from admf_ray.cluster import suite
from admf_ray.config.load import parse_pipeline
from admf_ray.market.saving import write_parquet
from admf_ray.market.synthetic import planted_trend
from tests.searching import ROOT, bits, finish, parts, pipeline, search, start, stored, traded, written
from tests.serial import serial

pytestmark = pytest.mark.slow  # three raylets

SLOW = '''
import os
import time
from pathlib import Path

from admf_ray import Param, Strategy


class Slow(Strategy):
    """Above its mean, in Python and with a pause; says on which node it runs."""

    n = Param(5, low=2, high=101)

    def on_bar(self, bar):
        if bar.bar == 0:
            time.sleep({pause_s})
            (Path(__file__).parent / ("on_" + os.environ.get("RAY_RAYLET_PID", "none"))).touch()
        closes = bar.history(self.n).close
        return 1.0 if closes[-1] > closes.mean() else 0.0
'''


@pytest.fixture(scope="module")
def nodes():
    """A head without cores and two nodes with one each: its address, their raylets, and what kills one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.nodes", str(os.getpid())], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    line = process.stdout.readline()
    assert line, process.communicate()[1][-2000:]
    said = json.loads(line)

    def kill(raylet: int) -> None:
        process.stdin.write(f"{said['raylets'].index(raylet)}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "killed\n"

    yield said["address"], said["raylets"], kill
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_certificate_is_given_on_another_node(tmp_path, nodes, monkeypatch):
    address, _, _ = nodes
    bars = planted_trend(900, 2, net_sharpe=7.0, mean_run_bars=40).bars
    body = pipeline(tmp_path, {"ma_crossover": {"parameters": {"fast": [2, 4], "slow": [12]}}}, folds=False)
    for name, part in (("train", bars.slice(0, 600)), ("test", bars.slice(600, 900))):
        write_parquet(part, tmp_path / f"{name}.parquet")
    body["pipeline"]["phase_1_mining"]["data"] = str(tmp_path / "train.parquet")
    body["pipeline"]["phase_3_test"] = {
        "data": str(tmp_path / "test.parquet"),
        "validation": {"drift_containers": 2, "walk_forward_oos": False},
        "test_strategies": [{"name": "plain", "strategy": "ma_crossover", "params": {"fast": 2, "slow": 12}}],
    }
    asked = {}
    run_suite = suite.run_suite

    def recorded(calls, shared, here, **options):
        assert here.nodes == 2
        asked.update({call.name: call.node for call in calls})
        return run_suite(calls, shared, here, **options)

    monkeypatch.setattr(suite, "run_suite", recorded)
    monkeypatch.setattr("admf_ray.phases.validation.executor.OTHERS", 2)
    found = TestExecutor(parse_pipeline(body), out=str(tmp_path / "run"), address=address).validate()
    (one,) = found.candidates
    assert one.metrics["trades"] > 3
    assert one.certificate["another node"] == one.certificate["a fresh process"] == "equal"
    assert one.certificate["verdict"] == "PASS"
    places = asked["plain:a fresh process"], asked["plain:another node"]
    assert all(places)
    assert places[0] != places[1]


def test_a_killed_node(tmp_path, nodes):
    address, raylets, kill = nodes
    file = tmp_path / "slow.py"
    file.write_text(SLOW.format(pause_s=0.1))
    grid = {"Slow": {"parameters": {"n": {"start": 2, "stop": 41, "step": 1}}}}
    body = pipeline(
        tmp_path, grid, files=(file,), n_bars=80, folds=False,
        search={"neighborhood_testing": {"enabled": False}}, execution={"tile_points": 2},
    )  # fmt: skip
    out = tmp_path / "run"
    words = ("run", written(tmp_path, body), "--out", out, "--json", "--address", address)
    process = start(*words, own_ray=False)
    end = time.monotonic() + 120
    while len(parts(out)) < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    first = ran_on(tmp_path)
    assert first <= set(raylets)
    kill(min(first))
    before = parts(out)
    assert len(before) < 20, "too late to be a kill"
    code, text, err = finish(process)
    assert code == 0, err
    assert json.loads(text)["points"] == 40
    assert ran_on(tmp_path) == set(raylets)
    kept = parts(out)
    assert {name: kept[name] for name in before} == before
    with serial():
        search(body, tmp_path / "alone")
    rows = stored(tmp_path / "alone")
    assert traded(rows)
    assert set(rows["status"].to_pylist()) == {"ok"}
    assert bits(stored(out)) == bits(rows)


def ran_on(folder: Path) -> set[int]:
    """Return the raylets whose workers ran a point."""
    return {int(file.name.removeprefix("on_")) for file in folder.glob("on_[0-9]*")}
