"""What phase 1 found: every point with its figures, in which order, and what each window chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.robustness import Robustness, best_first
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars, Fold, Window
from admf_ray.results import joined, points_table

__all__ = ["Mined", "PointAt", "Searched"]

Floats = NDArray[np.float64]
By = Literal["robust_score", "objective"]


class PointAt(NamedTuple):
    """Where a point of the grid stands.

    Attributes
    ----------
    strategy, point : int
        Place among the searched strategies, and in its lattice order.
    """

    strategy: int
    point: int


@dataclass(frozen=True)
class Searched:
    """One strategy's points.

    Attributes
    ----------
    stack : Stack
    varied : tuple of str
        Parameters that the grid varies.
    rows : float64 array (n_rows, n_columns)
        The grid's points in lattice order, then their neighbours off the grid.
    n_points : int
        How many stand on the grid.
    values : float64 array (n_rows, n_windows, n_metrics)
    scores : float64 array (n_rows, n_windows)
        The objective, higher better.
    robust : Robustness
        Arrays (n_points, n_windows), NaN for test windows: nothing is selected there.
    """

    stack: Stack
    varied: tuple[str, ...]
    rows: Floats
    n_points: int
    values: Floats
    scores: Floats
    robust: Robustness

    def parameters(self, i: int) -> dict[str, Any]:
        """Return the varied parameters of a point."""
        decoded = self.stack.decode(self.rows[i])
        return {name: decoded[name] for name in self.varied}

    def columns(self) -> dict[str, list[Any]]:
        """Return the varied parameters of all points and neighbours, by name."""
        places = {name: self.stack.columns.index(name) for name in self.varied}
        params = {
            prefix + name: param
            for prefix, (_, cls) in zip(self.stack.prefixes, self.stack.classes, strict=True)
            for name, param in cls.parameters.items()
        }
        return {name: [params[name].decode(x) for x in self.rows[:, k]] for name, k in places.items()}


@dataclass(frozen=True)
class Mined:
    """What phase 1 found.

    Attributes
    ----------
    bars : Bars
    windows : tuple of Window
        ``full``, then each fold's train and test.
    folds : tuple of Fold
    searched : tuple of Searched
        By strategy, in the grid's order.
    objective : str
    metrics : tuple of str
    neighborhood : bool
        Whether neighbours were tested.
    select_by : {"robust_score", "objective"}
        What windows select by.
    warmup : {"history", "none"}
    remarks : tuple of str
        What to know about the neighbourhood.
    """

    bars: Bars
    windows: tuple[Window, ...]
    folds: tuple[Fold, ...]
    searched: tuple[Searched, ...]
    objective: str
    metrics: tuple[str, ...]
    neighborhood: bool
    select_by: By
    warmup: Literal["history", "none"]
    remarks: tuple[str, ...]

    @property
    def n_points(self) -> int:
        """Points of the grid, of all strategies."""
        return sum(s.n_points for s in self.searched)

    @property
    def n_off_grid(self) -> int:
        """Neighbours that do not stand on the grid."""
        return sum(len(s.rows) for s in self.searched) - self.n_points

    @cached_property
    def _places(self) -> list[PointAt]:
        return [PointAt(k, i) for k, one in enumerate(self.searched) for i in range(one.n_points)]

    def scores(self, window: str, by: By) -> Floats:
        """Return the score of every point of the grid in a window, strategies behind each other."""
        w = self._window(window)
        if by == "robust_score":
            return np.concatenate([one.robust.robust_score[:, w] for one in self.searched])
        return np.concatenate([one.scores[: one.n_points, w] for one in self.searched])

    def best(self, window: str, by: By, top: int = 1) -> list[PointAt]:
        """Return the best points of the grid in a window; ties in lattice order."""
        return [self._places[i] for i in best_first(self.scores(window, by))[:top]]

    def value(self, at: PointAt, window: str, metric: str) -> float:
        """Return one figure of a point."""
        values = self.searched[at.strategy].values
        return float(values[at.point, self._window(window), self.metrics.index(metric)])

    def judged(self, at: PointAt, window: str) -> dict[str, float]:
        """Return what a point's neighbours say of it; nothing where none were tested."""
        if not self.neighborhood:
            return {}
        robust, w = self.searched[at.strategy].robust, self._window(window)
        return {name: float(figure[at.point, w]) for name, figure in robust._asdict().items()}

    def named(self, at: PointAt) -> dict[str, Any]:
        """Return a point's strategy and varied parameters."""
        one = self.searched[at.strategy]
        return {"strategy": one.stack.strategy.label(), "parameters": one.parameters(at.point)}

    def ranked(self, top: int, metrics: Sequence[str], by: By) -> list[dict[str, Any]]:
        """Return the best points over the full span: rank, strategy, parameters, scores, metrics."""
        w = self._window("full")
        rows: list[dict[str, Any]] = []
        for rank, at in enumerate(self.best("full", by, top), 1):
            score = float(self.searched[at.strategy].scores[at.point, w])
            row = {"rank": rank, **self.named(at), "score": score, **self.judged(at, "full")}
            rows.append(row | {name: self.value(at, "full", name) for name in metrics})
        return rows

    @cached_property
    def chosen(self) -> list[PointAt]:
        """What each training window selects."""
        return [self.best(fold.train.name, self.select_by)[0] for fold in self.folds]

    def walk_forward(self) -> list[dict[str, Any]]:
        """Return, per fold, what was chosen in training and how that did in the test window."""
        days = self.bars.time_ns.astype("datetime64[ns]").astype("datetime64[D]")
        rows = []
        for fold, at in zip(self.folds, self.chosen, strict=True):
            train, test = fold.train.name, fold.test.name
            rows.append(
                {
                    "fold": fold.index,
                    "train_start": str(days[fold.train.start]),
                    "test_start": str(days[fold.test.start]),
                    "test_end": str(days[fold.test.stop - 1]),
                    **self.named(at),
                    **self.judged(at, train),
                    "in_sample": self.value(at, train, self.objective),
                    "out_of_sample": self.value(at, test, self.objective),
                    "train_return": self.value(at, train, "total_return"),
                    "test_return": self.value(at, test, "total_return"),
                    "trades": self.value(at, test, "trades"),
                }
            )
        return rows

    def table(self) -> Any:
        """Return all points and neighbours as one pandas frame: a row per point and window."""
        names = [window.name for window in self.windows]
        return joined(
            [
                points_table(
                    one.stack.strategy.label(),
                    one.columns(),
                    names,
                    self.metrics,
                    one.values,
                    one.n_points,
                    one.robust._asdict() if self.neighborhood else {},
                )
                for one in self.searched
            ]
        )

    def _window(self, name: str) -> int:
        return [one.name for one in self.windows].index(name)
