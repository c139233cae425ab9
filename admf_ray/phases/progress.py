"""How far a run is, and how good what it has found already is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from admf_ray.analysis.robustness import as_scores, robustness
from admf_ray.cluster.jobs import Job
from admf_ray.cluster.schedule import Schedule
from admf_ray.cluster.tiles import tiles_in
from admf_ray.results.points import StoredPoints
from admf_ray.results.schema import part_name
from admf_ray.results.store import RunStore

__all__ = ["Progress", "Watch"]

LOOKING_FRAC = 0.02  # of the time may go into the best robust score so far


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    done, total : int
        Points and neighbours stored, of all.
    failed : int
        Of those this driver ran.
    per_s : float
        Points a second, by this driver.
    left_s : float
        Seconds left, at the speed so far.
    best : float
        Best robust score over the full span among points whose neighbours are all known; NaN before there is
        one.
    memory_bytes : int
        Private memory of the live workers together.
    workers : int
    """

    done: int
    total: int
    failed: int
    per_s: float
    left_s: float
    best: float
    memory_bytes: int
    workers: int


class Watch:
    """Turns workers' reports into progress.

    Parameters
    ----------
    jobs : sequence of Job
        With what is still to do.
    store : RunStore
    objective : str
    maximize : bool
    tell : callable or None
        Told each `Progress`.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        store: RunStore,
        objective: str,
        maximize: bool,
        tell: Callable[[Progress], None] | None,
    ) -> None:
        self._jobs, self._store, self._tell = tuple(jobs), store, tell
        self._objective, self._maximize = objective, maximize
        self._total = sum(len(job.points) for job in jobs)
        self._before = self._total - sum(len(job.todo) for job in jobs)
        self._begun = time.perf_counter()
        self._looked_s, self._best = 0.0, float("nan")
        self._scores = [np.full(len(job.points), np.nan) for job in jobs]
        self._memory: dict[str, int] = {}

    def report(self, result: Mapping[str, Any], schedule: Schedule) -> None:
        """Take in a worker's report."""
        if self._tell is None:
            return
        worker = str(result.get("trial_id", ""))
        self._memory[worker] = result["private_bytes"]
        self._take(result, last=not (schedule.waiting or schedule.out))
        done = schedule.tally.points
        passed = max(time.perf_counter() - self._begun, 1e-9)
        per_s = done / passed
        left = self._total - self._before - done
        live = schedule.workers_at_work() | {worker}
        self._memory = {name: size for name, size in self._memory.items() if name in live}
        self._tell(
            Progress(
                self._before + done, self._total, schedule.tally.failed, per_s,
                left / per_s if per_s else float("nan"), self._best, sum(self._memory.values()), len(live),
            )
        )  # fmt: skip

    def _take(self, result: Mapping[str, Any], last: bool) -> None:
        """Read the parts' scores; judge what is complete while that costs next to nothing, and at the end."""
        if not result["points"]:
            return
        begun = time.perf_counter()
        tiles = tiles_in(result["tiles"])
        for k, begin, end in tiles:
            job = self._jobs[k]
            ids = job.work(begin, end)[1]
            stored = StoredPoints(self._store, job.context, ids, parts=[part_name(job.context, ids)])
            figures = stored.columns([self._objective, "trades"], "full")
            low, high = np.searchsorted(job.todo, [begin, end])
            self._scores[k][job.todo[low:high]] = as_scores(
                figures[self._objective], figures["trades"], maximize=self._maximize
            )
        cheap = self._looked_s <= LOOKING_FRAC * (begun - self._begun) or not np.isfinite(self._best)
        for one in range(len(self._jobs)) if last else [tiles[0].job] * cheap:
            self._judge(one)
        self._looked_s += time.perf_counter() - begun

    def _judge(self, k: int) -> None:
        job, scores = self._jobs[k], self._scores[k]
        known = ~np.isnan(scores)
        complete = np.zeros(job.points.n_points, dtype=np.bool_)
        step = max(2**20 // (len(job.points.offsets) + 1), 1)
        for begin in range(0, complete.size, step):
            near = job.points.index(begin, begin + step)
            complete[begin : begin + step] = known[begin : begin + len(near)] & (
                known[near] | (near < 0)
            ).all(axis=1)
        if complete.any():
            filled = np.where(known, scores, -np.inf)[:, None]
            robust = robustness(filled, job.points.index, job.points.n_points).robust_score[:, 0]
            best = float(robust[complete].max())
            self._best = best if np.isnan(self._best) else max(best, self._best)
