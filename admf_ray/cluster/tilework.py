"""One tile: its rows run in a guarded child, its part written, its report made. Knows nothing of Ray."""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from admf_ray.cluster.jobs import Job, Shared, decoded
from admf_ray.cluster.memory import private_bytes
from admf_ray.cluster.node import check_code, check_node
from admf_ray.cluster.tiles import Tile
from admf_ray.components.user_files import import_components
from admf_ray.engine.board import OK, STATUSES, Outcome
from admf_ray.engine.guard import guarded
from admf_ray.engine.points import run_points
from admf_ray.engine.stack import Stack
from admf_ray.market.sealing import close, reopen
from admf_ray.results.schema import part_name, part_table
from admf_ray.rules.metrics import METRICS, TAIL_METRICS

__all__ = ["TileWork", "together"]


class TileWork:
    """What a worker does with tiles.

    Parameters
    ----------
    shared : Shared

    Raises
    ------
    ComponentError
        A user's file does not import here.
    ResourceError
        This node would give other rows than the driver's; see `node`.

    Notes
    -----
    The strategies' own code runs in a child process (`engine.guard`), so it cannot take the worker with it.
    What is sealed stays closed in this process, and so in the children, for as long as this object exists.
    """

    def __init__(self, shared: Shared) -> None:
        check_node(shared)
        close(*shared.sealed)
        weakref.finalize(self, reopen, *shared.sealed)
        for file in shared.files:
            import_components(file)
        self.shared = shared
        self._stacks: dict[int, Stack] = {}

    def warm(self, tiles: Sequence[Tile]) -> None:
        """Build and compile ahead the stacks that these tiles need first, as many as the pool holds."""
        jobs = list(dict.fromkeys(tile.job for tile in tiles))
        for k in jobs[: self.shared.pool_size]:
            job = self.shared.jobs[k]
            first = int(job.todo[0])
            self._stack(k, job.points.rows(first, first + 1))

    def run(self, tile: Tile) -> dict[str, Any]:
        """Run what a tile still lacks and return its report."""
        job = self.shared.jobs[tile.job]
        rows, ids = job.work(tile.begin, tile.end)
        name = part_name(job.context, ids)
        if not len(rows) or self.shared.store.has_part(name):
            return _nothing()
        stack = self._stack(tile.job, rows)
        before, begun = private_bytes(), time.perf_counter()
        shared = self.shared
        outcome = guarded(
            shared.conditions,
            stack,
            rows,
            shared.limits,
            threads=shared.threads,
            checkpoints=self._checkpoints(job),
        )
        metrics = METRICS + (TAIL_METRICS if shared.conditions.tail else ())
        table = part_table(
            job.context, metrics, ids, decoded(stack, rows, job.context.varied), outcome.values,
            outcome.slice_sums, outcome.regime_sums, outcome.status, outcome.errors, outcome.returns,
        )  # fmt: skip
        shared.store.write_part(name, table)
        on_grid = max(int(np.diff(np.searchsorted(job.todo, [tile.begin, job.points.n_points]))[0]), 0)
        best = self._best(job, stack, rows, on_grid, outcome, metrics)
        status = outcome.status
        del table, outcome  # shared memory and Arrow's buffers: the next tile's are as large
        pa.default_memory_pool().release_unused()
        after = private_bytes()
        return {
            "points": len(rows),
            "seconds": time.perf_counter() - begun,
            "private_bytes": after,
            "grown_bytes": max(after - before, 0),
            "failed": int((status != 0).sum()),
            "status": {
                word: int((status == k).sum()) for k, word in enumerate(STATUSES) if k and (status == k).any()
            },
            **best,
        }

    def _checkpoints(self, job: Job) -> str | None:
        """Return where long replays of a job are kept at intervals; nowhere on object storage."""
        if job.compiled or not self.shared.store.is_local:
            return None
        return self.shared.store.path(f"checkpoints/{job.context.digest[:12]}")

    def _stack(self, k: int, rows: Any) -> Stack:
        """Return a job's stack, its code compiled and loaded before the first child is made."""
        if k not in self._stacks:
            shared = self.shared
            stack = self._stacks[k] = shared.jobs[k].names.build()
            check_code(shared.jobs[k], stack)
            if shared.jobs[k].compiled and (_is_ours(stack) or self._is_harmless(stack, rows[:1])):
                run_points(shared.conditions, stack, rows[:1])
        return self._stacks[k]

    def _is_harmless(self, stack: Stack, rows: Any) -> bool:
        """Try a point in a child: what a user's code does to its process must not happen to this one."""
        found = guarded(self.shared.conditions, stack, rows, self.shared.limits)
        return bool(found.status[0] == OK)

    def _best(
        self, job: Job, stack: Stack, rows: Any, on_grid: int, outcome: Outcome, metrics: tuple[str, ...]
    ) -> dict[str, Any]:
        """Return the best of the tile's points on the grid by the objective over the full span."""
        full = job.context.window_names.index("full")
        values = outcome.values[:on_grid, full, metrics.index(self.shared.objective)]
        if not len(values):
            return {"objective": float("nan")}
        signed = np.where(np.isnan(values), -np.inf, values if self.shared.maximize else -values)
        k = int(np.argmax(signed))
        if not np.isfinite(signed[k]):
            return {"objective": float("nan")}
        chosen = decoded(stack, rows[k : k + 1], job.context.varied)
        point = {name: column[0].item() for name, column in chosen.items()}
        return {"objective": float(values[k]), "strategy": job.label, "best": point}


def _is_ours(stack: Stack) -> bool:
    """Tell whether all components are this package's own."""
    return all(cls.__module__.startswith("admf_ray.components.") for _, cls in stack.classes)


def together(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return some tiles' reports as one, without what is said of their best points."""
    words = sorted({word for one in reports for word in one["status"]})
    return {
        "points": sum(one["points"] for one in reports),
        "seconds": sum(one["seconds"] for one in reports),
        "failed": sum(one["failed"] for one in reports),
        "private_bytes": reports[-1]["private_bytes"],
        "grown_bytes": max(one["grown_bytes"] for one in reports),
        # as text: Tune spreads a mapping over as many columns
        "status": " ".join(f"{word}:{sum(one['status'].get(word, 0) for one in reports)}" for word in words),
    }


def _nothing() -> dict[str, Any]:
    return {
        "points": 0, "seconds": 0.0, "failed": 0, "grown_bytes": 0, "private_bytes": private_bytes(),
        "status": {}, "objective": float("nan"),  # Tune ends a run whose reports lack it
    }  # fmt: skip
