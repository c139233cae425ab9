"""What phase 1 searches: bars, windows and points, made from a configuration before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.regimes import RegimeClassifier, fit_regimes, min_train_bars
from admf_ray.cluster.jobs import Job, StackNames
from admf_ray.config.data import DataConfig
from admf_ray.config.grids import grid_of
from admf_ray.config.mining import NeighborhoodConfig
from admf_ray.config.schema import PipelineConfig
from admf_ray.config.spaces import search_of
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.inputs import regime_rows, slice_cuts
from admf_ray.engine.stack import Stack
from admf_ray.errors import ConfigError, DataError
from admf_ray.market import Bars, Fold, Window, load_bars, walk_forward
from admf_ray.results.identity import code_digest, digest_of, engine_facts
from admf_ray.results.schema import Context
from admf_ray.space.lattice import Lattice
from admf_ray.space.neighborhood import Neighborhood

__all__ = [
    "Search",
    "context_of",
    "job_of",
    "neighborhood_of",
    "pointless",
    "prepare_search",
    "training_bars",
]

Ints = NDArray[np.int64]
SLICES = 16


@dataclass(frozen=True)
class Search:
    """Everything phase 1 needs before it runs.

    Attributes
    ----------
    config : PipelineConfig
    span : Window
        The whole training span, ``full``.
    folds : tuple of Fold
    conditions : Conditions
        Bars and windows: ``full``, then each fold's train and test.
    searches : tuple of (Stack, Lattice)
        By strategy, in the grid's order.
    classifier : RegimeClassifier or None
        Of market regimes, fitted on the training span.
    remarks : tuple of str
        What to know about what is searched.
    """

    config: PipelineConfig
    span: Window
    folds: tuple[Fold, ...]
    conditions: Conditions
    searches: tuple[tuple[Stack, Lattice], ...]
    classifier: RegimeClassifier | None
    remarks: tuple[str, ...]

    @property
    def bars(self) -> Bars:
        """Training bars with all history before them."""
        return self.conditions.bars

    @property
    def size(self) -> int:
        """Points of the lattices, admissible or not."""
        return sum(lattice.size for _, lattice in self.searches)

    @property
    def neighborhood(self) -> Neighborhood:
        """What counts as near."""
        return neighborhood_of(self.config.phase_1_mining.parameter_search.neighborhood_testing)


def training_bars(data: DataConfig) -> tuple[Bars, Window]:
    """Return the training bars with all history before them, and the window that is trained on."""
    options = data.options()
    start = options.pop("start")
    bars = load_bars(data.source, **options)
    first = 0 if start is None else bars.n_bars - bars.between(start, None).n_bars
    return bars, Window("full", first, bars.n_bars)


def prepare_search(config: PipelineConfig) -> Search:
    """Return what phase 1 searches; reads the training data and no other.

    Raises
    ------
    ConfigError
        The configuration asks for what this version does not execute.
    DataError
        The data cannot be read, or are too short for the windows.
    """
    _refuse_what_waits(config)
    settings = config.phase_1_mining
    try:
        bars, span = training_bars(settings.data)
    except DataError as error:
        raise DataError(f"{config.place('phase_1_mining.data')}: {error}") from None
    folds = _folds(config, bars, span)
    windows = (span, *(window for fold in folds for window in (fold.train, fold.test)))
    trains = (span, *(fold.train for fold in folds for _ in range(2)))
    classifier, remarks = _classifier(config, bars, span)
    conditions = Conditions.of(
        bars,
        windows,
        trains,
        warmup=settings.warmup,
        tail=settings.metrics == "full",
        labels=None if classifier is None else classifier.labels(bars),
        n_regimes=0 if classifier is None else classifier.n_regimes,
    )
    searches = tuple(search_of(config, one) for one in grid_of(config).strategies)
    return Search(config, span, folds, conditions, searches, classifier, remarks)


def _classifier(
    config: PipelineConfig, bars: Bars, span: Window
) -> tuple[RegimeClassifier | None, tuple[str, ...]]:
    """Fit the shared classifier on the training span; left out, and said, where that is too short."""
    regimes = config.phase_1_mining.regimes
    kind = regimes.kind
    if kind is None:
        return None, ()
    needed = min_train_bars(kind, regimes.n_states)
    if span.n_bars < needed and regimes.classifier == "auto":
        remark = f"regimes: {span.n_bars:,} bars are too few to classify, {needed:,} are needed; left out"
        return None, (remark,)
    seed = config.phase_1_mining.parameter_search.seed
    return fit_regimes(bars, span, kind, regimes.n_states, seed), ()


def neighborhood_of(config: NeighborhoodConfig) -> Neighborhood:
    """Return what counts as near; nothing does where the test is switched off."""
    return Neighborhood(config.radius if config.enabled else 0, config.shape, config.resolution)


def job_of(search: Search, stack: Stack, lattice: Lattice, indices: Ints, near: Neighborhood) -> Job:
    """Return the job of a lattice's points and their neighbours, all of it still to do.

    Raises
    ------
    ConfigError
        There is no point.
    """
    if not len(indices):
        raise pointless(stack, lattice)
    around = near.around(lattice, indices)
    conditions = search.conditions
    steps = sum(window.n_bars for window in conditions.windows) * conditions.bars.n_symbols
    return Job(
        StackNames.of(stack),
        context_of(search, stack, lattice),
        around,
        np.arange(len(around), dtype=np.int64),
        stack.strategy.is_compiled(),
        steps,
    )


def pointless(stack: Stack, lattice: Lattice) -> ConfigError:
    """Return the error of a lattice without a point: names the rules, and where the user's are."""
    rules = " and ".join(one.text for one in lattice.constraints)
    components = {text for _, cls in stack.classes for text in cls.constraints}
    own = [one.where for one in lattice.constraints if one.text not in components]
    return ConfigError(
        f"{stack.strategy.label()}: some point of the grid must satisfy {rules}, found none among "
        f"{lattice.size:,}; move the grid{' or change ' if own else ''}{', '.join(own)}"
    )


def context_of(search: Search, stack: Stack, lattice: Lattice) -> Context:
    """Return what names the results of a lattice's points in a search."""
    conditions = search.conditions
    decoded = stack.decode(lattice.base)
    varied = tuple(axis.name for axis in lattice.axes)
    pairs = zip(conditions.windows, conditions.trains, strict=True)
    cuts = slice_cuts(conditions.windows[0], SLICES)
    return Context(
        strategy=stack.strategy.label(),
        code=code_digest(*(cls for _, cls in stack.classes)),
        engine=engine_facts(),
        bars=conditions.bars.content_hash,
        windows=tuple((w.name, w.start, w.stop, train.start, train.stop) for w, train in pairs),
        varied=varied,
        fixed={name: value for name, value in decoded.items() if name not in varied},
        conditions=_facts(conditions),
        regimes=() if search.classifier is None else (*search.classifier.names, "unknown"),
        regime_bars=_regime_bars(conditions),
        slice_bars=tuple(int(n) for n in np.diff(cuts)),
        bars_per_year=conditions.bars.bars_per_year,
    )


def _facts(conditions: Conditions) -> Mapping[str, Any]:
    labels = None if conditions.labels is None else digest_of(conditions.labels.tolist())
    return {"warmup": conditions.warmup, "tail": conditions.tail, "labels": labels}


def _regime_bars(conditions: Conditions) -> tuple[int, ...]:
    """Return the bars of the window ``full`` in each regime, the unknown one last."""
    if conditions.labels is None:
        return ()
    full, n = conditions.windows[0], conditions.n_regimes
    rows = regime_rows(conditions.labels, n, conditions.bars.n_bars)[full.start : full.stop]
    return tuple(int(count) for count in np.bincount(rows, minlength=n + 1))


def _folds(config: PipelineConfig, bars: Bars, span: Window) -> tuple[Fold, ...]:
    """Return the walk-forward folds of the training span, as indices of the whole bars."""
    settings = config.phase_1_mining.walk_forward
    if not settings.enabled:
        return ()
    try:
        folds = walk_forward(bars.slice(span.start, span.stop), **settings.options())
    except DataError as error:
        place = config.place("phase_1_mining.walk_forward")
        raise DataError(f"{place}: {str(error).removeprefix('walk_forward: ')}") from None

    def moved(window: Window) -> Window:
        return Window(window.name, window.start + span.start, window.stop + span.start)

    return tuple(Fold(fold.index, moved(fold.train), moved(fold.test)) for fold in folds)


def _refuse_what_waits(config: PipelineConfig) -> None:
    """Refuse what the configuration may say and this version does not execute."""
    settings = config.phase_1_mining
    asked: Sequence[tuple[str, str, str]] = (
        ("accounts", settings.accounts, "shared"),
        ("symbols", settings.symbols, "together"),
    )
    for path, value, executed in asked:
        if value != executed:
            raise ConfigError(
                f"{config.place(f'phase_1_mining.{path}')}: this version executes '{executed}', found "
                f"'{value}'; set it to '{executed}'"
            )
