"""Calls in processes of their own: where they are told to run, whoever waits there."""

import os
import time
from types import SimpleNamespace

import pytest

from admf_ray.cluster.session import session


def own_process(argument, shared):
    time.sleep(0.2)
    return os.getpid(), os.environ["RAY_RAYLET_PID"], shared


def test_a_call_for_one_node_is_not_kept_waiting_by_idle_processes(ray_address):
    with session(ray_address) as here:
        import ray

        from admf_ray.cluster.suite import Call, run_suite, two_nodes

        node = ray.get_runtime_context().get_node_id()
        calls = [Call(name, own_process, None, fresh=False) for name in "abcd"]
        calls.append(Call("there", own_process, None, fresh=False, node=node))
        found = run_suite(calls, "all", here, workers=2, timeout_s=60.0)
        assert two_nodes() == ()
    assert list(found) == [*"abcd", "there"]
    assert {shared for _, _, shared in found.values()} == {"all"}
    kept = {found[name][0] for name in "abcd"}
    assert len(kept) <= 2, "processes are used again"
    assert found["there"][0] not in kept


def test_a_fresh_process_has_run_nothing_and_may_be_used_again(ray_address):
    with session(ray_address) as here:
        from admf_ray.cluster.suite import Call, run_suite

        calls = [Call(name, own_process, None, fresh=name < "e") for name in "abcdef"]
        found = run_suite(calls, "all", here, workers=2, timeout_s=60.0)
    process = {name: answer[0] for name, answer in found.items()}
    assert len({process[name] for name in "abcd"}) == 4
    assert {process["e"], process["f"]} <= {process["c"], process["d"]}


class Clock:
    """Every look at it is an hour after the last one, until it is stopped."""

    def __init__(self):
        self.now, self.looks, self.stopped = 0.0, 0, False

    def __call__(self):
        self.looks += 1
        self.now += 0.0 if self.stopped else 3_600.0
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr("admf_ray.cluster.suite.time", SimpleNamespace(monotonic=made))
    monkeypatch.setattr("admf_ray.cluster.suite.LOOK_S", 0.05)
    return made


def hanging(argument, shared):
    time.sleep(60.0)


def test_the_time_of_a_call_counts_from_when_its_process_runs(ray_address, clock, monkeypatch):
    with session(ray_address) as here:
        import ray

        from admf_ray.cluster import suite

        holder = ray.remote(suite._Caller).options(num_cpus=here.cores).remote([], ())
        ray.get(holder.up.remote())
        look = ray.wait

        def looked(references, **options):
            if clock.looks == 5 and not clock.stopped:  # five hours in the queue
                clock.stopped = True
                ray.kill(holder)
            return look(references, **options)

        monkeypatch.setattr(ray, "wait", looked)
        found = suite.run_suite([suite.Call("queued", own_process, None)], "all", here, timeout_s=60.0)
    assert clock.looks >= 5
    assert found["queued"][2] == "all"


def test_a_call_that_runs_too_long_is_ended(ray_address, clock):
    with session(ray_address) as here:
        from admf_ray.cluster.suite import Call, run_suite

        found = run_suite([Call("long", hanging, None)], "all", here, timeout_s=60.0)
    assert repr(found["long"]) == "TimeoutError('60 s')"
