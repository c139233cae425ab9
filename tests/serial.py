"""Phase 1 without Ray: the same tiles and the same schedule, one after the other in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

from admf_ray.cluster import run as cluster_run
from admf_ray.cluster.schedule import Rates, Schedule
from admf_ray.cluster.session import Session
from admf_ray.cluster.tilework import TileWork, together

HERE = Session("serial", "", 1, 1, 1, 1 << 33, 1 << 33)


@contextmanager
def serial(shuffled: int | None = None) -> Iterator[None]:
    """Coordinators work without Ray while the block lasts; tiles in an order of that seed, if given."""

    def run_tiles(shared, tiles, here, options, on_report=None):
        work, rates = TileWork(shared), Rates()
        schedule = Schedule(shared.jobs, tiles, rates, lambda: 1)
        while portion := schedule.take("serial"):
            if shuffled is not None:
                np.random.default_rng(shuffled).shuffle(portion)
            for tile in portion:
                done = work.run(tile)
                report = {"trial_id": "serial", "tiles": str(tile), **done, **together([done])}
                schedule.done("serial", [tile], report)
                cluster_run.check_failures(schedule, options)
                if on_report is not None:
                    on_report(report, schedule)
            schedule.ended("serial", lost=False)
        if schedule.refused is not None:
            schedule.refused.refuse(options.max_failed_frac)
        return cluster_run.Ran(schedule.tally, (), False, 0.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster_run, "run_tiles", run_tiles)
        for phase in ("running", "validation.executor"):
            patch.setattr(f"admf_ray.phases.{phase}.session", lambda *_: nullcontext(HERE))
        yield
