"""Calls in processes of their own: where they are told to run, whoever waits there."""

import os
import time

from admf_ray.cluster.session import session


def own_process(argument, shared):
    time.sleep(0.2)
    return os.getpid(), os.environ["RAY_RAYLET_PID"], shared


def test_a_call_for_one_node_is_not_kept_waiting_by_idle_processes(ray_address):
    with session(ray_address) as here:
        import ray

        from admf_ray.cluster.suite import Call, run_suite, two_nodes

        node = ray.get_runtime_context().get_node_id()
        calls = [Call(name, own_process, None) for name in "abcd"]
        calls.append(Call("there", own_process, None, node))
        found = run_suite(calls, "all", here, fresh=False, workers=2, timeout_s=60.0)
        assert two_nodes() == ()
    assert list(found) == [*"abcd", "there"]
    assert {shared for _, _, shared in found.values()} == {"all"}
    kept = {found[name][0] for name in "abcd"}
    assert len(kept) <= 2, "processes are used again"
    assert found["there"][0] not in kept
