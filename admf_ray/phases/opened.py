"""A run as it stands in its folder, opened from Python."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.config.load import parse_pipeline
from admf_ray.config.objectives import OBJECTIVES
from admf_ray.config.schema import PipelineConfig
from admf_ray.engine.assembly import build_container, replay_in
from admf_ray.errors import ConfigError, StoreError, closest
from admf_ray.phases.analysis.finalist import Finalist, read_finalists
from admf_ray.phases.analysis.tables import ANALYSIS, TABLES
from admf_ray.phases.backtest import Backtest
from admf_ray.phases.manifest import config_of, whole_manifest
from admf_ray.phases.search import Search, prepare_search
from admf_ray.phases.written import INDEX, NEIGHBORHOOD, SUMMARY, WALK_FORWARD
from admf_ray.results.frames import heatmap_frame, joined, points_frame, window_frame
from admf_ray.results.points import StoredPoints
from admf_ray.results.schema import FORMAT, Context
from admf_ray.results.store import RunStore

__all__ = ["Run", "open_run"]

Ints = NDArray[np.int64]


def open_run(path: str | Path) -> Run:
    """Open a run's folder or storage address.

    Raises
    ------
    StoreError
        There is no run, or one of another format.

    Examples
    --------
    >>> from admf_ray import open_run
    >>> run = open_run("results/quickstart")          # doctest: +SKIP
    >>> run.best(3, by="robust_score")                # doctest: +SKIP
    >>> run.replay(run.best(1)["point_id"].iloc[0])   # doctest: +SKIP
    """
    store = RunStore(str(path))
    manifest = store.manifest()
    if manifest["format"] != FORMAT:
        raise StoreError(
            f"{store.uri}: must be of format {FORMAT}, found {manifest['format']}; read it with admf_ray "
            f"{manifest.get('admf_ray')}, which wrote it, or run again elsewhere"
        )
    return Run(store, manifest)


@dataclass(frozen=True)
class Run:
    """What a run's folder holds.

    Parameters
    ----------
    store : RunStore
    manifest : dict
        ``run.json``.

    Notes
    -----
    Tables are read when they are asked for. Opening and reading is no look at any data.
    """

    store: RunStore
    manifest: dict[str, Any] = field(repr=False)

    @cached_property
    def config(self) -> PipelineConfig:
        """The configuration that the run was begun with, resolved."""
        return parse_pipeline(config_of(self.manifest))

    @cached_property
    def contexts(self) -> dict[str, Context]:
        """What names each strategy's rows."""
        found = {}
        with whole_manifest(self.store):
            for facts in self.manifest["contexts"]:
                known = {key: value for key, value in facts.items() if key not in ("format", "digest")}
                for key in ("varied", "regimes", "regime_bars", "slice_bars"):
                    known[key] = tuple(known[key])
                known["windows"] = tuple(tuple(one) for one in known["windows"])
                found[facts["strategy"]] = Context(**known)
        return found

    @property
    def windows(self) -> tuple[str, ...]:
        """Names of the windows."""
        return next(iter(self.contexts.values())).window_names

    @property
    def summary(self) -> dict[str, Any]:
        """Counts and walk-forward figures."""
        found: dict[str, Any] = self.store.read_json(SUMMARY)
        return found

    def points(
        self, window: str = "full", columns: Sequence[str] | None = None, *, off_grid: bool = True
    ) -> Any:
        """Return the points in lattice order, then their neighbours off the grid, as a pandas frame.

        Parameters
        ----------
        window : str
            ``full``, ``train_3``, ``test_3`` and so on.
        columns : sequence of str, optional
            Besides ``point_id`` and ``off_grid``; all by default.
        off_grid : bool
            Whether neighbours that do not stand on the grid are there too.

        Returns
        -------
        pandas.DataFrame
            One row a point: identity, strategy, searched parameters, status, figures, and where
            neighbours were tested ``robust_score``, ``stability``, ``degradation`` (NaN off the grid and in
            test windows).

        Raises
        ------
        ConfigError
            No such window or column.
        """
        frames = []
        for strategy, context in self.contexts.items():
            ids, beside = self._index(strategy)
            stored = StoredPoints(self.store, context, ids)
            own = columns
            if columns is not None:
                own = [name for name in columns if name not in _JUDGED]
            frame = points_frame(stored, beside, window, own)
            if columns is None or any(name in _JUDGED for name in columns):
                frame = self._judged(frame, window, strategy)
            frames.append(frame if off_grid else frame[~frame["off_grid"]])
        return joined(frames)

    def best(self, n: int = 10, by: str = "robust_score", window: str = "full") -> Any:
        """Return the best points of the grid as a pandas frame, the best first; ties in lattice order.

        Parameters
        ----------
        n : int
            At most so many.
        by : str
            A column of `points`. The least is best of what `OBJECTIVES` minimizes and of ``degradation``, the
            most of all others; undefined ones come last.
        window : str

        Raises
        ------
        ConfigError
            No such column or window.
        """
        frame = self.points(window, off_grid=False)
        if by not in frame:
            near = closest(by, map(str, frame)) or "; such as sharpe"
            raise ConfigError(f"best: by must be a column of points(), found '{by}'{near}")
        least = by == "degradation" or OBJECTIVES.get(by.partition("@")[0]) == "minimize"
        return frame.sort_values(by, ascending=least, kind="stable").head(n).reset_index(drop=True)

    def heatmap(
        self,
        x: str,
        y: str,
        value: str = "robust_score",
        *,
        reduce: str = "median",
        strategy: str | None = None,
    ) -> Any:
        """Return a figure over two parameters as a pandas frame, rows by `y`, columns by `x`.

        Parameters
        ----------
        x, y : str
            Searched parameters.
        value : str
            A column of `points`.
        reduce : {"median", "lower_quartile", "mean", "max"}
            How the other parameters are put together.
        strategy : str, optional
            The one that has both parameters, when left out.
        """
        able = [name for name, context in self.contexts.items() if {x, y} <= set(context.varied)]
        if strategy is None and len(able) != 1:
            raise ConfigError(
                f"heatmap: one strategy must have {x} and {y}, found {', '.join(able) or 'none'}; name it"
            )
        frame = self.points(off_grid=False)
        return heatmap_frame(frame[frame["strategy"] == (strategy or able[0])], x, y, value, reduce)

    def walk_forward(self) -> Any:
        """Return what each window chose and how that did, as a pandas frame."""
        return self.store.read_table(WALK_FORWARD).to_pandas()

    def table(self, name: str) -> Any:
        """Return a table of phase 2 as a pandas frame; `COLUMNS` says what its columns mean.

        Parameters
        ----------
        name : str
            See `phases.analysis.tables.TABLES`, such as ``sensitivity``, ``experiments`` or ``finalists``.

        Raises
        ------
        ConfigError
            No such table.
        StoreError
            Phase 2 has not left it.
        """
        if name not in TABLES:
            raise ConfigError(f"table '{name}': must be one of {', '.join(TABLES)}{closest(name, TABLES)}")
        return self.store.read_table(f"{name}.parquet").to_pandas()

    @property
    def analysis(self) -> dict[str, Any]:
        """What phase 2 says beside its tables: clusters' scores, the classifier's quality, sentences."""
        found: dict[str, Any] = self.store.read_json(ANALYSIS)
        return found

    def finalists(self) -> tuple[Finalist, ...]:
        """Return the finalists in order, as phase 3 takes them."""
        return read_finalists(self.store)

    def replay(self, point_id: int, window: str = "full", *, log_events: bool = False) -> Backtest:
        """Run a stored point again, event by event, in a container of its own; its row's bits come out.

        Parameters
        ----------
        point_id : int
            As `points` has it.
        window : str
        log_events : bool
            Keep the container's events.

        Raises
        ------
        ConfigError
            The run has no such point or window.
        """
        strategy, settings = self._settings(point_id)
        search = self._search
        stack = next(stack for stack, _ in search.searches if stack.strategy.label() == strategy)
        row = stack.vector(settings)
        if window not in self.windows:
            raise ConfigError(
                f"window '{window}': must be one of the run's, such as {', '.join(self.windows[:3])}"
            )
        place = self.windows.index(window)
        conditions = search.conditions
        own, train = conditions.windows[place], conditions.trains[place]
        bars = conditions.bars
        with build_container(f"replay_{point_id}", bars, stack, row, keep_log=log_events) as box:
            box.initialize_scope()
            result = replay_in(box, stack, row, own, train)
            events = box.bus.log
        return Backtest(strategy, stack.decode(row), result, events, bars.notes)

    @cached_property
    def _search(self) -> Search:
        return prepare_search(self.config)

    @cached_property
    def _index_table(self) -> Any:
        if not self.store.exists(INDEX):  # written when all rows are there
            raise StoreError(
                f"{self.store.uri}: must be a run whose phase 1 has ended, found one at work or stopped; go "
                f"on with it: admf-ray resume {shlex.quote(self.store.uri)}"
            )
        return self.store.read_table(INDEX)

    def _index(self, strategy: str) -> tuple[Ints, NDArray[np.bool_]]:
        table = self._index_table
        own = np.asarray(table["strategy"].combine_chunks()) == strategy
        return table["point_id"].to_numpy()[own], table["off_grid"].to_numpy()[own]

    def _judged(self, frame: Any, window: str, strategy: str) -> Any:
        if not self.store.exists(NEIGHBORHOOD):
            return frame
        judged = window_frame(self.store, NEIGHBORHOOD, window, strategy).drop(columns="score")
        if not len(judged):
            return frame
        return frame.merge(judged, on="point_id", how="left")

    def _settings(self, point_id: int) -> tuple[str, dict[str, Any]]:
        """Return a stored point's strategy and all its parameters by full name."""
        for strategy, context in self.contexts.items():
            ids, _ = self._index(strategy)
            if point_id in ids:
                stored = StoredPoints(self.store, context, np.array([point_id]))
                row = points_frame(stored, np.zeros(1, dtype=np.bool_), "full", list(context.varied))
                values = {name: row[name].iloc[0] for name in context.varied}
                plain = {name: v.item() if hasattr(v, "item") else v for name, v in values.items()}
                return strategy, {**context.fixed, **plain}
        raise ConfigError(
            f"point {point_id!r}: must be one of the run's, found no such; see points()['point_id']"
        )


_JUDGED = ("robust_score", "stability", "degradation")
