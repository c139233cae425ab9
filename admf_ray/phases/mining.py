"""Phase 1: every point of the grid over the full training span and every walk-forward window."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.config.grids import grid_of
from admf_ray.config.objectives import direction_of
from admf_ray.config.schema import PipelineConfig
from admf_ray.config.spaces import search_of
from admf_ray.engine.causality import assert_causal
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import sweep
from admf_ray.errors import ConfigError, ResourceError
from admf_ray.logs import get_logger, identity
from admf_ray.market import Bars, Fold, Window, load_bars, walk_forward
from admf_ray.results import joined, points_table
from admf_ray.rules.metrics import METRICS, TAIL_METRICS

__all__ = ["Mined", "Searched", "mine", "scores", "training_bars"]

Floats = NDArray[np.float64]
MOST_BYTES = 4 * 2**30
PROBED_BARS = 1_000
BLOCK_POINTS = 20_000

log = get_logger(__name__)


@dataclass(frozen=True)
class Searched:
    """One strategy's points.

    Attributes
    ----------
    stack : Stack
    varied : tuple of str
        Parameters that the grid varies.
    points : float64 array (n_points, n_columns)
        In lattice order.
    values : float64 array (n_points, n_windows, n_metrics)
    """

    stack: Stack
    varied: tuple[str, ...]
    points: Floats
    values: Floats

    def parameters(self, i: int) -> dict[str, Any]:
        """Return the varied parameters of a point."""
        decoded = self.stack.decode(self.points[i])
        return {name: decoded[name] for name in self.varied}

    def columns(self) -> dict[str, list[Any]]:
        """Return the varied parameters of all points, by name."""
        places = {name: self.stack.columns.index(name) for name in self.varied}
        params = {
            prefix + name: param
            for prefix, (_, cls) in zip(self.stack.prefixes, self.stack.classes, strict=True)
            for name, param in cls.parameters.items()
        }
        return {name: [params[name].decode(x) for x in self.points[:, k]] for name, k in places.items()}


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
    """

    bars: Bars
    windows: tuple[Window, ...]
    folds: tuple[Fold, ...]
    searched: tuple[Searched, ...]
    objective: str
    metrics: tuple[str, ...]

    @property
    def n_points(self) -> int:
        """Points of all strategies."""
        return sum(len(s.points) for s in self.searched)

    def scores(self, window: str) -> list[tuple[float, int, int]]:
        """Return (score, strategy, point) of every point in a window, best first; ties in lattice order."""
        w = [one.name for one in self.windows].index(window)
        m = self.metrics.index(self.objective)
        found = []
        for k, one in enumerate(self.searched):
            column = scores(
                one.values[:, w, m], one.values[:, w, self.metrics.index("trades")], self.objective
            )
            found += [(float(score), k, i) for i, score in enumerate(column)]
        return sorted(found, key=lambda item: (-item[0], item[1], item[2]))

    def table(self) -> Any:
        """Return all points as one pandas frame: a row per point and window."""
        names = [window.name for window in self.windows]
        return joined(
            [
                points_table(one.stack.strategy.label(), one.columns(), names, self.metrics, one.values)
                for one in self.searched
            ]
        )

    def value(self, k: int, i: int, window: str, metric: str) -> float:
        """Return one figure of point `i` of strategy `k`."""
        w = [one.name for one in self.windows].index(window)
        return float(self.searched[k].values[i, w, self.metrics.index(metric)])

    def ranked(self, top: int, metrics: Sequence[str]) -> list[dict[str, Any]]:
        """Return the best points over the full span: rank, strategy, parameters, score, metrics."""
        rows = []
        for rank, (score, k, i) in enumerate(self.scores("full")[:top], 1):
            one = self.searched[k]
            row: dict[str, Any] = {
                "rank": rank,
                "strategy": one.stack.strategy.label(),
                "parameters": one.parameters(i),
                "score": score,
            }
            rows.append(row | {name: self.value(k, i, "full", name) for name in metrics})
        return rows

    def walk_forward(self) -> list[dict[str, Any]]:
        """Return, per fold, what the objective chose in training and how that did in the test window."""
        days = self.bars.time_ns.astype("datetime64[ns]").astype("datetime64[D]")
        rows = []
        for fold in self.folds:
            _, k, i = self.scores(fold.train.name)[0]
            one = self.searched[k]
            rows.append(
                {
                    "fold": fold.index,
                    "train_start": str(days[fold.train.start]),
                    "test_start": str(days[fold.test.start]),
                    "test_end": str(days[fold.test.stop - 1]),
                    "strategy": one.stack.strategy.label(),
                    "parameters": one.parameters(i),
                    "in_sample": self.value(k, i, fold.train.name, self.objective),
                    "out_of_sample": self.value(k, i, fold.test.name, self.objective),
                    "trades": self.value(k, i, fold.test.name, "trades"),
                }
            )
        return rows


def scores(values: Floats, trades: Floats, objective: str) -> Floats:
    """Return values as scores, higher better: a point without trades scores 0, an undefined one least.

    Parameters
    ----------
    values, trades : float64 array (n_points,)
    objective : str
    """
    signed = values if direction_of(objective) == "maximize" else -values
    return np.where(np.isnan(values), np.where(trades == 0.0, 0.0, -np.inf), signed)


def training_bars(config: PipelineConfig) -> tuple[Bars, Window]:
    """Return the training bars with all history before them, and the window that is trained on."""
    data = config.phase_1_mining.data
    options = data.options()
    start = options.pop("start")
    bars = load_bars(data.source, **options)
    first = 0 if start is None else bars.n_bars - bars.between(start, None).n_bars
    return bars, Window("full", first, bars.n_bars)


def mine(config: PipelineConfig, on_progress: Callable[[int, int], None] | None = None) -> Mined:
    """Run phase 1 on this machine's cores.

    Parameters
    ----------
    config : PipelineConfig
    on_progress : callable, optional
        Told (points done, points in all).

    Raises
    ------
    ConfigError
        The configuration asks for what this version does not execute.
    ResourceError
        More points than memory holds.
    """
    settings = config.phase_1_mining
    _refuse_what_waits(config)
    bars, span = training_bars(config)
    folds = _folds(config, bars, span)
    windows = (span, *(window for fold in folds for window in (fold.train, fold.test)))
    trains = (span, *(fold.train for fold in folds for _ in range(2)))
    metrics = METRICS + (TAIL_METRICS if settings.metrics == "full" else ())
    searches = [search_of(config, one) for one in grid_of(config).strategies]
    chosen = []
    for stack, lattice in searches:
        if lattice.size > 10_000_000:
            raise ResourceError(
                f"{stack.strategy.label()}: the grid has {lattice.size:,} points, more than the 10,000,000 "
                f"of one machine's run; widen the steps"
            )
        indices = np.concatenate(list(lattice.blocks(0, lattice.size)) or [np.empty(0, int)])
        if not len(indices):
            rules = " and ".join(one.text for one in lattice.constraints)
            raise ConfigError(
                f"{stack.strategy.label()}: some point of the grid must satisfy {rules}, found none among "
                f"{lattice.size:,}; move the grid"
            )
        chosen.append(lattice.values(indices))
    total = sum(len(points) for points in chosen)
    needed = total * len(windows) * len(metrics) * 8
    if needed > MOST_BYTES:
        raise ResourceError(
            f"{total:,} points x {len(windows)} windows need {needed / 2**30:.1f} GiB of rows, the limit is "
            f"{MOST_BYTES / 2**30:.0f}; make the grid coarser or the windows fewer"
        )
    done = 0
    for (stack, _), points in zip(searches, chosen, strict=True):
        _probe(bars, stack, points, span)
    searched = []
    for (stack, lattice), points in zip(searches, chosen, strict=True):
        values = np.empty((len(points), len(windows), len(metrics)))
        with identity(point=stack.strategy.label()):
            for begin in range(0, len(points), BLOCK_POINTS):
                block = slice(begin, min(begin + BLOCK_POINTS, len(points)))
                log.info("sweeping points %d to %d of %d", begin, block.stop, len(points))
                values[block] = _sweep(bars, stack, points[block], windows, trains, settings)
                done += block.stop - begin
                if on_progress is not None:
                    on_progress(done, total)
        varied = tuple(axis.name for axis in lattice.axes if axis.size > 1)
        searched.append(Searched(stack, varied, points, values))
    objective = settings.parameter_search.objective
    return Mined(bars, windows, folds, tuple(searched), objective, metrics)


def _probe(bars: Bars, stack: Stack, points: Floats, span: Window) -> None:
    """Refuse a strategy that sees the future, shown at the middle point on the last bars of training."""
    start = max(span.start, span.stop - PROBED_BARS)
    train = Window("train", span.start, (start + span.stop) // 2)
    row = points[len(points) // 2]
    report = assert_causal(
        bars.slice(0, span.stop), stack, row, Window("full", start, span.stop),
        train=train if stack.strategy.fit is not None else None,
    )  # fmt: skip
    log.info("causality: %d bars and %d decisions probed", report.n_bars, report.n_decisions)


def _sweep(
    bars: Bars,
    stack: Stack,
    points: Floats,
    windows: Sequence[Window],
    trains: Sequence[Window],
    settings: Any,
) -> Floats:
    """Sweep with the bars before each window as its history, or (``warmup: none``) without them."""
    threads = os.cpu_count() or 1
    tail = settings.metrics == "full"
    if settings.warmup == "history":
        return sweep(bars, stack, points, windows, threads=threads, tail=tail, trains=trains).values
    parts = []
    for window, train in zip(windows, trains, strict=True):
        begin = min(window.start, train.start) if stack.strategy.fit is not None else window.start
        own = Window(window.name, window.start - begin, window.stop - begin)
        seen = Window(train.name, train.start - begin, train.stop - begin)
        cut = bars.slice(begin, window.stop)
        parts.append(sweep(cut, stack, points, [own], threads=threads, tail=tail, trains=[seen]).values)
    return np.concatenate(parts, axis=1)


def _folds(config: PipelineConfig, bars: Bars, span: Window) -> tuple[Fold, ...]:
    """Return the walk-forward folds of the training span, as indices of the whole bars."""
    settings = config.phase_1_mining.walk_forward
    if not settings.enabled:
        return ()
    folds = walk_forward(bars.slice(span.start, span.stop), **settings.options())

    def moved(window: Window) -> Window:
        return Window(window.name, window.start + span.start, window.stop + span.start)

    return tuple(Fold(fold.index, moved(fold.train), moved(fold.test)) for fold in folds)


def _refuse_what_waits(config: PipelineConfig) -> None:
    """Refuse what the configuration may say and this version does not execute."""
    settings = config.phase_1_mining
    search = settings.parameter_search
    for path, value, executed in (
        ("accounts", settings.accounts, "shared"),
        ("symbols", settings.symbols, "together"),
        ("parameter_search.method", search.method, "grid"),
    ):
        if value != executed:
            raise ConfigError(
                f"{config.place(f'phase_1_mining.{path}')}: this version executes '{executed}', found "
                f"'{value}'; set it to '{executed}'"
            )
