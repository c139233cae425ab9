"""What a run will be: points, windows, tiles, time and memory, measured on a small sample."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace

import numpy as np

from admf_ray.cluster.jobs import Job
from admf_ray.cluster.rates import known_rates
from admf_ray.cluster.tiles import tile_points
from admf_ray.config.schema import PipelineConfig
from admf_ray.engine.guard import Limits, guarded
from admf_ray.engine.stack import Stack
from admf_ray.phases.proposing import refuse_many
from admf_ray.phases.search import Search, job_of, prepare_search
from admf_ray.space.lattice import Lattice
from admf_ray.space.sampling import draw
from admf_ray.space.space import Space
from admf_ray.space.surroundings import Surroundings

__all__ = ["Plan", "PlannedStrategy", "plan"]

SAMPLE = 1_024  # points of a compiled strategy
ROW_BYTES = 8 * 40  # of a stored row, uncompressed
DRIVER_BYTES = 64  # that the driver holds for a point while it selects


@dataclass(frozen=True)
class PlannedStrategy:
    """One strategy of a plan.

    Attributes
    ----------
    strategy : str
    points : int
        Of the lattice, an upper bound where constraints leave some out; what is drawn, for samples.
    rows : int
        Points and neighbours off the grid, an upper bound.
    tiles, tile_points : int
    compiled : bool
        False: plain Python, in replay.
    ms : float
        Measured milliseconds of one point over all windows, on one core; NaN where the sample failed.
    """

    strategy: str
    points: int
    rows: int
    tiles: int
    tile_points: int
    compiled: bool
    ms: float


@dataclass(frozen=True)
class Plan:
    """What a run will be.

    Attributes
    ----------
    strategies : tuple of PlannedStrategy
    windows : int
    n_bars, n_symbols : int
        Of the training data with their history.
    workers : int
    containers : int
        That live at once: one a worker.
    backtests : int
        Rows times windows; each runs in a scope of its own.
    seconds : float
        Expected, Ray's start and compilation left out.
    worker_bytes : int
        By which one worker is expected to grow over a tile, beyond what it imports and compiles.
    driver_bytes, stored_bytes, shared_bytes : int
        Growth of the driver, size of the results, data in the object store.
    """

    strategies: tuple[PlannedStrategy, ...]
    windows: int
    n_bars: int
    n_symbols: int
    workers: int
    containers: int
    backtests: int
    seconds: float
    worker_bytes: int
    driver_bytes: int
    stored_bytes: int
    shared_bytes: int


def plan(config: PipelineConfig, workers: int | None = None) -> Plan:
    """Return what phase 1 of a configuration will be; runs a small sample and builds no grid.

    Parameters
    ----------
    config : PipelineConfig
    workers : int, optional
        This machine's cores, or the configuration's cap, when left out.

    Raises
    ------
    ResourceError
        A grid of more points than allowed.
    """
    refuse_many(config)
    search = prepare_search(config)
    most = config.container_settings.max_concurrent_containers
    at_once = min(workers or os.cpu_count() or 1, most)
    rows = [_rows(search, lattice) for _, lattice in search.searches]
    jobs = [
        _sketch(search, stack, lattice, n) for (stack, lattice), n in zip(search.searches, rows, strict=True)
    ]
    found = [
        _strategy(search, stack, lattice, job, jobs, n)
        for (stack, lattice), job, n in zip(search.searches, jobs, rows, strict=True)
    ]
    windows, bars = len(search.conditions.windows), search.bars
    total = sum(rows)
    rates = known_rates()
    return Plan(
        tuple(found),
        windows,
        bars.n_bars,
        bars.n_symbols,
        at_once,
        at_once,
        total * windows,
        _seconds(found, at_once),
        int(max(rates.bytes(job, one.tile_points) for job, one in zip(jobs, found, strict=True))),
        total * DRIVER_BYTES,
        total * windows * ROW_BYTES,
        sum(array.nbytes for array in (bars.open, bars.high, bars.low, bars.close)) * 2,
    )


def _seconds(found: list[PlannedStrategy], at_once: int) -> float:
    """Return how long all tiles take, as many at once as there are workers; one is never divided."""
    alone = np.array([(one.rows, one.tile_points) for one in found]) * [[one.ms / 1e3] for one in found]
    all_s, longest_s = np.nansum(alone[:, 0]), np.nanmax(np.minimum(alone[:, 0], alone[:, 1]), initial=0.0)
    return float(max(all_s / at_once, longest_s))


def _rows(search: Search, lattice: Lattice) -> int:
    """Return how many points and neighbours a lattice has at most."""
    settings = search.config.phase_1_mining.parameter_search
    if settings.method == "grid":
        return search.neighborhood.count_rows_upper(lattice)
    assert settings.samples is not None
    own = min(settings.samples, lattice.size)
    return own * (1 + search.neighborhood.count(lattice))


def _sketch(search: Search, stack: Stack, lattice: Lattice, rows: int) -> Job:
    """Return a job of one sampled point that says it has all rows: what tiles are shaped by."""
    (own,) = draw(Space((lattice,)), 1, 0)
    job = job_of(search, stack, lattice, own, replace(search.neighborhood, radius=0))
    return replace(job, points=_Counted(job.points, rows))


class _Counted(Surroundings):
    """One point's surroundings with another length."""

    def __init__(self, alone: Surroundings, count: int) -> None:
        self.__dict__.update({name: getattr(alone, name) for name in alone.__dataclass_fields__}, count=count)

    def __len__(self) -> int:
        count: int = self.__dict__["count"]
        return count


def _strategy(
    search: Search, stack: Stack, lattice: Lattice, job: Job, jobs: list[Job], rows: int
) -> PlannedStrategy:
    settings = search.config.phase_1_mining
    size = min(settings.execution.tile_points or tile_points(jobs, job), max(rows, 1))
    drawn = settings.parameter_search.samples
    points = lattice.size if settings.parameter_search.method == "grid" else min(drawn or 0, lattice.size)
    return PlannedStrategy(
        job.label,
        points,
        rows,
        -(-rows // size),
        size,
        job.compiled,
        _measured_ms(search, stack, lattice, job),
    )


def _measured_ms(search: Search, stack: Stack, lattice: Lattice, job: Job) -> float:
    """Run a few points twice, compilation in the first; return what one took the second time."""
    (own,) = draw(Space((lattice,)), SAMPLE if job.compiled else 1, 0)
    rows, limits = lattice.values(own), Limits(search.config.phase_1_mining.execution.point_timeout_s)
    if job.compiled:
        guarded(search.conditions, stack, rows[:1], limits)
    begun = time.perf_counter()
    outcome = guarded(search.conditions, stack, rows, limits)
    took = time.perf_counter() - begun
    return took / len(rows) * 1e3 if (outcome.status == 0).any() else float("nan")
