"""Tiles that nobody has taken yet, by job and size; no Ray in here."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator

from admf_ray.cluster.tiles import Tile

__all__ = ["Waiting"]


class Waiting:
    """Tiles in the order in which they are run: the longest first, equal ones by place.

    Parameters
    ----------
    tiles : iterable of Tile
    rows : callable
        Returns how many rows of a tile are to be computed.

    Notes
    -----
    Within a job the order never changes, as all rows of a job are expected to take as long; what jobs take
    is measured while they run. So each job's tiles are sorted once, and a choice compares the jobs' longest
    tiles only: with a hundred thousand tiles it takes no longer than with ten.
    """

    def __init__(self, tiles: Iterable[Tile], rows: Callable[[Tile], int]) -> None:
        self._rows = rows
        # of each job (rows, -begin, tile), the last of which comes first
        self._by_job: dict[int, list[tuple[int, int, Tile]]] = {}
        self._rows_left: dict[int, int] = {}
        for tile in tiles:
            self._by_job.setdefault(tile.job, []).append(self._entry(tile))
        for job, entries in self._by_job.items():
            entries.sort()
            self._rows_left[job] = sum(rows for rows, _, _ in entries)

    def __len__(self) -> int:
        return sum(map(len, self._by_job.values()))

    def __iter__(self) -> Iterator[Tile]:
        for entries in self._by_job.values():
            for *_, tile in reversed(entries):
                yield tile

    def add(self, tile: Tile) -> None:
        """Put a tile back."""
        entry = self._entry(tile)
        insort(self._by_job.setdefault(tile.job, []), entry)
        self._rows_left[tile.job] = self._rows_left.get(tile.job, 0) + entry[0]

    def seconds(self, start_s: float, row_s: Callable[[int], float]) -> float:
        """Return how long all are expected to take, given a tile's start and each job's seconds a row."""
        return sum(
            start_s * len(entries) + self._rows_left[job] * row_s(job)
            for job, entries in self._by_job.items()
            if entries
        )

    def longest_job(self, row_s: Callable[[int], float]) -> int:
        """Return the job of the tile that takes longest; the first of equals."""
        costs = {job: entries[-1][0] * row_s(job) for job, entries in self._by_job.items() if entries}
        return min(costs, key=lambda job: (-costs[job], job))

    def pop(self, job: int) -> Tile:
        """Take the longest tile of a job."""
        rows, _, tile = self._by_job[job].pop()
        self._rows_left[job] -= rows
        return tile

    def pop_job(self, job: int) -> list[Tile]:
        """Take all tiles of a job, in their order."""
        return [self.pop(job) for _ in range(len(self._by_job[job]))]

    def _entry(self, tile: Tile) -> tuple[int, int, Tile]:
        return self._rows(tile), -tile.begin, tile
