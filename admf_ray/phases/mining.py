"""Phase 1: the grid and its surroundings, over the full training span and every walk-forward window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.cluster.canary import canary
from admf_ray.cluster.jobs import Job, Shared
from admf_ray.cluster.schedule import Tally
from admf_ray.cluster.session import Session, kept_open, session
from admf_ray.cluster.tiles import Tile, tiles_of
from admf_ray.config.load import parse_pipeline
from admf_ray.config.objectives import direction_of
from admf_ray.config.schema import PipelineConfig
from admf_ray.engine.assembly import build_container, replay_in
from admf_ray.engine.container import ScopedContainer
from admf_ray.engine.guard import Limits
from admf_ray.engine.stack import Stack
from admf_ray.errors import ADMFError, ConfigError, StoreError
from admf_ray.logs import get_logger
from admf_ray.market.sealing import closed_now
from admf_ray.phases.manifest import settled
from admf_ray.phases.mined import Mined, Searched
from admf_ray.phases.probing import refuse_foresight
from admf_ray.phases.progress import Watch
from admf_ray.phases.proposing import guide_of, indices_of, refuse_many
from admf_ray.phases.search import Search, job_of, prepare_search
from admf_ray.phases.settings import Settings
from admf_ray.phases.trials import begin_count, count_in
from admf_ray.phases.written import write_mined
from admf_ray.results.points import StoredPoints
from admf_ray.results.store import RunStore

if TYPE_CHECKING:
    from admf_ray.cluster.run import Ran

__all__ = ["BacktestCoordinator", "Settings"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

log = get_logger(__name__)


class BacktestCoordinator:
    """Runs a pipeline's parameter search in isolated containers and keeps every row.

    Parameters
    ----------
    config : PipelineConfig
    **settings
        See `Settings`; ``out`` is ``results/NAME`` when left out.

    Attributes
    ----------
    ran : Ran or None
        How the last search went: Tune's results, counts, whether it was interrupted.
    store : RunStore
        The run at work.

    Examples
    --------
    >>> from admf_ray import BacktestCoordinator
    >>> from admf_ray.config import load_pipeline
    >>> config = load_pipeline("configs/quickstart.yaml")        # doctest: +SKIP
    >>> mined = BacktestCoordinator(config).run_parameter_search()  # doctest: +SKIP
    """

    def __init__(self, config: PipelineConfig, **settings: Any) -> None:
        self.config = config
        self.settings = Settings(**{"out": str(Path("results") / config.name), **settings})
        self.store = RunStore(str(self.settings.out))
        self.ran: Ran | None = None
        self._search: Search | None = None

    @property
    def search(self) -> Search:
        """What is searched; the training data are read when it is first asked for."""
        if self._search is None:
            self._search = prepare_search(self.config)
        return self._search

    def run_parameter_search(self, parameter_space: Mapping[str, Any] | str | Path | None = None) -> Mined:
        """Run every point and neighbour over every window and return what was found.

        Parameters
        ----------
        parameter_space : mapping, str or Path, optional
            A parameter grid, or its file, in place of the configuration's.

        Returns
        -------
        Mined
            Reads from the store. Incomplete after an interrupt: see ``ran.interrupted``.

        Raises
        ------
        ConfigError, DataError
            What is asked for cannot be run.
        ComponentError
            A strategy sees the future, or does not compile.
        StoreError
            The run's folder is of another search, or held by another driver.
        ResourceError
            No cluster, or too large a share of the points failed.

        Notes
        -----
        What the store has already is not run again. Each point's failure is a row.
        """
        if parameter_space is not None:
            self._take_space(parameter_space)
        refuse_many(self.config)
        with settled(self.store, self.search, self.settings.fork) as self.store, kept_open():
            (mined,) = self.mine([self.search])
            if not self.interrupted:
                write_mined(self.store, mined)
        return mined

    def mine(self, searches: Sequence[Search]) -> list[Mined]:
        """Run some searches of the training data together, in the run at hand, and count their trials.

        Parameters
        ----------
        searches : sequence of Search
            Of the same bars and windows.

        Returns
        -------
        list of Mined
            What each found; incomplete after an interrupt.
        """
        begin_count(self.store, self.search)
        jobs = []
        try:
            for one in searches:
                guide = guide_of(self.settings.searcher, one) if one is self.search else None
                jobs.append(self._jobs(one, indices_of(one, partial(self._judge, one), guide)))
            self.complete([job for own in jobs for job in own])
        finally:
            count_in(self.store, self.search)
        return [self._mined(one, own) for one, own in zip(searches, jobs, strict=True)]

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped what was run last."""
        return self.ran is not None and self.ran.interrupted

    def _jobs(self, search: Search, indices: Sequence[Ints]) -> list[Job]:
        """Return the jobs of each lattice's points; one that has none is an error of the grid's."""
        sampled = self.config.phase_1_mining.parameter_search.method != "grid"
        return [
            job_of(search, stack, lattice, own, search.neighborhood)
            for (stack, lattice), own in zip(search.searches, indices, strict=True)
            if len(own) or not sampled
        ]

    def _judge(self, search: Search, indices: Sequence[Ints]) -> list[Floats]:
        """Run a generation's points and return what selection would judge them by, higher better."""
        jobs = self._jobs(search, indices)
        self.complete(jobs)
        if self.interrupted:
            raise KeyboardInterrupt
        found = self._mined(search, jobs)
        scores = {
            one.stack.strategy.label(): one.robust("full").robust_score
            if found.select_by == "robust_score"
            else one.scores("full")[: one.n_points]
            for one in found.searched
        }
        labels = [stack.strategy.label() for stack, _ in search.searches]
        return [scores.get(label, np.empty(0)) for label in labels]

    def complete(self, jobs: Sequence[Job]) -> None:
        """Run whatever the store lacks of the jobs."""
        jobs = [self._left(job) for job in jobs]
        execution = self.config.phase_1_mining.execution
        tiles = tiles_of(jobs, execution.tile_points)
        self.ran = None
        if tiles:
            self._compute(jobs, tiles)
        else:
            log.info("nothing to run: all %d points are stored", sum(len(job.points) for job in jobs))
        if not self.interrupted:
            self._check(jobs)

    def _compute(self, jobs: Sequence[Job], tiles: Sequence[Tile]) -> None:
        for job in jobs:
            if len(job.todo):
                refuse_foresight(self.search, job, self.limits)
        watch = Watch(jobs, self.store, self._objective, self._maximize, self.settings.on_progress)
        with session(self.settings.address, self._cores()) as here:
            if self.settings.on_session is not None:
                self.settings.on_session(here)
            self.ran = self._run(jobs, tiles, here, watch)

    def _check(self, jobs: Sequence[Job]) -> None:
        """Refuse jobs that lack rows, or too many of whose rows, whoever computed them, are failures."""
        counts = sum((self.stored(job).counts() for job in jobs), Counter[str]())
        found, points = counts.total(), sum(len(job.points) for job in jobs)
        if found < points:
            raise StoreError(
                f"{self.store.uri}: all rows must be there, found {points - found:,} missing; run again"
            )
        tally = Tally(found, found - counts.pop("ok", 0), by_status=counts)
        tally.refuse(self.config.phase_1_mining.execution.max_failed_frac)

    def _run(self, jobs: Sequence[Job], tiles: Sequence[Tile], here: Session, watch: Watch) -> Ran:
        from admf_ray.cluster.run import Options, run_tiles  # Ray reads its environment when it is imported

        execution, limits = self.config.phase_1_mining.execution, self.config.container_settings
        thread = execution.parallelism == "thread"
        shared = Shared(
            self.config.strategies, self.search.conditions, tuple(jobs), self.limits, self.store,
            self._objective, self._maximize, here.node_cores if thread else 1, limits.container_pool_size,
            canary(), sealed=closed_now(),
        )  # fmt: skip
        options = Options(
            limits.max_concurrent_containers, limits.memory_limit_per_container, thread,
            execution.max_failed_frac, self.settings.workers,
            self.config.phase_1_mining.parameter_search.neighborhood_testing.parallel_neighbors,
            self.settings.callbacks, self.settings.stopper,
        )  # fmt: skip
        return run_tiles(shared, tiles, here, options, watch.report)

    @property
    def limits(self) -> Limits:
        """What one point may take."""
        execution, containers = self.config.phase_1_mining.execution, self.config.container_settings
        return Limits(
            point_timeout_s=execution.point_timeout_s,
            teardown_timeout_s=containers.teardown_timeout,
            memory_bytes=containers.memory_limit_per_container,
            fresh_process=execution.isolation_level == "process",
        )

    def _cores(self) -> int | None:
        return self.settings.workers if self.settings.address is None else None

    @property
    def _objective(self) -> str:
        return self.config.phase_1_mining.parameter_search.objective

    @property
    def _maximize(self) -> bool:
        return direction_of(self._objective) == "maximize"

    def stored(self, job: Job) -> StoredPoints:
        """Return a job's rows as the store has them."""
        return StoredPoints(self.store, job.context, job.ids)

    def _left(self, job: Job) -> Job:
        """Return a job with what is not stored yet as its work."""
        return job.left(np.flatnonzero(~self.stored(job).known()))

    def _mined(self, search: Search, jobs: Sequence[Job]) -> Mined:
        settings = self.config.phase_1_mining.parameter_search
        lattices = {stack.strategy.label(): (stack, lattice) for stack, lattice in search.searches}
        searched, remarks = [], list(search.remarks)
        for job in jobs:
            stack, lattice = lattices[job.label]
            varied = tuple(axis.name for axis in lattice.axes if axis.size > 1)
            searched.append(
                Searched(stack, varied, job.points, self.stored(job), self._objective, self._maximize)
            )
            remarks += search.neighborhood.remarks(lattice)
        return Mined(
            search.bars,
            search.conditions.windows,
            search.folds,
            tuple(searched),
            self._objective,
            settings.neighborhood_testing.enabled,
            "robust_score" if settings.robust else "objective",
            search.conditions.warmup,
            tuple(remarks),
        )

    def _take_space(self, space: Mapping[str, Any] | str | Path) -> None:
        """Put another grid in the configuration's place."""
        body = dict(self.config.to_dict()["pipeline"])
        grid = str(space) if isinstance(space, Path) else space
        mining = dict(body["phase_1_mining"])
        mining["parameter_search"] = {**mining["parameter_search"], "base_grid": grid}
        self.config = parse_pipeline({"pipeline": {**body, "phase_1_mining": mining}})
        self._search = None

    def _create_backtest_container(self, params: Mapping[str, Any]) -> ScopedContainer:
        """Return one point's container, not yet initialised.

        Parameters
        ----------
        params : mapping
            ``strategy`` where several are searched, and parameter values by full name.
        """
        stack, row = self._point(params)
        container = build_container(f"point_{stack.strategy.label()}", self.search.bars, stack, row)
        container.register_shared_service("config", self.config)
        container.register_shared_service("point", {"strategy": stack.strategy.label(), "row": row})
        return container

    def _run_isolated_backtest(self, container: ScopedContainer) -> dict[str, Any]:
        """Run a point's container over the training span, tear it down, and return its figures.

        Returns
        -------
        dict
            ``container_id`` with ``metrics`` and ``trades``, or with ``error``: a failed container is logged
            and costs nothing but itself.
        """
        try:
            container.initialize_scope()
            point = container.get("point")
            stack = next(one for one, _ in self.search.searches if one.strategy.label() == point["strategy"])
            span = self.search.span
            result = replay_in(container, stack, np.asarray(point["row"]), span, span)
            return {"container_id": container.id, "metrics": result.metrics, "trades": len(result.trades)}
        except ADMFError as error:
            log.error("container %s failed: %s", container.id, error)
            return {"error": str(error), "container_id": container.id}
        finally:
            container.teardown_scope()

    def _collect_results(self, results: Mapping[str, Any]) -> dict[str, Any]:
        """Return a container's results as one flat row, ``status`` first."""
        if "error" in results:
            return {"status": "failed", "container_id": results["container_id"], "error": results["error"]}
        return {"status": "ok", "container_id": results["container_id"], **results["metrics"]}

    def run_point(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Run one point in a container of its own, event by event, and return its row."""
        return self._collect_results(self._run_isolated_backtest(self._create_backtest_container(params)))

    def _point(self, params: Mapping[str, Any]) -> tuple[Stack, Floats]:
        given = dict(params)
        name = given.pop("strategy", None)
        stacks = [stack for stack, _ in self.search.searches if name in (None, stack.strategy.label())]
        if len(stacks) != 1:
            known = ", ".join(stack.strategy.label() for stack, _ in self.search.searches)
            raise ConfigError(f"point.strategy: must be one of {known}, found {name!r}; name it")
        lattice = next(lattice for stack, lattice in self.search.searches if stack is stacks[0])
        settings = stacks[0].decode(lattice.base)
        return stacks[0], stacks[0].vector({**settings, **given})
