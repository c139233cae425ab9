"""How work is cut: a fixed list of tiles that depends on what is asked for and on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from admf_ray.cluster.jobs import Job

__all__ = ["NOMINAL_NS", "Tile", "tile_points", "tiles_in", "tiles_of"]

# Nominal cost of a bar and point. It shapes tiles, so it is never measured: the list of tiles must not
# depend on the machine.
NOMINAL_NS = {True: 5.0, False: 10_000.0}
SHORTEST_S, LONGEST_S = 0.5, 16.0
TILES_WANTED = 512
MOST_ROWS = 262_144  # rows of one part: about 90 MB


class Tile(NamedTuple):
    """A range of one job's positions, over all windows: one part.

    Attributes
    ----------
    job, begin, end : int
    """

    job: int
    begin: int
    end: int

    def __str__(self) -> str:
        """Return ``job:begin:end``, as trials carry it."""
        return f"{self.job}:{self.begin}:{self.end}"

    @classmethod
    def parse(cls, text: str) -> Tile:
        """Return the tile of ``job:begin:end``."""
        return cls(*(int(part) for part in text.split(":")))


def tiles_in(words: str) -> list[Tile]:
    """Return the tiles of ``job:begin:end job:begin:end ...``."""
    return [Tile.parse(word) for word in words.split()]


def tile_points(jobs: Sequence[Job], job: Job) -> int:
    """Return how many points of a job one tile holds.

    Notes
    -----
    Half a second of nominal work where there is little, up to 16 s where there is enough for 512 tiles of
    that length; all of one size, so that no worker waits for another's last one. Of a plain-Python
    strategy 16 s are 1.6 million bars, whose kept returns take 13 MB at most.
    """
    total_s = sum(len(one.points) * one.steps * NOMINAL_NS[one.compiled] for one in jobs) / 1e9
    wanted_s = min(max(total_s / TILES_WANTED, SHORTEST_S), LONGEST_S)
    point_s = job.steps * NOMINAL_NS[job.compiled] / 1e9
    rows = max(MOST_ROWS // max(len(job.context.windows), 1), 1)
    most = max(min(int(wanted_s / point_s), rows, len(job.points)), 1)
    tiles = -(-len(job.points) // most)
    return max(-(-len(job.points) // max(tiles, 1)), 1)


def tiles_of(jobs: Sequence[Job], points: int | None = None) -> list[Tile]:
    """Return the tiles of all jobs that have something left to do, jobs and positions in order.

    Parameters
    ----------
    jobs : sequence of Job
    points : int, optional
        Points in one tile, instead of `tile_points`.
    """
    tiles = []
    for k, job in enumerate(jobs):
        size = points or tile_points(jobs, job)
        places = np.unique(job.todo // size).tolist()
        tiles += [Tile(k, one * size, min((one + 1) * size, len(job.points))) for one in places]
    return tiles
