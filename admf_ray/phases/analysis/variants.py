"""Variants: what experiments search, run like any points, compared with their baselines and concluded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from admf_ray.config.analysis import ExperimentConfig
from admf_ray.config.grids import grid_of
from admf_ray.config.spaces import variant_of
from admf_ray.errors import ConfigError, ResourceError
from admf_ray.phases.analysis.experiments import Compared, Experiment, compare, of_one
from admf_ray.phases.analysis.hypotheses import corrected, hash_of, record, told
from admf_ray.phases.analysis.tables import Found, as_table
from admf_ray.phases.mined import Mined
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.search import Search

__all__ = ["Variants", "tables_of"]


@dataclass
class Variants:
    """The variants of a run's experiments.

    Parameters
    ----------
    mining : BacktestCoordinator
        What runs them, so they are stored, resumed and guarded like any point.
    mined : Mined
        The baselines.
    seed : int
        Of the tests.
    """

    mining: BacktestCoordinator
    mined: Mined
    seed: int
    _found: dict[str, Mined] = field(default_factory=dict, repr=False)

    def search(self, one: ExperimentConfig) -> Search:
        """Return what an experiment's variant searches, over the same bars and windows.

        Raises
        ------
        ConfigError
            A hypothesis does not fit the grid.
        ResourceError
            More points than allowed.
        """
        config = self.mining.config
        stack, lattice = variant_of(config, grid_of(config), one)
        settings = config.phase_1_mining.parameter_search
        if settings.method == "grid" and lattice.size > settings.max_points:
            raise ResourceError(
                f"experiment {one.name}: must search at most {settings.max_points:,} points, found "
                f"{lattice.size:,}; shorten modifications.grid"
            )
        return replace(self.mining.search, searches=((stack, lattice),))

    def representative(self, search: Search) -> NDArray[np.float64]:
        """Return a variant's best row over the training span once it was run, else its grid's middle."""
        _, lattice = search.searches[0]
        found = self._found.get(_named(search))
        if found is None:
            return lattice.values([lattice.size // 2])[0]
        return found.searched[0].row(found.best("full", found.select_by)[0].point)

    def compared(self, experiments: Sequence[ExperimentConfig]) -> list[Compared] | None:
        """Record hypotheses, run their variants together, and compare each with its baseline.

        Returns
        -------
        list of Compared or None
            None after an interrupt.
        """
        if not experiments:
            return []
        searches = [self.search(one) for one in experiments]
        for one in experiments:
            if one.base_strategy not in [s.stack.strategy.label() for s in self.mined.searched]:
                raise ConfigError(f"experiment {one.name}: its base strategy has no points here; add some")
        record(self.mining.store, experiments)
        variants = self.mining.mine(searches)
        if self.mining.interrupted:
            return None
        self._found.update({_named(s): v for s, v in zip(searches, variants, strict=True)})
        return [
            compare(one, of_one(self.mined, one.base_strategy), variant, self.mining.search, self.seed)
            for one, variant in zip(experiments, variants, strict=True)
        ]

    def concluded(self, compared: Sequence[Compared]) -> list[Experiment]:
        """Write down the p-values and correct them over every hypothesis the run recorded."""
        if not compared:
            return []
        family = told(self.mining.store, {hash_of(one.experiment): one.p_values for one in compared})
        p_values, when = corrected(family), {one.hash: one.recorded for one in family}
        return [
            Experiment(one, own, when[own], *p_values[own], len(family), self.mining.search)
            for one in compared
            for own in [hash_of(one.experiment)]
        ]


def tables_of(experiments: Sequence[Experiment]) -> Found:
    """Return the experiments' tables and sentences."""
    found = Found(facts={"experiments": [one.sentence() for one in experiments]})
    if experiments:
        tables = {
            "experiments": [one.row() for one in experiments],
            "experiment_windows": [row for one in experiments for row in one.window_rows()],
            "experiment_regimes": [row for one in experiments for row in one.regime_rows()],
        }
        found.tables = {name: as_table(rows) for name, rows in tables.items() if rows}
    return found


def _named(search: Search) -> str:
    """Return what names a variant's search: its stack and its points."""
    stack, lattice = search.searches[0]
    return f"{stack.classes}{lattice.axes}{lattice.base.tobytes().hex()}"
