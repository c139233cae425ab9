"""Phase 3 without Ray: tiles and test strategies in this process, or one call in a forked one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from admf_ray.cluster import suite
from tests.serial import serial


def _answered(pipe: Any, function: Any, argument: Any, shared: Any) -> None:
    try:
        pipe.send(function(argument, shared))
    except Exception as error:
        pipe.send(error)
    pipe.close()


def fresh(function: Any, argument: Any, shared: Any) -> Any:
    """Run in a forked process, so that whatever it leaves behind ends with it."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_answered, args=(there, function, argument, shared))
    child.start()
    answer = here.recv()
    child.join()
    return answer


@contextmanager
def inline() -> Iterator[list[str]]:
    """Coordinators work without Ray while the block lasts; gives the names of the calls made."""
    made: list[str] = []

    def run_suite(calls, shared, here, **options):
        made.extend(call.name for call in calls)
        return {call.name: call.function(call.argument, shared) for call in calls}

    with serial(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(suite, "run_suite", run_suite)
        patch.setattr(suite, "two_nodes", tuple)
        yield made
