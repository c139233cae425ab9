"""Phase 1: the grid and its surroundings, over the full training span and every walk-forward window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.cluster.jobs import Job
from admf_ray.cluster.schedule import Tally
from admf_ray.cluster.session import Keeping, kept_open
from admf_ray.config.load import parse_pipeline
from admf_ray.config.schema import PipelineConfig
from admf_ray.engine.assembly import build_container, replay_in
from admf_ray.engine.container import ScopedContainer
from admf_ray.engine.stack import Stack
from admf_ray.errors import ConfigError
from admf_ray.phases.closing import closed
from admf_ray.phases.isolated import figures_of, isolated
from admf_ray.phases.manifest import settled
from admf_ray.phases.mined import Mined, Searched
from admf_ray.phases.proposing import guide_of, indices_of, refuse_barren, refuse_many
from admf_ray.phases.running import Runner
from admf_ray.phases.search import Search, job_of, prepare_search
from admf_ray.phases.settings import Settings
from admf_ray.phases.trials import begin_count, count_in
from admf_ray.phases.written import write_mined
from admf_ray.results.store import RunStore

if TYPE_CHECKING:
    from admf_ray.cluster.run import Ran

__all__ = ["BacktestCoordinator", "Settings"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class BacktestCoordinator(Keeping):
    """Runs a pipeline's parameter search in isolated containers and keeps every row.

    As a context manager it keeps Ray from call to call and ends it with the block.

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
    >>> with BacktestCoordinator(config) as coordinator:            # doctest: +SKIP
    ...     mined = coordinator.run_parameter_search()
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
        What the store has already is not run again. Each point's failure is a row. Test data stay sealed.
        """
        if parameter_space is not None:
            self._take_space(parameter_space)
        refuse_many(self.config)
        with closed(self.config):
            refuse_barren(self.search)
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
            What each found; incomplete after an interrupt, those that were not begun without a point.
        """
        begin_count(self.store, self.search)
        jobs: list[list[Job]] = [[] for _ in searches]
        self.ran = None
        try:
            for own, one in zip(jobs, searches, strict=True):
                guide = guide_of(self.settings.searcher, one) if one is self.search else None
                own += self._jobs(one, indices_of(one, partial(self._judge, one), guide))
                if self.interrupted:
                    break
            else:
                tally = self.complete([job for own in jobs for job in own])
                if not self.interrupted:
                    tally.refuse(self.config.phase_1_mining.execution.max_failed_frac)
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

    def _judge(self, search: Search, indices: Sequence[Ints]) -> list[Floats] | None:
        """Run a generation's points and return what selection would judge them by, higher better.

        Returns
        -------
        list of float64 arrays or None
            None after an interrupt.
        """
        jobs = self._jobs(search, indices)
        self.complete(jobs)
        if self.interrupted:
            return None
        found = self._mined(search, jobs)
        scores = {
            one.stack.strategy.label(): one.robust("full").robust_score
            if found.select_by == "robust_score"
            else one.scores("full")[: one.n_points]
            for one in found.searched
        }
        labels = [stack.strategy.label() for stack, _ in search.searches]
        return [scores.get(label, np.empty(0)) for label in labels]

    def complete(self, jobs: Sequence[Job]) -> Tally:
        """Run whatever the store lacks of the jobs and return what came of all their rows.

        Notes
        -----
        ``ran`` becomes how this went with what the same search has run before: it has one beginning, also
        where points are proposed in generations.
        """
        before = self.ran
        ran = self._runner.run(jobs, Tally() if before is None else before.tally)
        if ran is not None:
            self.ran = ran if before is None else before.then(ran)
        return self._runner.tally(jobs) if self.interrupted else self._runner.check(jobs)

    @property
    def _runner(self) -> Runner:
        return Runner(self.config, self.settings, self.search, self.store)

    def _mined(self, search: Search, jobs: Sequence[Job]) -> Mined:
        settings, runner = self.config.phase_1_mining.parameter_search, self._runner
        lattices = {stack.strategy.label(): (stack, lattice) for stack, lattice in search.searches}
        searched, remarks = [], list(search.remarks)
        for job in jobs:
            stack, lattice = lattices[job.label]
            varied = tuple(axis.name for axis in lattice.axes if axis.size > 1)
            stored = runner.stored(job)
            searched.append(Searched(stack, varied, job.points, stored, runner.objective, runner.maximize))
            remarks += search.neighborhood.remarks(lattice)
        return Mined(
            search.bars,
            search.conditions.windows,
            search.folds,
            tuple(searched),
            runner.objective,
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
        return isolated(container, self._replay_point)

    def _replay_point(self, container: ScopedContainer) -> dict[str, Any]:
        point, span = container.get("point"), self.search.span
        stack = next(one for one, _ in self.search.searches if one.strategy.label() == point["strategy"])
        return figures_of(container, replay_in(container, stack, np.asarray(point["row"]), span, span))

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
