"""`AnalysisCoordinator`: the configured tools, experiments, and the statistics that count every trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from admf_ray.config.analysis import AnalysisConfig, ExperimentConfig, Modifications
from admf_ray.config.validation import FinalSelection
from admf_ray.engine.assembly import build_container, replay_in
from admf_ray.engine.container import ScopedContainer
from admf_ray.engine.stack import Stack
from admf_ray.errors import DataError
from admf_ray.logs import get_logger
from admf_ray.phases.analysis.candidate_tools import clusters, regimes
from admf_ray.phases.analysis.candidates import Candidate, choose, read
from admf_ray.phases.analysis.evidence import weigh
from admf_ray.phases.analysis.experiments import Experiment
from admf_ray.phases.analysis.finalist import Finalist, write_finalists
from admf_ray.phases.analysis.hypotheses import hash_of
from admf_ray.phases.analysis.ordering import Standing, order
from admf_ray.phases.analysis.overfitting import Luck, judge_run
from admf_ray.phases.analysis.recorded import recorded_variants
from admf_ray.phases.analysis.rows import GRID, Rows, Subject
from admf_ray.phases.analysis.skill import write_skill
from admf_ray.phases.analysis.tables import ANALYSIS, Found, as_table
from admf_ray.phases.analysis.tools import consistency, sensitivity
from admf_ray.phases.analysis.variants import Variants, tables_of
from admf_ray.phases.isolated import figures_of
from admf_ray.phases.mined import Mined
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.search import Search
from admf_ray.phases.trials import trials_of
from admf_ray.phases.walk import Walked, walk
from admf_ray.phases.written import finite

__all__ = ["Analysed", "AnalysisCoordinator"]

log = get_logger(__name__)

FEWEST_BARS = 64  # four a slice of CSCV


@dataclass(frozen=True)
class Analysed:
    """What phase 2 found.

    Attributes
    ----------
    experiments : tuple of Experiment
    luck : Luck
    finalists : tuple of Finalist
    found : Found
        Tables and facts, as the store has them.
    """

    experiments: tuple[Experiment, ...]
    luck: Luck
    finalists: tuple[Finalist, ...]
    found: Found


class AnalysisCoordinator:
    """Analyses what phase 1 mined, on training data alone.

    Parameters
    ----------
    mining : BacktestCoordinator
        Whose run is analysed; variants of experiments run through it, so they are stored, resumed and
        guarded like any point.
    mined : Mined
        What it found.

    Examples
    --------
    >>> from admf_ray import AnalysisCoordinator, BacktestCoordinator
    >>> coordinator = BacktestCoordinator(config)                              # doctest: +SKIP
    >>> phase_2 = AnalysisCoordinator(coordinator, coordinator.run_parameter_search())  # doctest: +SKIP
    >>> phase_2.run().finalists                                                # doctest: +SKIP
    """

    def __init__(self, mining: BacktestCoordinator, mined: Mined) -> None:
        self.mining, self.mined, self.store = mining, mined, mining.store
        self.settings = mining.config.phase_2_analysis or AnalysisConfig()
        self._variants = Variants(mining, mined, self.settings.seed)
        self._stacks: dict[str, Stack] = {}  # of experiments' containers, by the containers' numbers

    @property
    def search(self) -> Search:
        """What phase 1 searched."""
        return self.mining.search

    def run(self) -> Analysed | None:
        """Run the configured tools and experiments and order the finalists; write the tables.

        Returns
        -------
        Analysed or None
            None after an interrupt: what was run is kept.

        Raises
        ------
        ConfigError
            A hypothesis does not fit the grid.
        DataError
            Too few training bars.
        ResourceError
            A variant of more points than allowed.
        """
        n_bars = self.search.span.n_bars
        if n_bars < FEWEST_BARS:
            raise DataError(
                f"phase_2_analysis: needs {FEWEST_BARS} training bars, found {n_bars}; give more data"
            )
        with self.store.held():
            compared = self._variants.compared(self.settings.experiments)
            if compared is None:
                return None
            experiments = self._variants.concluded(compared)
            found = tables_of(experiments)
            improved = {one.name: one.compared.variant for one in experiments if one.conclusion == "improves"}
            subjects = [Subject(GRID, one) for one in self.mined.searched]
            variants = [Subject(one.experiment.name, one.variant.searched[0]) for one in compared]
            known = {hash_of(one.experiment): own for one, own in zip(compared, variants, strict=True)}
            tested = recorded_variants(self.mining, known)
            found.remarks += tested.left_out
            rows = Rows((*subjects, *tested.subjects), self.search.conditions)
            taken = [*subjects, *(one for one in variants if one.source in improved)]
            candidates = self._candidates(taken)
            found.take(self._tools(candidates))
            luck, judged = judge_run(rows, trials_of(self.store, self.search), self.settings.seed)
            found.take(judged)
            finalists = self._finalists(candidates, improved, luck, rows, found)
            write_skill(self.store, luck.skill, rows)  # before the finalists, who are judged by it
            self._write(found, candidates, finalists, experiments)
        return Analysed(tuple(experiments), luck, tuple(finalists), found)

    def run_experiment(
        self, hypothesis: ExperimentConfig | Mapping[str, Any], base_strategy: str | None = None
    ) -> dict[str, Any]:
        """Test one hypothesis, out of sample, and return its row of the table ``experiments``.

        Parameters
        ----------
        hypothesis : ExperimentConfig or mapping
            ``name`` and ``modifications``, as in the configuration.
        base_strategy : str, optional
            A strategy of the parameter grid; the hypothesis's own when left out.

        Returns
        -------
        dict
            The row, with ``sentence``, and in ``representative`` the figures of the variant's best point over
            the training span, run in a container of its own.

        Notes
        -----
        It joins the family of all hypotheses this run ever recorded, so what was concluded before becomes
        less sure; run the phase again to see that. Its variant's points are trials: a next `run`, and
        validation, test them with all others, whether or not the configuration names them.
        """
        one = self._experiment(hypothesis, base_strategy)
        with self.store.held():
            compared = self._variants.compared([one])
            if compared is None:
                raise KeyboardInterrupt
            (found,) = self._variants.concluded(compared)
        container = self._create_experiment_container(one.base_strategy, one.modifications)
        try:
            container.initialize_scope()
            representative = self._execute_backtest(container)
        finally:
            container.teardown_scope()
        return {**found.row(), "sentence": found.sentence(), "representative": representative}

    def _experiment(self, given: Any, base_strategy: str | None) -> ExperimentConfig:
        if isinstance(given, ExperimentConfig):
            body = {name: getattr(given, name) for name in ("name", "base_strategy", "modifications")}
        else:
            body = dict(given)
        if base_strategy is not None:
            body["base_strategy"] = base_strategy
        return ExperimentConfig(**body)

    def _create_experiment_container(
        self, base_strategy: str, modifications: Modifications | Mapping[str, Any]
    ) -> ScopedContainer:
        """Return a container, not yet initialised, with the variant's stack at its representative point.

        The point is the variant's best by what selection goes by over the training span where it has been
        run, otherwise the middle of its grid.
        """
        one = self._experiment({"name": "variant", "modifications": modifications}, base_strategy)
        search = self._variants.search(one)
        stack, _ = search.searches[0]
        row = self._variants.representative(search)
        container = build_container(f"experiment_{stack.strategy.label()}", search.bars, stack, row)
        container.register_shared_service("row", row)
        self._stacks[container.id] = stack
        return container

    def _execute_backtest(self, container: ScopedContainer) -> dict[str, Any]:
        """Run an initialised experiment container over the training span and return its figures."""
        stack, span = self._stacks.pop(container.id), self.search.span
        result = replay_in(container, stack, np.asarray(container.get("row")), span, span)
        return figures_of(container, result)

    def _candidates(self, subjects: Sequence[Subject]) -> list[Candidate]:
        chosen = [(at.strategy, at.point) for at in self.mined.chosen]
        places = choose(subjects, self.mined.select_by, self.settings.candidates, chosen)
        log.info("replaying %d candidates", len(places))
        return read(self.search.conditions, subjects, places)

    def _tools(self, candidates: Sequence[Candidate]) -> Found:
        """Run the configured tools, those and no others."""
        seed, found = self.settings.seed, Found()
        for tool in self.settings.tools:
            if tool == "parameter_sensitivity_heatmap":
                found.take(sensitivity(self.mined, seed))
            elif tool == "return_distribution_clustering":
                found.take(clusters(candidates, self.search, seed))
            elif tool == "walk_forward_consistency":
                found.take(consistency(self.mined, self._walked, seed))
            else:
                found.take(regimes(self.mined, candidates, self.search, seed))
        return found

    @cached_property
    def _walked(self) -> Walked | None:
        return walk(self.mined)

    def _finalists(
        self,
        candidates: Sequence[Candidate],
        improved: Mapping[str, Mined],
        luck: Luck,
        rows: Rows,
        found: Found,
    ) -> list[Finalist]:
        evidence = weigh(candidates, luck, rows.benchmark, self.settings.seed)
        year = self.search.bars.bars_per_year
        found.tables["overfitting"] = as_table(
            [*luck.rows(year), *(row for one in evidence for row in one.rows())]
        )
        standings = [
            Standing(one, improved.get(one.candidate.subject.source, self.mined)) for one in evidence
        ]
        test = self.mining.config.phase_3_test
        selection = FinalSelection() if test is None else test.final_selection
        weights = {
            name: float(getattr(selection.weights, name)) for name in type(selection.weights).model_fields
        }
        return order(
            standings, luck, weights, self.settings.finalists, walked=self._walked,
            by_objective=not selection.prefer_robust_over_performance,
        )  # fmt: skip

    def _write(
        self,
        found: Found,
        candidates: Sequence[Candidate],
        finalists: Sequence[Finalist],
        experiments: Sequence[Experiment],
    ) -> None:
        for name, table in found.tables.items():
            self.store.write_table(f"{name}.parquet", table)
        write_finalists(self.store, finalists)
        facts = {
            **found.facts,
            "seed": self.settings.seed,
            "candidates": [one.key for one in candidates],
            "variants": [one.compared.variant.searched[0].figures.context.facts() for one in experiments],
            "remarks": found.remarks,
        }
        self.store.write_json(ANALYSIS, finite(facts))
