"""Running jobs: whatever the store lacks of them goes to the cluster, and what came is checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from admf_ray.cluster.canary import canary
from admf_ray.cluster.jobs import Job, Shared
from admf_ray.cluster.schedule import Tally
from admf_ray.cluster.session import Session, session
from admf_ray.cluster.tiles import Tile, tiles_of
from admf_ray.config.objectives import direction_of
from admf_ray.config.schema import PipelineConfig
from admf_ray.engine.guard import Limits
from admf_ray.errors import StoreError
from admf_ray.logs import get_logger
from admf_ray.market.sealing import closed_now
from admf_ray.phases.probing import refuse_foresight
from admf_ray.phases.progress import Watch
from admf_ray.phases.search import Search
from admf_ray.phases.settings import Settings
from admf_ray.results.points import StoredPoints
from admf_ray.results.store import RunStore

if TYPE_CHECKING:
    from admf_ray.cluster.run import Ran

__all__ = ["Runner"]

log = get_logger(__name__)


@dataclass(frozen=True)
class Runner:
    """Runs jobs of one search into one store.

    Parameters
    ----------
    config : PipelineConfig
    settings : Settings
    search : Search
        Whose bars and conditions the jobs have.
    store : RunStore
    """

    config: PipelineConfig
    settings: Settings
    search: Search
    store: RunStore

    def run(self, jobs: Sequence[Job], earlier: Tally) -> Ran | None:
        """Run whatever the store lacks of the jobs; None where it lacks nothing.

        Parameters
        ----------
        jobs : sequence of Job
        earlier : Tally
            Of points of other jobs; they count for the share of failures.
        """
        stored = [self.stored(job) for job in jobs]
        jobs = [job.left(np.flatnonzero(~own.known())) for job, own in zip(jobs, stored, strict=True)]
        tiles = tiles_of(jobs, self.config.phase_1_mining.execution.tile_points)
        if not tiles:
            log.info("nothing to run: all %d points are stored", sum(len(job.points) for job in jobs))
            return None
        before = earlier.plus(_tally(stored))
        for job in jobs:
            if len(job.todo):
                refuse_foresight(self.search, job, self._limits)
        watch = Watch(jobs, self.store, self.objective, self.maximize, self.settings.on_progress)
        with session(self.settings.address, self.settings.cores) as here:
            if self.settings.on_session is not None:
                self.settings.on_session(here)
            return self._on_cluster(jobs, tiles, here, watch, before)

    def tally(self, jobs: Sequence[Job]) -> Tally:
        """Return what came of the jobs' rows that are stored, whoever computed them."""
        return _tally([self.stored(job) for job in jobs])

    def check(self, jobs: Sequence[Job]) -> Tally:
        """Return what came of all rows of the jobs; refuse jobs that lack some."""
        tally, points = self.tally(jobs), sum(len(job.points) for job in jobs)
        if left := points - tally.points:
            raise StoreError(f"{self.store.uri}: all rows must be there, found {left:,} missing; run again")
        return tally

    def stored(self, job: Job) -> StoredPoints:
        """Return a job's rows as the store has them."""
        return StoredPoints(self.store, job.context, job.ids)

    @property
    def objective(self) -> str:
        """The figure that points are judged by."""
        return self.config.phase_1_mining.parameter_search.objective

    @property
    def maximize(self) -> bool:
        """Whether more of it is better."""
        return direction_of(self.objective) == "maximize"

    @property
    def _limits(self) -> Limits:
        """What one point may take."""
        execution, containers = self.config.phase_1_mining.execution, self.config.container_settings
        return Limits(
            point_timeout_s=execution.point_timeout_s,
            teardown_timeout_s=containers.teardown_timeout,
            memory_bytes=containers.memory_limit_per_container,
            fresh_process=execution.isolation_level == "process",
        )

    def _on_cluster(
        self, jobs: Sequence[Job], tiles: Sequence[Tile], here: Session, watch: Watch, before: Tally
    ) -> Ran:
        from admf_ray.cluster.run import Options, run_tiles  # Ray reads its environment when it is imported

        execution, limits = self.config.phase_1_mining.execution, self.config.container_settings
        thread = execution.parallelism == "thread"
        shared = Shared(
            self.config.strategies, self.search.conditions, tuple(jobs), self._limits, self.store,
            self.objective, self.maximize, here.node_cores if thread else 1, limits.container_pool_size,
            canary(), sealed=closed_now(),
        )  # fmt: skip
        options = Options(
            limits.max_concurrent_containers, limits.memory_limit_per_container, thread,
            execution.max_failed_frac, self.settings.workers,
            self.config.phase_1_mining.parameter_search.neighborhood_testing.parallel_neighbors,
            self.settings.callbacks, self.settings.stopper, before,
        )  # fmt: skip
        return run_tiles(shared, tiles, here, options, watch.report)


def _tally(stored: Sequence[StoredPoints]) -> Tally:
    counts = sum((own.counts() for own in stored), Counter[str]())
    found = counts.total()
    return Tally(found, found - counts.pop("ok", 0), by_status=counts)
