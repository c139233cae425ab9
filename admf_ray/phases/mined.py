"""What phase 1 found: every point with its figures, in which order, and what each window chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.robustness import Robustness, as_scores, best_first, robustness
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars, Fold, Window
from admf_ray.results.points import StoredPoints
from admf_ray.space.surroundings import Surroundings

__all__ = ["By", "Mined", "PointAt", "Searched"]

Floats = NDArray[np.float64]
By = Literal["robust_score", "objective"]
KEPT_FIGURES = 8_000_000  # of a strategy, 64 MB; no fewer than FEWEST_COLUMNS columns
FEWEST_COLUMNS = 8


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
    points : Surroundings
        The grid's points in lattice order, then their neighbours off the grid.
    figures : StoredPoints
    objective : str
    maximize : bool
        Which side of the objective is better.

    Notes
    -----
    Figures stay where they are stored and are read a window at a time, so a million points cost some columns
    of memory, not all of them. The last ones are kept, more of them where there are fewer points.
    """

    stack: Stack
    varied: tuple[str, ...]
    points: Surroundings
    figures: StoredPoints
    objective: str
    maximize: bool
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def n_points(self) -> int:
        """How many stand on the grid."""
        return self.points.n_points

    def row(self, i: int) -> Floats:
        """Return a point's row, as the stack takes it, shape (n_columns,)."""
        return self.points.rows(i, i + 1)[0]

    def figure(self, name: str, window: str) -> Floats:
        """Return one figure of every row, shape (n_rows,)."""
        found: Floats = self._keep((name, window), lambda: self.figures.columns([name], window)[name])
        return found

    def scores(self, window: str) -> Floats:
        """Return the objective of every row, higher better, shape (n_rows,)."""

        def read() -> Floats:
            both = self.figures.columns(list(dict.fromkeys([self.objective, "trades"])), window)
            return as_scores(both[self.objective], both["trades"], maximize=self.maximize)

        found: Floats = self._keep(("scores", window), read)
        return found

    def robust(self, window: str) -> Robustness:
        """Return what each point's neighbours say of it, arrays (n_points,)."""

        def judge() -> Robustness:
            found = robustness(self.scores(window)[:, None], self.points.index, self.n_points)
            return Robustness(*(figure[:, 0] for figure in found))

        found: Robustness = self._keep(("robust", window), judge)
        return found

    def parameters(self, i: int) -> dict[str, Any]:
        """Return the varied parameters of a point."""
        decoded = self.stack.decode(self.row(i))
        return {name: decoded[name] for name in self.varied}

    def _keep(self, key: Any, make: Any) -> Any:
        """Return a value, made once while it is among the last that were asked for."""
        if key in self._kept:
            self._kept[key] = self._kept.pop(key)
        else:
            value = make()
            most = max(KEPT_FIGURES // max(len(self.points), 1), FEWEST_COLUMNS)
            while len(self._kept) >= most:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = value
        return self._kept[key]


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
    neighborhood: bool
    select_by: By
    warmup: Literal["history", "none"]
    remarks: tuple[str, ...]

    @property
    def n_points(self) -> int:
        """Points of the grid, of all strategies."""
        return sum(one.n_points for one in self.searched)

    @property
    def n_off_grid(self) -> int:
        """Neighbours that do not stand on the grid."""
        return sum(len(one.points) for one in self.searched) - self.n_points

    @property
    def judged(self) -> tuple[str, ...]:
        """The windows in which points are judged and selected: ``full`` and each fold's train."""
        return ("full", *(fold.train.name for fold in self.folds))

    def place(self, i: int) -> PointAt:
        """Return where the `i`-th point of all strategies stands."""
        for k, one in enumerate(self.searched):
            if i < one.n_points:
                return PointAt(k, i)
            i -= one.n_points
        raise IndexError(i)

    def scores(self, window: str, by: By) -> Floats:
        """Return the score of every point of the grid in a window, strategies behind each other."""
        if by == "robust_score":
            return np.concatenate([one.robust(window).robust_score for one in self.searched])
        return np.concatenate([one.scores(window)[: one.n_points] for one in self.searched])

    def best(self, window: str, by: By, top: int = 1) -> list[PointAt]:
        """Return the best points of the grid in a window; ties in lattice order."""
        scores = self.scores(window, by)
        if top == 1:
            return [self.place(int(np.argmax(np.where(np.isnan(scores), -np.inf, scores))))]
        return [self.place(int(i)) for i in best_first(scores)[:top]]

    def value(self, at: PointAt, window: str, metric: str) -> float:
        """Return one figure of a point."""
        return float(self.searched[at.strategy].figure(metric, window)[at.point])

    def judgement(self, at: PointAt, window: str) -> dict[str, float]:
        """Return what a point's neighbours say of it; nothing where none were tested."""
        if not self.neighborhood:
            return {}
        robust = self.searched[at.strategy].robust(window)
        return {name: float(figure[at.point]) for name, figure in robust._asdict().items()}

    def named(self, at: PointAt) -> dict[str, Any]:
        """Return a point's strategy and varied parameters."""
        one = self.searched[at.strategy]
        return {"strategy": one.stack.strategy.label(), "parameters": one.parameters(at.point)}

    def ranked(self, top: int, metrics: Sequence[str], by: By) -> list[dict[str, Any]]:
        """Return the best points over the full span: rank, strategy, parameters, scores, metrics."""
        rows: list[dict[str, Any]] = []
        best = self.best("full", by, top) if top > 1 else self.best("full", by)
        for rank, at in enumerate(best, 1):
            score = float(self.searched[at.strategy].scores("full")[at.point])
            rows.append({"rank": rank, **self.named(at), "score": score, **self.judgement(at, "full")})
        for name in metrics:  # figure by figure, so that each column is read once
            for row, at in zip(rows, best, strict=True):
                row[name] = self.value(at, "full", name)
        return rows

    @cached_property
    def chosen(self) -> list[PointAt]:
        """What each training window selects."""
        return [self.best(fold.train.name, self.select_by)[0] for fold in self.folds]

    @cached_property
    def walk_forward(self) -> list[dict[str, Any]]:
        """What was chosen in each fold's training, and how that did in its test window."""
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
                    **self.judgement(at, train),
                    "in_sample": self.value(at, train, self.objective),
                    "train_return": self.value(at, train, "total_return"),
                    "out_of_sample": self.value(at, test, self.objective),
                    "test_return": self.value(at, test, "total_return"),
                    "trades": self.value(at, test, "trades"),
                }
            )
        return rows
