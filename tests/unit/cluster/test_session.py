"""Joining a cluster: which nodes count, and what happens where there is no worker yet."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
import ray.autoscaler.sdk

from admf_ray.cluster import session as module
from admf_ray.cluster.session import give_way
from admf_ray.errors import ResourceError

HEAD = {"Alive": True, "Resources": {"memory": 64e9, "node:__internal_head__": 1.0}}
WORKER = {"Alive": True, "Resources": {"CPU": 4.0, "memory": 16e9}}
SMALL = {"Alive": True, "Resources": {"CPU": 2.0, "memory": 8e9}}
DEAD = {**WORKER, "Alive": False}


class Cluster:
    """Shows one list of nodes after the other, then the last."""

    def __init__(self, *states):
        self.states = list(states)

    def nodes(self):
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


@pytest.fixture
def asked(monkeypatch):
    """What the autoscaler was asked for; nothing waits in earnest."""
    wishes = []
    monkeypatch.setattr(ray.autoscaler.sdk, "request_resources", lambda num_cpus: wishes.append(num_cpus))
    monkeypatch.setattr(ray._private.worker, "get_dashboard_url", lambda: "")
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.0)
    return wishes


def test_a_head_without_cores_and_dead_nodes_count_for_nothing(asked):
    found = module._described(Cluster([HEAD, WORKER, SMALL, DEAD]), "auto")
    assert (found.nodes, found.cores, found.node_cores) == (2, 6, 2)
    assert (found.memory_bytes, found.node_memory_bytes) == (24 * 10**9, 16 * 10**9)
    assert found.joined


def test_a_cluster_without_a_worker_is_asked_for_one_and_waited_for(asked):
    cluster = Cluster([HEAD], [HEAD], [HEAD, DEAD], [HEAD, WORKER])
    module._wait_for_cores(cluster, "auto")
    assert asked == [1, 0]
    assert module._described(cluster, "auto").cores == 4


def test_a_cluster_with_workers_is_asked_for_nothing(asked):
    module._wait_for_cores(Cluster([HEAD, WORKER]), "auto")
    assert asked == []


def test_a_worker_that_never_comes_is_an_error(asked, monkeypatch):
    monkeypatch.setattr(module, "FIRST_WORKER_S", 0.0)
    cluster = Cluster([HEAD])
    module._wait_for_cores(cluster, "auto")
    assert asked == [1, 0]
    with pytest.raises(ResourceError, match="must have a node that runs trials, found none with a core"):
        module._described(cluster, "auto")


def test_the_client_protocol_is_refused():
    with pytest.raises(ResourceError, match="must not be a Ray Client address"), module.session("ray://h:1"):
        pass


STARTS_ANOTHER = """
import subprocess, sys, time
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(other.pid, flush=True)
time.sleep(600)
"""


def test_a_program_and_what_it_started_give_way_and_nothing_else(monkeypatch):
    asked, nice = [], psutil.Process.nice

    def noted(process, value=None):
        if value is not None:
            asked.append(process.pid)
        return nice(process, value)

    monkeypatch.setattr(psutil.Process, "nice", noted)  # told also where the tests give way themselves

    def started(*words):
        return subprocess.Popen([sys.executable, "-c", STARTS_ANOTHER, *words], stdout=subprocess.PIPE)

    # as a raylet is told how to start the dashboard's agent
    board, raylet = started("/x/board.py", "--port=1"), started("--command=python /x/board.py")
    try:
        theirs, others = ([one.pid, int(one.stdout.readline())] for one in (board, raylet))
        before = os.getpriority(os.PRIO_PROCESS, 0)
        give_way("/board.py")
        assert sorted(asked) == sorted(theirs)
        assert [psutil.Process(pid).nice() for pid in theirs] == [19, 19]
        assert [psutil.Process(pid).nice() for pid in others] == [before, before]
    finally:
        for pid in (*theirs, *others):
            os.kill(pid, signal.SIGKILL)
        for one in (board, raylet):
            one.wait()
            one.stdout.close()
