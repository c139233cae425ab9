"""Which tiles are run next: longest first, in portions that shrink towards the end; no Ray in here."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from admf_ray.cluster.jobs import Job
from admf_ray.cluster.tiles import NOMINAL_NS, Tile
from admf_ray.cluster.waiting import Waiting
from admf_ray.errors import ResourceError

__all__ = ["Rates", "Schedule", "Tally"]

LONGEST_PORTION_S = 60.0
SHORTEST_PORTION_S = 0.5
TRIAL_S = 0.05  # of Tune for one portion: what so many workers take together must last longer
PORTIONS_PER_WORKER = 2
MOST_LOSSES = 5  # of one tile, to nodes and workers; a strategy's failures are rows and never count here
LEARNED = 0.3  # weight of the newest measurement
START_S = 0.2  # of a tile, whatever is in it: a process forked, a part written


@dataclass
class Rates:
    """Measured cost by code: nanoseconds for a bar and point, and bytes a worker grew by.

    Attributes
    ----------
    known : dict
        ``{code digest: {"ns": float, "bytes": float}}``, from earlier runs and this one.
    """

    known: dict[str, dict[str, float]] = field(default_factory=dict)

    def ns(self, job: Job) -> float:
        """Return what a bar and point of a job is expected to cost."""
        return self.known.get(job.context.code, {}).get("ns", NOMINAL_NS[job.compiled])

    def bytes(self, job: Job, rows: int) -> float:
        """Return how much a worker is expected to grow over a tile: as before, or by its results."""
        columns = 40 * len(job.context.windows) + 2 * len(job.context.slice_bars)
        return self.known.get(job.context.code, {}).get("bytes", 3.0 * 8.0 * columns * rows)

    def learn(self, job: Job, ns: float, grown_bytes: float) -> None:
        """Take in what a tile cost."""
        old = self.known.setdefault(job.context.code, {"ns": ns, "bytes": grown_bytes})
        old["ns"] += LEARNED * (ns - old["ns"])
        old["bytes"] = max(old["bytes"], grown_bytes)


@dataclass
class Tally:
    """What has come back.

    Attributes
    ----------
    points, failed : int
        Rows written by this driver, and those among them that are not ok.
    tiles : int
    by_status : dict of str to int
        How many of the failed ones ended how.
    """

    points: int = 0
    failed: int = 0
    tiles: int = 0
    by_status: dict[str, int] = field(default_factory=dict)

    def plus(self, other: Tally) -> Tally:
        """Return both together."""
        names = [*self.by_status, *(name for name in other.by_status if name not in self.by_status)]
        return Tally(
            self.points + other.points,
            self.failed + other.failed,
            self.tiles + other.tiles,
            {name: self.by_status.get(name, 0) + other.by_status.get(name, 0) for name in names},
        )

    def refuse(self, most: float) -> None:
        """Refuse a search too large a share of whose points failed.

        Raises
        ------
        ResourceError
            With how many, and how.
        """
        if self.failed > most * self.points:
            kinds = ", ".join(f"{count:,} {name}" for name, count in sorted(self.by_status.items()))
            raise ResourceError(
                f"phase_1_mining.execution.max_failed_frac: at most {most:.0%} of the points may fail, found "
                f"{self.failed:,} of {self.points:,} ({kinds}); the rows say why, mend it and run again"
            )


class Schedule:
    """Tiles still to be run.

    Parameters
    ----------
    jobs : sequence of Job
    tiles : sequence of Tile
    rates : Rates
    workers : callable
        Returns how many workers there may be now.
    whole_jobs : bool
        A portion is all of one job.
    log : callable, optional
        Takes one line of JSON about each report: predicted and true seconds and bytes of its tiles.

    Attributes
    ----------
    tally : Tally
    stopping : bool
        Set by anyone: nothing more is handed out.
    fatal : str
        Type and text of an error that no worker can do without, a line each; empty before there is one.
    given_up : list of Tile
        Lost too often.
    refused : Tally or None
        What had come back when too large a share of it had failed.

    Notes
    -----
    May be asked from several threads. No result depends on the order it chooses.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        tiles: Sequence[Tile],
        rates: Rates,
        workers: Callable[[], int],
        log: Callable[[str], None] | None = None,
        *,
        whole_jobs: bool = False,
    ) -> None:
        self._whole_jobs = whole_jobs
        self._jobs, self._rates, self._workers, self._log = tuple(jobs), rates, workers, log
        self._lock = threading.RLock()
        self._waiting = Waiting(tiles, self.rows)
        self._out: dict[str, dict[Tile, tuple[float, float]]] = {}
        self._losses: dict[Tile, int] = {}
        self.tally = Tally()
        self.stopping = False
        self.fatal = ""
        self.given_up: list[Tile] = []
        self.refused: Tally | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without what belongs to this process; Tune keeps searchers in its snapshots."""
        return {k: v for k, v in vars(self).items() if k not in ("_lock", "_log", "_workers")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.RLock(), _log=None, _workers=lambda: 1)

    def rows(self, tile: Tile) -> int:
        """Return how many rows of a tile are to be computed."""
        low, high = np.searchsorted(self._jobs[tile.job].todo, [tile.begin, tile.end])
        return int(high - low)

    def predicted_s(self, tile: Tile) -> float:
        """Return the seconds a tile is expected to take."""
        return START_S + self.rows(tile) * self._row_s(tile.job)

    def _row_s(self, k: int) -> float:
        """Return the seconds a row of the k-th job is expected to take."""
        job = self._jobs[k]
        return job.steps * self._rates.ns(job) / 1e9

    def take(self, worker: str) -> list[Tile]:
        """Return the next portion for a worker; empty when nothing waits or the run is stopping."""
        with self._lock:
            if self.stopping or not self._waiting:
                return []
            workers = max(self._workers(), 1)
            share = self._waiting.seconds(START_S, self._row_s) / (PORTIONS_PER_WORKER * workers)
            shortest = max(SHORTEST_PORTION_S, TRIAL_S * workers)
            wanted = min(max(share, shortest), LONGEST_PORTION_S)
            portion: dict[Tile, float] = {}
            while self._waiting and (not portion or sum(portion.values()) < wanted):
                job = self._waiting.longest_job(self._row_s)
                if self._whole_jobs:
                    portion = {tile: self.predicted_s(tile) for tile in self._waiting.pop_job(job)}
                    break
                tile = self._waiting.pop(job)
                portion[tile] = self.predicted_s(tile)
            self._out[worker] = {
                tile: (seconds, self._rates.bytes(self._jobs[tile.job], self.rows(tile)))
                for tile, seconds in portion.items()
            }
            return list(portion)

    def done(self, worker: str, tiles: Sequence[Tile], result: dict[str, Any]) -> None:
        """Take in a report on some tiles of one job.

        Parameters
        ----------
        worker : str
        tiles : sequence of Tile
        result : dict
            ``points``, ``seconds``, ``failed`` and ``status`` (``failed:3 timeout:1``) of all of them
            together; ``grown_bytes`` of the one that took most.
        """
        with self._lock:
            own = self._out.get(worker, {})
            predicted = [own.pop(tile) for tile in tiles if tile in own]
            self.tally.tiles += len(tiles)
            self.tally.points += result["points"]
            self.tally.failed += result["failed"]
            for word in result["status"].split():
                name, count = word.split(":")
                self.tally.by_status[name] = self.tally.by_status.get(name, 0) + int(count)
            job = self._jobs[tiles[0].job]
            working_s = result["seconds"] - START_S * len(tiles)
            if result["points"] and working_s > 0 and not result["failed"]:
                self._rates.learn(
                    job, working_s * 1e9 / (result["points"] * job.steps), result["grown_bytes"]
                )
            if self._log is not None and predicted:
                seconds, grown = zip(*predicted, strict=True)
                line = {
                    "time": round(time.time(), 3), "tiles": " ".join(map(str, tiles)), "strategy": job.label,
                    "worker": worker, "points": result["points"], "predicted_s": round(sum(seconds), 4),
                    "true_s": round(result["seconds"], 4), "predicted_bytes": round(max(grown)),
                    "true_bytes": result["grown_bytes"],
                }  # fmt: skip
                self._log(json.dumps(line))

    def ended(self, worker: str, *, lost: bool) -> None:
        """Put back what a worker took and did not report, unless it was lost with workers too often."""
        with self._lock:
            for tile in sorted(self._out.pop(worker, {})):
                self._losses[tile] = self._losses.get(tile, 0) + lost
                if self.stopping or self._losses[tile] < MOST_LOSSES:
                    self._waiting.add(tile)
                else:
                    self.given_up.append(tile)

    def workers_at_work(self) -> set[str]:
        """Return the names of workers that have tiles."""
        with self._lock:
            return {worker for worker, tiles in self._out.items() if tiles}

    def left(self) -> list[Tile]:
        """Return the tiles that nobody has taken."""
        with self._lock:
            return list(self._waiting)

    @property
    def waiting(self) -> int:
        """Tiles that nobody has taken."""
        return len(self._waiting)

    @property
    def out(self) -> int:
        """Tiles that workers have."""
        return sum(len(tiles) for tiles in self._out.values())
