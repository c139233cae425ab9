"""Verifying a run: stored rows come out again, bit for bit, by replay."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from admf_ray.errors import ConfigError
from admf_ray.phases.opened import Run
from admf_ray.results.points import StoredPoints
from admf_ray.rules.metrics import METRICS

__all__ = ["Verified", "verify_rows"]


class Verified(NamedTuple):
    """One stored row, run again.

    Attributes
    ----------
    strategy : str
    point_id : int
    window : str
    differs : tuple of str
        ``figure: stored there, replayed now`` for each figure of other bits; empty when all are equal.
    """

    strategy: str
    point_id: int
    window: str
    differs: tuple[str, ...]


def verify_rows(run: Run, n_rows: int, seed: int = 0) -> list[Verified]:
    """Replay random rows of a run and compare every figure bit for bit.

    Parameters
    ----------
    run : Run
    n_rows : int
        Drawn without replacement over points and windows; failed rows are left out.
    seed : int

    Raises
    ------
    ConfigError
        The run has no rows that are ok.
    """
    rng = np.random.default_rng(seed)
    frame = run.points(columns=["strategy", "status"])
    good = frame[frame["status"] == "ok"]
    if not len(good):
        raise ConfigError(f"{run.store.uri}: must have rows to verify, found none that are ok")
    windows = run.windows
    total = len(good) * len(windows)
    drawn = np.sort(rng.choice(total, min(n_rows, total), replace=False))
    found = []
    for k in drawn.tolist():
        row, window = good.iloc[k // len(windows)], windows[k % len(windows)]
        found.append(_verified(run, str(row["strategy"]), int(row["point_id"]), window))
    return found


def _verified(run: Run, strategy: str, point_id: int, window: str) -> Verified:
    context = run.contexts[strategy]
    stored = StoredPoints(run.store, context, np.array([point_id]))
    figures = {name: float(column[0]) for name, column in stored.columns(METRICS, window).items()}
    again = run.replay(point_id, window).metrics
    differs = tuple(
        f"{name}: {value!r} stored, {again[name]!r} replayed"
        for name, value in figures.items()
        if value != again[name] and not (np.isnan(value) and np.isnan(again[name]))
    )
    return Verified(strategy, point_id, window, differs)
