"""A search whose points, workers and drivers die: its rows are those of an undisturbed one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from admf_ray.errors import ResourceError, StoreError
from admf_ray.results.store import RunStore
from tests.searching import ROOT, bits, finish, parts, pipeline, search, start, stored, traded, written
from tests.serial import serial

UNRULY = '''
import os
import signal
import time

from admf_ray import Param, Strategy
from admf_ray.components.indicators import sma

BAD = {bad}


class Compiled(Strategy):
    """Above its mean; three points of a hundred are bad."""

    n = Param(5, low=2, high=101)
    memory = (0.0,)

    def prepare(bars, p):
        return {{"close": bars.close, "mean": sma(bars.close, p.n)}}

    def decide(now, p, memory):
        bar = memory[0]
        if BAD and bar == 40.0 and (p.n == 10.0 or p.n == 20.0):
            raise ValueError("not with this n")
        while BAD and bar >= 40.0 and p.n == 30.0:
            bar += 1.0
        return (1.0 if now.close > now.mean else 0.0), (bar + 1.0,)


class Plain(Strategy):
    """Above its mean; seven points of a hundred are bad."""

    n = Param(5, low=2, high=101)

    def on_bar(self, bar):
        if BAD and bar.bar == 40:
            if self.n in (11, 21, 31):
                raise ValueError("not with this n")
            while self.n in (41, 51):
                pass
            if self.n == 61:
                os.kill(os.getpid(), signal.SIGKILL)
            if self.n == 71:
                os._exit(3)
        closes = bar.history(self.n).close
        return 1.0 if closes[-1] > closes.mean() else 0.0
'''
HUNDRED = {"parameters": {"n": {"start": 2, "stop": 101, "step": 1}}}
ENDS = {
    ("Compiled", 10): "failed", ("Compiled", 20): "failed", ("Compiled", 30): "timeout",
    ("Plain", 11): "failed", ("Plain", 21): "failed", ("Plain", 31): "failed",
    ("Plain", 41): "timeout", ("Plain", 51): "timeout", ("Plain", 61): "crashed", ("Plain", 71): "crashed",
}  # fmt: skip


def test_two_hundred_points_of_which_ten_go_wrong(tmp_path, ray_address):
    runs = {}
    for bad in (False, True):
        file = tmp_path / f"unruly_{bad}.py"
        file.write_text(UNRULY.format(bad=bad))
        body = pipeline(
            tmp_path, {"Compiled": HUNDRED, "Plain": HUNDRED}, files=(file,), n_bars=150, folds=False,
            execution={"point_timeout_s": 2.0},
        )  # fmt: skip
        if bad:
            words = ("run", written(tmp_path, body), "--out", tmp_path / "True", "--address", ray_address)
            code, out, err = finish(start(*words, "--json", own_ray=False))
            assert code == 0, err
        else:
            with serial():
                search(body, tmp_path / "False")
        # other code has other numbers: the parameters tell which point it is
        runs[bad] = stored(tmp_path / str(bad)).drop_columns("point_id").sort_by(
            [("strategy", "ascending"), ("n", "ascending")]
        )  # fmt: skip
    said = json.loads(out)
    assert (said["computed"], said["failed"]) == (200, 10)
    clean, found = runs[False], runs[True]
    assert traded(clean)
    assert set(clean["status"].to_pylist()) == {"ok"}
    keys = list(zip(found["strategy"].to_pylist(), map(int, found["n"].to_pylist()), strict=True))
    status = dict(zip(keys, found["status"].to_pylist(), strict=True))
    assert {key: word for key, word in status.items() if word != "ok"} == ENDS
    kinds = dict(
        zip(keys, zip(found["error_type"].to_pylist(), found["error"].to_pylist(), strict=True), strict=True)
    )
    assert kinds["Compiled", 10] == ("ValueError", "raised ValueError: not with this n")
    assert kinds["Plain", 61][0] == "SIGKILL"
    assert kinds["Plain", 71][0] == "exit 3"
    assert kinds["Plain", 41][1].startswith("Plain: must be done within 2 s a point")
    good = np.array([status[key] == "ok" for key in keys])
    assert good.sum() == 190
    assert bits(found.filter(good)) == bits(clean.filter(good))
    assert np.isnan(found["sharpe"].to_numpy()[~good]).all()


def test_too_many_failures_stop_the_run_with_the_reason(tmp_path, ray_address):
    file = tmp_path / "failing.py"
    file.write_text(UNRULY.format(bad=True).replace("self.n in (11, 21, 31)", "self.n % 3"))
    body = pipeline(
        tmp_path, {"Plain": HUNDRED}, files=(file,), n_bars=60, folds=False,
        search={"neighborhood_testing": {"enabled": False}},
        execution={"tile_points": 5, "max_failed_frac": 0.25, "point_timeout_s": 2.0},
    )  # fmt: skip
    slippages = {"broker.slippage_frac": [0.0, 0.01, 0.02, 0.03, 0.04, 0.05]}
    body["pipeline"]["phase_1_mining"]["parameter_search"]["base_grid"]["strategies"]["Plain"] = {
        "parameters": {**HUNDRED["parameters"], **slippages}
    }
    said = r"max_failed_frac: at most 25% of the points may fail, found \d+ of \d+ \(.*\d+ failed"
    with pytest.raises(ResourceError, match=said):
        search(body, tmp_path / "run", address=ray_address)
    rows = stored(tmp_path / "run")
    assert 100 <= rows.num_rows < 600, "it stopped before the end"
    assert set(rows["status"].to_pylist()) >= {"failed"}


SLOW = '''
import os
import signal
import time
from pathlib import Path

from admf_ray import Param, Strategy

HERE = Path(__file__).parent


class Slow(Strategy):
    """Above its mean, in Python and with a pause, until there is no more need of one."""

    n = Param(5, low=2, high=101)

    def on_bar(self, bar):
        if bar.bar == 0:
            if not (HERE / "hurry").exists():
                time.sleep({pause_s})
            {act}
        closes = bar.history(self.n).close
        return 1.0 if closes[-1] > closes.mean() else 0.0
'''
ONCE = (
    "if self.n == 20 and not (HERE / 'done').exists():"
    " (HERE / 'done').touch(); os.kill(os.getppid(), signal.SIGKILL)"
)


def slow(folder: Path, pause_s: float = 0.0, act: str = "pass", count: int = 40) -> dict:
    """Return a search of plain-Python points, two a tile."""
    folder.mkdir(exist_ok=True)
    file = folder / "slow.py"
    file.write_text(SLOW.format(pause_s=pause_s, act=act))
    grid = {"Slow": {"parameters": {"n": {"start": 2, "stop": 1 + count, "step": 1}}}}
    return pipeline(
        folder, grid, files=(file,), n_bars=80, folds=False,
        search={"neighborhood_testing": {"enabled": False}}, execution={"tile_points": 2},
    )  # fmt: skip


def test_too_many_failures_are_too_many_the_next_time(tmp_path):
    body = slow(tmp_path, act="raise ValueError('not today')", count=4)
    for _ in range(2):
        with serial(), pytest.raises(ResourceError, match=r"max_failed_frac.*found 4 of 4 \(4 failed\)"):
            search(body, tmp_path / "run")
    assert stored(tmp_path / "run").num_rows == 4


AGAIN = """
import json, sys
from tests.searching import search
search(json.loads(sys.argv[1]), sys.argv[2])
assert "ray" not in sys.modules, "started for nothing"
"""


def test_a_second_run_computes_nothing_and_needs_no_ray(tmp_path):
    body = pipeline(tmp_path, folds=False)
    with serial():
        search(body, tmp_path / "run")
    before = parts(tmp_path / "run")
    words = (sys.executable, "-c", AGAIN, json.dumps(body), str(tmp_path / "run"))
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert parts(tmp_path / "run") == before


def undisturbed(body: dict, folder: Path) -> dict:
    """Return the bits of the same search without Ray; its file's flags are set, so that nothing happens."""
    (folder / "hurry").touch()
    with serial():
        search(body, folder / "alone")
    rows = stored(folder / "alone")
    assert traded(rows)
    assert set(rows["status"].to_pylist()) == {"ok"}
    return bits(rows)


def test_a_killed_worker_loses_one_tile(tmp_path, ray_address):
    body = slow(tmp_path, act=ONCE)
    found = search(body, tmp_path / "run", address=ray_address, workers=1)
    assert (tmp_path / "done").exists()
    (grid,) = found.ran.results
    assert not grid.errors
    assert found.ran.tally.points == 40
    assert bits(stored(tmp_path / "run")) == undisturbed(body, tmp_path)


def until(ready, process, timeout_s=120):
    end = time.monotonic() + timeout_s
    while not ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def killed_then_resumed(tmp_path, body, after, *words, own_ray):
    """Kill the driver when so many parts are there, resume, and return the bits; finished parts stay."""
    out = tmp_path / "run"
    for count in after:
        begin = ("resume", out) if out.exists() else ("run", written(tmp_path, body), "--out", out)
        process = start(*begin, "--json", *words, own_ray=own_ray)
        until(lambda count=count: len(parts(out)) >= count, process)
        process.kill()
        process.communicate()
        before = parts(out)
        assert len(before) < 20, "too late to be a kill"
    (tmp_path / "hurry").touch()
    code, text, err = finish(start("resume", out, "--json", *words, own_ray=own_ray))
    assert code == 0, err
    kept = parts(out)
    assert {name: kept[name] for name in before} == before
    assert json.loads(text)["computed"] <= 40 - 2 * len(before)
    return bits(stored(out))


def test_a_killed_driver(tmp_path, ray_address):
    body = slow(tmp_path, pause_s=0.1)
    words = ("--address", ray_address)
    assert killed_then_resumed(tmp_path, body, [3], *words, own_ray=False) == undisturbed(body, tmp_path)


@pytest.mark.slow
def test_a_driver_killed_at_several_instants(tmp_path):
    body = slow(tmp_path, pause_s=0.1)
    instants = sorted(np.random.default_rng(11).choice(np.arange(1, 14), 3, replace=False).tolist())
    assert killed_then_resumed(tmp_path, body, instants, own_ray=True) == undisturbed(body, tmp_path)


def interrupted(words, ready, times, own_ray):
    """Send Ctrl-C as a terminal does, to the whole group, once ready; return exit code and errors."""
    process = start(*words, own_ray=own_ray)
    until(ready, process)
    os.killpg(process.pid, signal.SIGINT)
    for _ in range(times - 1):
        time.sleep(0.3)
        os.killpg(process.pid, signal.SIGINT)
    code, _, err = finish(process)
    assert "Traceback" not in err
    return code, err


def test_ctrl_c_lets_running_tiles_end(tmp_path, ray_address):
    body, out = slow(tmp_path, pause_s=0.15), tmp_path / "run"
    words = ("run", written(tmp_path, body), "--out", out, "--address", ray_address)
    code, err = interrupted(words, lambda: len(parts(out)) >= 2, 1, own_ray=False)
    assert code == 130, err
    assert "stopping: running tiles are finished and kept; again to stop at once" in err
    assert f"stopped: what is done is kept; go on with: admf-ray resume {out}" in err
    before = parts(out)
    assert 2 <= len(before) < 20
    (tmp_path / "hurry").touch()
    with serial():
        search(body, out)
    after = parts(out)
    assert {name: after[name] for name in before} == before
    assert bits(stored(out)) == undisturbed(body, tmp_path)


@pytest.mark.slow
def test_ctrl_c_twice_stops_at_once(tmp_path):
    body, out = slow(tmp_path, pause_s=2.0), tmp_path / "run"
    words = ("run", written(tmp_path, body), "--out", out)
    code, err = interrupted(words, lambda: len(parts(out)) >= 1, 2, own_ray=True)
    assert code == 130, err
    assert f"stopped: what is done is kept; go on with: admf-ray resume {out}" in err
    assert 1 <= len(parts(out)) < 20
    with RunStore(str(out)).held():
        pass  # nobody holds it any more


def test_two_drivers_on_one_run(tmp_path):
    body = slow(tmp_path, count=2)
    with serial():
        search(body, tmp_path / "run")
        with (
            RunStore(str(tmp_path / "run")).held(),
            pytest.raises(
                StoreError, match=rf"held by one driver at a time, found process {os.getpid()} on .* at work"
            ),
        ):
            search(body, tmp_path / "run")
        search(body, tmp_path / "run")
