"""Phase 1: the grid and its surroundings, over the full training span and every walk-forward window."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.robustness import as_scores, robustness
from admf_ray.config.grids import grid_of
from admf_ray.config.mining import NeighborhoodConfig
from admf_ray.config.objectives import direction_of
from admf_ray.config.schema import PipelineConfig
from admf_ray.config.spaces import search_of
from admf_ray.engine.causality import assert_causal
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.points import run_points
from admf_ray.engine.stack import Stack
from admf_ray.errors import ComponentError, ConfigError, ResourceError
from admf_ray.logs import get_logger, identity
from admf_ray.market import Bars, Fold, Window, load_bars, walk_forward
from admf_ray.phases.mined import Mined, Searched
from admf_ray.rules.metrics import METRICS, TAIL_METRICS
from admf_ray.space.neighborhood import Neighborhood

__all__ = ["mine", "neighborhood_of", "training_bars"]

Floats = NDArray[np.float64]
MOST_BYTES = 4 * 2**30
PROBED_BARS = 1_000
BLOCK_POINTS = 20_000

log = get_logger(__name__)


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
    search, near = settings.parameter_search, neighborhood_of(settings.parameter_search.neighborhood_testing)
    searches = [search_of(config, one) for one in grid_of(config).strategies]
    around, remarks = [], []
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
        around.append(near.around(lattice, indices))
        remarks += near.remarks(lattice)
    total = sum(len(one.rows) for one in around)
    needed = total * len(windows) * len(metrics) * 8
    if needed > MOST_BYTES:
        raise ResourceError(
            f"{total:,} points and neighbours x {len(windows)} windows need {needed / 2**30:.1f} GiB, "
            f"the limit is {MOST_BYTES / 2**30:.0f}; make the grid coarser or the radius or windows fewer"
        )
    done = 0
    for (stack, _), one in zip(searches, around, strict=True):
        _probe(bars, stack, one.rows[: one.n_points], span)
    conditions = Conditions.of(bars, windows, trains, warmup=settings.warmup, tail=settings.metrics == "full")
    searched = []
    maximize = direction_of(search.objective) == "maximize"
    judged = [w for w, window in enumerate(windows) if window in (span, *(fold.train for fold in folds))]
    for (stack, lattice), one in zip(searches, around, strict=True):
        values = np.empty((len(one.rows), len(windows), len(metrics)))
        with identity(point=stack.strategy.label()):
            for begin in range(0, len(one.rows), BLOCK_POINTS):
                block = slice(begin, min(begin + BLOCK_POINTS, len(one.rows)))
                log.info("sweeping points %d to %d of %d", begin, block.stop, len(one.rows))
                found = run_points(conditions, stack, one.rows[block], threads=os.cpu_count() or 1)
                if found.errors:
                    raise ComponentError(next(iter(found.errors.values()))[1])
                values[block] = found.values
                done += block.stop - begin
                if on_progress is not None:
                    on_progress(done, total)
        varied = tuple(axis.name for axis in lattice.axes if axis.size > 1)
        columns = (values[:, :, metrics.index(name)] for name in (search.objective, "trades"))
        raw = as_scores(*columns, maximize=maximize)
        robust = robustness(raw[:, judged], one.index)
        spread = type(robust)(*(_spread(figure, judged, len(windows)) for figure in robust))
        searched.append(Searched(stack, varied, one.rows, one.n_points, values, raw, spread))
    return Mined(
        bars,
        windows,
        folds,
        tuple(searched),
        search.objective,
        metrics,
        search.neighborhood_testing.enabled,
        "robust_score" if search.robust else "objective",
        settings.warmup,
        tuple(remarks),
    )


def neighborhood_of(config: NeighborhoodConfig) -> Neighborhood:
    """Return what counts as near; nothing does where the test is switched off."""
    return Neighborhood(config.radius if config.enabled else 0, config.shape, config.resolution)


def _spread(figure: Floats, places: Sequence[int], n_windows: int) -> Floats:
    """Put columns where they belong among all windows, NaN elsewhere."""
    out = np.full((len(figure), n_windows), np.nan)
    out[:, places] = figure
    return out


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
