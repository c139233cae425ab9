"""Phase 3 without Ray: tiles in this process, test strategies in forked ones."""

from __future__ import annotations

import multiprocessing
from typing import Any

from admf_ray.cluster.canary import canary
from admf_ray.cluster.jobs import Shared
from admf_ray.cluster.tiles import tiles_of
from admf_ray.cluster.tilework import TileWork
from admf_ray.phases.validation import TestExecutor


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


class Inline(TestExecutor):
    """Keeps count of what it ran."""

    __test__ = False
    ran_tiles = 0
    ran_calls = 0

    def complete(self, jobs):
        jobs = [self._left(job) for job in jobs]
        shared = Shared(
            self.config.strategies, self.search.conditions, tuple(jobs), self.limits, self.store,
            self._objective, self._maximize, 1, canary(),
        )  # fmt: skip
        work = TileWork(shared)
        for tile in tiles_of(jobs, None):
            work.run(tile)
            self.ran_tiles += 1

    def _each(self, work, shared, elsewhere=()):
        self.ran_calls += len(work)
        return {name: fresh(function, argument, shared) for name, (function, argument) in work.items()}
