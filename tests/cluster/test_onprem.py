"""The on-prem cluster file for real: hosts, `ray up`, jobs, a host that dies, `ray down`."""

from __future__ import annotations

import json
import time

import pytest

from admf_ray.market.saving import write_parquet
from admf_ray.market.synthetic import random_walk
from tests.cluster.lab import FILE, stored

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900), pytest.mark.xdist_group("lab")]

SUBMIT = "ray job submit --address http://127.0.0.1:8265 --working-dir . --"
RUN = f"{SUBMIT} admf-ray run configs/quickstart.yaml --address auto"
MINING = "--phase mining --quiet"
SMALL = "--set phase_1_mining.execution.tile_points=10"
PIPELINE = """
pipeline:
  name: mine
  strategies: mine.py
  phase_1_mining:
    data: {source: data/bars.parquet}
    walk_forward: {training_window: 252, test_window: 63, step_size: 63}
    parameter_search:
      base_grid: {strategies: {mine: {parameters: {span_bars: [3, 5, 9]}}}}
"""
STRATEGY = """
from admf_ray import Param, Strategy, register
from helper import mean


@register("mine")
class Mine(Strategy):
    "Long above the mean."

    span_bars = Param(5, low=2, high=100)

    def prepare(bars, p):
        return {"close": bars.close, "mean": mean(bars, p.span_bars)}

    def decide(now, p):
        return 1.0 if now.close > now.mean else 0.0
"""
HELPER = """
from admf_ray.components.indicators import sma


def mean(bars, span_bars):
    return sma(bars.close, span_bars)
"""


@pytest.fixture(scope="module")
def board(lab):
    """The head's dashboard on drv's loopback, as `ray dashboard` brings it."""
    forward = lab.start("drv", f"ray dashboard {FILE}")
    until = time.monotonic() + 60
    while "there" not in lab.run(
        "drv", "ray job list --address http://127.0.0.1:8265 > /dev/null && echo there", check=False
    ):
        assert time.monotonic() < until
        time.sleep(1)
    yield
    forward.kill()  # what it began ends with its host
    forward.wait(30)


def test_a_job_gives_the_bits_of_a_local_run_and_the_head_runs_no_trial(lab, board, local):
    out = lab.shared / "quickstart"
    said = lab.run("drv", f"{RUN} --out {out}", timeout=800)
    assert "Ray: auto, 2 nodes, 2 cores" in said
    wanted = stored(local)
    assert len(wanted) >= 2
    assert all(sum(rows["trades"]) > 1000 for rows in wanted.values())
    assert stored(out) == wanted
    assert hosts_of(out) <= {"w1", "w2"}


def test_a_host_that_dies_half_way_costs_no_row(lab, board, local):
    out = lab.shared / "killed"
    job = half_way(lab, out)
    host = next(one for one in ("w1", "w2") if lab.at_work(one))
    lab.netlab("kill", host)
    done = parts(out)
    assert job.wait(300) == 0, lab.said.read_text()
    assert done < parts(out)
    assert mined(out) == mined(local)
    lab.netlab("boot", host)
    lab.wait_for_nodes(3)


def test_a_driver_that_dies_is_resumed(lab, board, local):
    out = lab.shared / "resumed"
    job = half_way(lab, out)
    lab.run("head", "kill -9 $(pgrep -f '[a]dmf-ray run')")
    assert job.wait(120) != 0
    before = {file.name: file.stat().st_mtime_ns for file in (out / "points").glob("*.parquet")}
    lab.run("drv", f"{SUBMIT} admf-ray resume {out} --address auto {MINING}")
    after = {file.name: file.stat().st_mtime_ns for file in (out / "points").glob("*.parquet")}
    assert 40 <= len(before) < len(after)
    assert before.items() <= after.items()
    assert mined(out) == mined(local)


def test_users_files_come_with_the_working_folder(lab, board):
    for name, text in (("mine.yaml", PIPELINE), ("mine.py", STRATEGY), ("helper.py", HELPER)):
        (lab.work / name).write_text(text)
    (lab.work / "data").mkdir()
    write_parquet(random_walk(600, 5).bars, lab.work / "data" / "bars.parquet")
    out, alone = lab.shared / "mine", lab.shared / "mine_local"
    lab.run("drv", f"{SUBMIT} admf-ray run mine.yaml --address auto {MINING} --out {out}")
    lab.run("drv", f"admf-ray run mine.yaml --workers 1 {MINING} --out {alone}")
    ((context, rows),) = stored(out).items()
    assert context.startswith("mine-")
    assert sum(rows["trades"]) > 100
    assert stored(out) == stored(alone)
    assert hosts_of(out) <= {"w1", "w2"}


def test_results_where_workers_do_not_see_them_are_refused(lab, board):
    said = lab.run("drv", f"{RUN} --out results {MINING}", check=False)
    assert "must see the run at" in said
    assert "choose an --out on a disk that all nodes share" in " ".join(said.split())


def test_nobody_comes_in_without_the_token(lab):
    assert lab.run("head", "stat -c %a ~/.ray/auth_token").strip() == "600"
    join = "import ray; ray.init('10.77.0.10:6379', log_to_driver=False); print(ray.nodes())"
    stranger = f'RAY_AUTH_MODE=disabled timeout 60 python -c "{join}"'
    assert "NodeID" in lab.run("w1", stranger.replace("disabled", "token"))
    assert "NodeID" not in lab.run("w1", stranger, check=False)


def test_ray_down_leaves_nothing_running(lab):
    """Last, since it takes the cluster away; workers end by themselves when their head is gone."""
    lab.run("drv", f"ray down -y {FILE}")
    until = time.monotonic() + 180
    while any("raylet" in lab.run(host, "ps ax -o args") for host in ("head", "w1", "w2")):
        assert time.monotonic() < until
        time.sleep(3)


def half_way(lab, out):
    """The quickstart as a job in small tiles, of which 40 are done and most are not."""
    job = lab.start("drv", f"{RUN} --out {out} {MINING} {SMALL}")
    until = time.monotonic() + 300
    while parts(out) < 40:
        assert time.monotonic() < until
        assert job.poll() is None, lab.said.read_text()
        time.sleep(0.1)
    return job


def mined(out):
    """The rows of phase 1, which a run of all phases has among others."""
    wanted = {f"{one['strategy']}-{one['digest'][:12]}" for one in manifest(out)["contexts"]}
    rows = {context: found for context, found in stored(out).items() if context in wanted}
    assert len(rows) == 2
    return rows


def manifest(out):
    return json.loads((out / "run.json").read_text())


def parts(out):
    return len(list((out / "points").glob("*.parquet")))


def hosts_of(out):
    reports = [line for file in out.glob("tune/*/*/result.json") for line in file.read_text().splitlines()]
    assert reports
    return {json.loads(line)["hostname"] for line in reports}
