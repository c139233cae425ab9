"""A strategy that raises, hangs, grows or ends its process costs its own point only."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from admf_ray.engine.board import STATUSES
from admf_ray.engine.failures import DoesNotCompile
from admf_ray.engine.guard import Limits, guarded
from admf_ray.engine.points import run_points
from admf_ray.engine.stack import Stack
from tests.faults.unruly import Compiled, Leaky, Learner, Plain, conditions

QUICK = Limits(point_timeout_s=0.7)
COMPILED, PLAIN = Stack(Compiled), Stack(Plain)


@pytest.fixture(autouse=True)
def quiet():
    """No traces of crashes that are wanted."""
    enabled = faulthandler.is_enabled()
    faulthandler.disable()
    yield
    if enabled:
        faulthandler.enable()


def children():
    """Return the processes this thread started; Python's own tracker stays for as long as Python."""
    found = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    return {one for one in found if "resource_tracker" not in Path(f"/proc/{one}/cmdline").read_text()}


@pytest.fixture(autouse=True)
def no_process_stays():
    """Every process that a test starts ends with it; the tests' Ray may be a child of this process."""
    before = children()
    yield
    assert children() <= before


def points(stack, acts, count):
    """Return `count` points of which those at `acts` do something, and where."""
    return stack.values([{"n": 2 + i % 30, "act": acts.get(i, 0)} for i in range(count)])


def undisturbed(stack, count, of=None):
    """Return what well-behaved points give, figures that differ and trades among them."""
    result = run_points(of or conditions(), stack, points(stack, {}, count))
    assert not result.errors
    assert (result.status == 0).all()
    trades = result.values[:, 0, (of or conditions()).metrics.index("trades")]
    assert (trades > 0).all()
    assert len(np.unique(result.values[:, 0, 1])) >= min(count, 30) // 5
    return result


def check(found, clean, expected):
    """Statuses as expected, and the bits of all others undisturbed."""
    assert {i: STATUSES[s] for i, s in enumerate(found.status) if s} == expected
    assert set(found.errors) == set(expected)
    good = found.status == 0
    assert good.sum() == len(good) - len(expected)
    for mine, theirs in zip((*found[:3], found.returns), (*clean[:3], clean.returns), strict=True):
        assert mine[good].tobytes() == theirs[good].tobytes()
        assert np.isnan(mine[~good]).all()


def test_two_hundred_compiled_points_of_which_eight_go_wrong():
    clean = undisturbed(COMPILED, 200)
    acts = {3: 1, 40: 1, 41: 11, 120: 1, 199: 11, 17: 2, 88: 2, 150: 12}
    expected = {i: "timeout" if act in (2, 12) else "failed" for i, act in acts.items()}
    found = guarded(conditions(), COMPILED, points(COMPILED, acts, 200), QUICK)
    check(found, clean, expected)
    assert found.errors[3] == ("ValueError", "raised ValueError: enough")
    kind, line = found.errors[41]
    assert (kind, "not this one" in line) == ("ValueError", True)
    assert found.errors[88][0] == "TimeoutError"
    assert found.errors[88][1].startswith("Compiled: must be done within 0.7 s a point")


def test_on_several_threads_the_one_to_blame_is_found_too():
    clean = undisturbed(COMPILED, 40)
    acts = {7: 1, 20: 2, 21: 11}
    found = guarded(conditions(), COMPILED, points(COMPILED, acts, 40), QUICK, threads=2)
    check(found, clean, {7: "failed", 20: "timeout", 21: "failed"})
    good = points(COMPILED, {7: 1, 21: 11}, 40)
    check(run_points(conditions(), COMPILED, good, threads=2), clean, {7: "failed", 21: "failed"})


def test_two_hundred_plain_points_of_which_ten_go_wrong():
    clean = undisturbed(PLAIN, 200)
    acts = {0: 1, 50: 1, 51: 8, 120: 1, 199: 8, 17: 2, 88: 2, 150: 9, 60: 3, 61: 6}
    kinds = {1: "failed", 8: "failed", 2: "timeout", 9: "timeout", 3: "crashed", 6: "crashed"}
    found = guarded(conditions(), PLAIN, points(PLAIN, acts, 200), QUICK)
    check(found, clean, {i: kinds[act] for i, act in acts.items()})
    assert (found.returns[1] != 0).any()
    assert found.errors[0][0] == "ValueError"
    assert "Plain.on_bar: raised ValueError: enough at bar 69" in found.errors[0][1]
    assert found.errors[51][0] == "SystemExit"
    assert found.errors[60] == (
        "SIGKILL", "Plain: must not end its process, found signal SIGKILL; mend it"
    )  # fmt: skip
    assert found.errors[61][0] == "SIGSEGV"


def test_a_process_that_ends_or_is_tampered_with():
    clean = undisturbed(PLAIN, 40)
    acts = {5: 5, 9: 12, 20: 13, 30: 14}
    found = guarded(conditions(), PLAIN, points(PLAIN, acts, 40), QUICK)
    check(found, clean, dict.fromkeys(acts, "crashed"))
    assert found.errors[5][0] == "exit 3"
    assert found.errors[9][0] == "exit 0"
    assert found.errors[20][0] == "KeyboardInterrupt"


def test_what_a_strategy_leaves_behind_ends_with_its_process(capfd):
    print("the parent's", end="")
    clean = undisturbed(PLAIN, 20)
    found = guarded(conditions(), PLAIN, points(PLAIN, {4: 4, 10: 10, 11: 11}, 20), QUICK)
    check(found, clean, {})
    sys.stdout.flush()
    out = capfd.readouterr().out
    assert out.count("a word") == 1
    assert out.count("the parent's") == 1


@pytest.mark.parametrize("fresh", [False, True])
def test_memory(fresh):
    clean = undisturbed(PLAIN, 20)
    limits = Limits(20.0, memory_bytes=300 << 20, fresh_process=fresh)
    found = guarded(conditions(), PLAIN, points(PLAIN, {6: 7, 13: 7}, 20), limits)
    check(found, clean, {6: "oom", 13: "oom"})
    kind, line = found.errors[6]
    assert kind == "MemoryError"
    assert "Unable to allocate 8.00 GiB" in line


def test_what_earlier_points_left_in_memory_costs_no_later_one():
    stack = Stack(Leaky)
    rows = stack.values([{"n": 2 + i} for i in range(20)])
    kept = Leaky.kept
    clean = run_points(conditions(), stack, rows)
    assert len(kept) >= 20, "it leaks"
    kept.clear()
    assert (clean.status == 0).all()
    found = guarded(conditions(), stack, rows, Limits(20.0, memory_bytes=100 << 20))
    assert not kept, "in the child only"
    check(found, clean, {})


@pytest.mark.parametrize("stack", [COMPILED, PLAIN], ids=["compiled", "plain"])
def test_a_fresh_process_a_point_gives_the_same_bits(stack):
    clean = undisturbed(stack, 20)
    acts = {7: 1, 8: 2}
    limits = Limits(0.7, fresh_process=True)
    found = guarded(conditions(), stack, points(stack, acts, 20), limits)
    check(found, clean, {7: "failed", 8: "timeout"})


def test_a_strategy_that_learns():
    stack = Stack(Learner)
    clean = undisturbed(stack, 30)
    acts = {3: 1, 12: 2, 29: 5}
    found = guarded(conditions(), stack, points(stack, acts, 30), QUICK)
    check(found, clean, {3: "failed", 12: "timeout", 29: "crashed"})
    assert "Learner.fit: raised ValueError: enough" in found.errors[3][1]


def test_windows_without_history():
    for stack, tail in ((COMPILED, False), (PLAIN, True)):
        of = conditions(warmup="none", tail=tail)
        clean = undisturbed(stack, 12, of)
        with_history = run_points(conditions(tail=tail), stack, points(stack, {}, 12))
        late = [result.values[:, 1].tobytes() for result in (clean, with_history)]
        assert late[0] != late[1], "the late window's indicators start anew"
        found = guarded(of, stack, points(stack, {2: 1, 5: 2}, 12), QUICK)
        check(found, clean, {2: "failed", 5: "timeout"})


def test_wrong_code_is_no_point_s_failure():
    class Wrong(Compiled):
        def decide(now):
            return now.nowhere

    stack = Stack(Wrong)
    with pytest.raises(DoesNotCompile, match="Wrong: does not compile, now has no 'nowhere'"):
        guarded(conditions(), stack, stack.values([{}] * 3), QUICK)


def test_no_points():
    for stack in (COMPILED, PLAIN):
        assert guarded(conditions(), stack, np.empty((0, len(stack.columns))), QUICK).values.shape[0] == 0


def open_files():
    return sorted(os.listdir("/proc/self/fd"))


def test_nothing_is_left_open():
    rows = points(PLAIN, {1: 3}, 2)
    of = conditions()
    guarded(of, PLAIN, rows, QUICK)
    gc.collect()
    before, maps = open_files(), Path("/proc/self/maps").read_text().count("/dev/zero")
    for _ in range(20):
        assert guarded(of, PLAIN, rows, QUICK).status.tolist() == [0, 3]
    gc.collect()
    assert open_files() == before
    assert Path("/proc/self/maps").read_text().count("/dev/zero") <= maps + 7


def test_an_interrupt_ends_the_child_and_leaves_nothing():
    before = open_files()
    timer = threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT))
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            guarded(conditions(), PLAIN, points(PLAIN, {0: 2}, 2), Limits(60.0))
    finally:
        signal.signal(signal.SIGINT, old)
        timer.join()
    assert open_files() == before


ORPHAN = """
from tests.faults.unruly import Plain, conditions
from admf_ray.engine.guard import Limits, guarded
from admf_ray.engine.stack import Stack
stack = Stack(Plain)
print("ready", flush=True)
guarded(conditions(), stack, stack.values([{"act": 2}]), Limits(600.0))
"""


def test_the_child_dies_with_its_parent():
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN], cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
    ) as parent:  # fmt: skip
        assert parent.stdout.readline() == b"ready\n"
        listed = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        until(lambda: listed.read_text().strip())
        (child,) = map(int, listed.read_text().split())
        parent.kill()
        parent.wait()
        until(lambda: not alive(child))


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid):
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False
