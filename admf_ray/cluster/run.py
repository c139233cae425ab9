"""The driver: tiles to Tune, results to the store, what was lost handed out again."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from ray import tune

from admf_ray import errors
from admf_ray.cluster.jobs import Shared
from admf_ray.cluster.rates import keep_rates, known_rates
from admf_ray.cluster.resources import ContainerResourceManager
from admf_ray.cluster.schedule import Schedule, Tally
from admf_ray.cluster.searcher import PortionSearcher, PortionStopper
from admf_ray.cluster.session import Session
from admf_ray.cluster.tiles import Tile
from admf_ray.cluster.worker import TileTrainable
from admf_ray.errors import ResourceError
from admf_ray.logs import get_logger

__all__ = ["Options", "Ran", "check_failures", "run_tiles"]

log = get_logger(__name__)

TRIAL_FAILURES = 3  # of one trial, to nodes; the schedule hands out again what is lost for good
ROUNDS = 5
FEW_POINTS = 100  # whose failures do not stop a run that is at work
REPORT_S = 0.02  # of the driver for one report, which takes it some 6 ms (benchmarks/cluster.py)


@dataclass(frozen=True)
class Options:
    """How tiles are run; no result depends on it.

    Attributes
    ----------
    max_containers : int
        Over the whole cluster.
    memory_bytes : int or None
        That a worker asks Ray for.
    thread : bool
        One worker a node, with all its cores, instead of one a core.
    max_failed_frac : float
        Share of failed points above which the run stops.
    workers : int or None
        At most so many; on a cluster that was joined also more than there is room for now, so that an
        autoscaler brings nodes.
    parallel_neighbors : bool
        False: a point's neighbours run in the same worker, so one worker has all of a job.
    callbacks : tuple
        The user's own Tune callbacks.
    stopper : tune.Stopper or None
        The user's own; see `PortionStopper`.
    before : Tally
        What came of points that count with these for the share of failures: those that are stored.
    """

    max_containers: int = 100
    memory_bytes: int | None = None
    thread: bool = False
    max_failed_frac: float = 0.5
    workers: int | None = None
    parallel_neighbors: bool = True
    callbacks: tuple[Any, ...] = ()
    stopper: Any = None
    before: Tally = field(default_factory=Tally)


@dataclass(frozen=True)
class Ran:
    """How it went.

    Attributes
    ----------
    tally : Tally
    results : tuple of tune.ResultGrid
        One; more where lost tiles were handed out again, or points were proposed in generations.
    interrupted : bool
        Whether the user stopped it, by Ctrl-C or a stopper: running tiles were finished, others wait.
    seconds : float
    """

    tally: Tally
    results: tuple[tune.ResultGrid, ...]
    interrupted: bool
    seconds: float

    def then(self, later: Ran) -> Ran:
        """Return how it went with what was run after it."""
        return Ran(
            self.tally.plus(later.tally),
            (*self.results, *later.results),
            later.interrupted,
            self.seconds + later.seconds,
        )


def run_tiles(
    shared: Shared,
    tiles: Sequence[Tile],
    here: Session,
    options: Options,
    on_report: Callable[[Mapping[str, Any], Schedule], None] | None = None,
) -> Ran:
    """Run tiles on the cluster's workers until each has its part in the store.

    Parameters
    ----------
    shared : Shared
        Put into the object store once.
    tiles : sequence of Tile
    here : Session
    options : Options
    on_report : callable, optional
        Told each tile's report, and the schedule.

    Raises
    ------
    ResourceError
        No node has the memory a worker asks for, a worker cannot work, a tile was lost too often, or too
        large a share of the points failed.

    Notes
    -----
    Tune retries a trial that a node takes with it; whatever is missing at the end is handed out again. The
    first interrupt lets running tiles finish, the second raises KeyboardInterrupt at once; in both cases what
    is in the store stays.
    """
    begun = time.perf_counter()
    rates = known_rates()
    cores = here.node_cores if options.thread else 1
    most = _most_workers(here, options)
    shared = replace(shared, report_every_s=REPORT_S * most)
    manager = ContainerResourceManager(options.max_containers, _memory_gb(here, options, most), most)
    with _log_of(shared) as write:
        schedule = Schedule(
            shared.jobs,
            tiles,
            rates,
            lambda: min(most, manager.optimize_batch_size()),
            write,
            whole_jobs=not options.parallel_neighbors,
        )

        def report(result: Mapping[str, Any]) -> None:
            check_failures(schedule, options)
            if on_report is not None:
                on_report(result, schedule)

        grids = []
        with _interruptible(schedule), _quiet():
            for round_ in range(ROUNDS):
                if not schedule.waiting or schedule.stopping:
                    break
                if round_:
                    log.warning("%d tiles were lost with their workers; handed out again", schedule.waiting)
                grids.append(_fit(shared, schedule, manager, options, cores, most, report))
    keep_rates(rates)
    if schedule.fatal:
        kind, _, text = schedule.fatal.partition("\n")
        raise getattr(errors, kind, ResourceError)(text)
    if schedule.refused is not None:
        schedule.refused.refuse(options.max_failed_frac)
    lost = schedule.given_up if schedule.stopping else [*schedule.given_up, *schedule.left()]
    if lost:
        said = [str(error) for grid in grids for error in grid.errors]
        reason = said[-1].strip().splitlines()[-1] if said else "no reason given"
        raise ResourceError(
            f"{len(lost)} tiles: must come back from a worker, found them lost again and again ({reason}); "
            f"run again to continue, with fewer workers where memory is short"
        )
    return Ran(schedule.tally, tuple(grids), schedule.stopping, time.perf_counter() - begun)


def _most_workers(here: Session, options: Options) -> int:
    """Return how many workers there may be, now or when an autoscaler has brought what they ask for."""
    room = here.nodes if options.thread else here.cores
    if here.joined:
        room = max(room, options.workers or 0)
    return min(room, options.max_containers, options.workers or room)


def _memory_gb(here: Session, options: Options, most: int) -> float:
    """Return the memory that so many workers have together; refuse what no node could give to one."""
    asked = options.memory_bytes or 0
    if asked > here.node_memory_bytes > 0:
        raise ResourceError(
            f"container_settings.memory_limit_per_container: must fit a node, found {asked / 1e9:.1f} GB "
            f"where the largest gives Ray's workers {here.node_memory_bytes / 1e9:.1f} GB; lower it"
        )
    grown = max(most / (here.nodes if options.thread else here.cores), 1.0)
    return max(here.memory_bytes / 1e9 * grown, 1.0)


def _fit(
    shared: Shared,
    schedule: Schedule,
    manager: ContainerResourceManager,
    options: Options,
    cores: int,
    most: int,
    report: Callable[[Mapping[str, Any]], None],
) -> tune.ResultGrid:
    searcher = PortionSearcher(schedule, manager, report)
    resources: dict[str, float] = {"CPU": cores}
    if options.memory_bytes:
        resources["memory"] = options.memory_bytes
    trainable = tune.with_resources(
        tune.with_parameters(TileTrainable, shared=shared), tune.PlacementGroupFactory([resources])
    )
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            metric="objective",
            mode="max" if shared.maximize else "min",
            search_alg=searcher,
            num_samples=-1,
            max_concurrent_trials=most,
            reuse_actors=True,
            trial_name_creator=_trial_name,
            trial_dirname_creator=_trial_name,
        ),
        run_config=tune.RunConfig(
            name=time.strftime("%Y%m%d-%H%M%S-") + f"{time.time_ns() % 1_000_000:06d}",
            storage_path=shared.store.uri_of("tune"),
            failure_config=tune.FailureConfig(max_failures=TRIAL_FAILURES),
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            stop=PortionStopper(schedule, options.stopper),
            callbacks=list(options.callbacks) or None,
            verbose=0,
        ),
    )
    try:
        return tuner.fit()
    except tune.TuneError as error:  # the text of a traceback
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise ResourceError(
            f"ray.tune: must come to its end, found {said[-1]!r}; mend the callback or stopper that raised "
            f"it and run again, what is done is kept"
        ) from error


def _trial_name(trial: Any) -> str:
    return f"portion_{trial.trial_id}"


def check_failures(schedule: Schedule, options: Options) -> None:
    """Stop when too many points failed, of a hundred or more; fewer are judged when all are there."""
    tally = options.before.plus(schedule.tally)
    if tally.points >= FEW_POINTS and tally.failed > options.max_failed_frac * tally.points:
        schedule.refused = schedule.refused or tally
        schedule.stopping = True


@contextmanager
def _interruptible(schedule: Schedule) -> Iterator[None]:
    """Let the first Ctrl-C stop the schedule and the second the program."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if schedule.stopping:
            raise KeyboardInterrupt
        schedule.stopping = True
        os.write(2, b"\nstopping: running tiles are finished and kept; again to stop at once\n")

    old = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextmanager
def _log_of(shared: Shared) -> Iterator[Callable[[str], None]]:
    """Give a writer for the schedule's log, which is for people and may lose its end in a crash."""
    if not shared.store.is_local:
        yield log.info
        return
    with open(Path(shared.store.path("schedule.jsonl")), "a") as file:
        yield lambda line: print(line, file=file, flush=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Tune's own chatter down; its warnings are for those who asked to hear everything."""
    loggers = [logging.getLogger(name) for name in ("ray.tune", "ray.train", "ray.air")]
    levels = [one.level for one in loggers]
    if not log.isEnabledFor(logging.DEBUG):
        for one in loggers:
            one.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
