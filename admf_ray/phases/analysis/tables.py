"""The tables that phase 2 leaves in a run's store, and what their columns mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

__all__ = ["ANALYSIS", "COLUMNS", "TABLES", "WHOLE", "Found", "as_table", "shown"]

ANALYSIS = "analysis.json"
WHOLE = -1  # in place of a point: numbers that are missing would be read as floats, which cannot hold them

TABLES: Mapping[str, str] = {
    "sensitivity": "a row per strategy and parameter: what it decides, and where the chosen point stands",
    "heatmaps": "a row per strategy, pair of parameters and cell: scores over the other parameters",
    "slices": "a row per strategy, parameter and value: scores along it, the others as at the chosen point",
    "clusters": "a row per candidate: its kind, what it moves with, features of its returns",
    "consistency": "a row per point of the grid, and one for the selection rule: how it holds over windows",
    "band": "a row per mark of the walk-forward curve: the curve, and what resampled returns make of it",
    "regimes": "a row per candidate and regime, per strategy and regime for what is best there, per regime",
    "experiments": "a row per hypothesis: effect, interval, p-values, conclusion",
    "experiment_windows": "a row per hypothesis and test window: returns of baseline and variant",
    "experiment_regimes": "a row per hypothesis and regime: Sharpe ratios of baseline and variant",
    "overfitting": "a row per statistic, of the run or of a candidate",
    "pbo": "a row per split of the bars: logit, Sharpe ratios in and out of sample, the point selected",
    "finalists": "a row per finalist, in order: scores and reasons",
}

COLUMNS: Mapping[str, str] = {
    "point_id": "number of the point, as points() has it; -1 for the run as a whole",
    "strategy": "registered name",
    "source": "grid, or the experiment whose variant it is",
    "parameters": "searched parameters in one text",
    # sensitivity, heatmaps, slices
    "parameter": "full name of a parameter",
    "searched_values": "distinct values searched",
    "chosen": "value at the best point by robust score",
    "highest": "value at the best point by the objective",
    "edge, highest_edge": "low or high where that value is the lowest or highest: better may lie beyond",
    "spike, highest_spike": "whether that point stands alone: its median neighbour keeps less than half",
    "importance": "fall of held-out R2 when the parameter is shuffled; NaN where a model explains nothing",
    "importance_spread": "its standard deviation over shuffles",
    "r2": "held-out R2 of the model behind importance",
    "median, lower_quartile": "of the objective over all points of the cell",
    "robust_median, robust_lower_quartile": "of the robust score",
    "first_value, second_value, value": "values of the parameters as texts",
    "first_at, second_at, at": "the same as numbers; words by their place",
    # clusters
    "cluster": "kind of returns, 0 the largest; all 0 where there is no structure",
    "correlation_cluster": "what it moves with",
    "representative": "whether it is the medoid of its kind or of what it moves with",
    "near_duplicates": "other candidates whose returns correlate with its own at 0.99 or more",
    "complement": "the correlation cluster that moves least with its own",
    "mean to time_in_market_frac": "features per bar, see analysis.clustering.features",
    # consistency
    "scope": "point or rule; run or candidate",
    "profitable_frac": "share of test windows with a profit",
    "worst_return, worst_window": "the worst test window",
    "gain_share": "what winning windows gain over what all move, log returns",
    "efficiency": "log return per bar out of sample over in sample",
    "score": "geometric mean of the shares above; for the rule also of 1 - drift",
    "over_points": "rank correlation over points, median over windows",
    "drift": "mean step of the chosen parameters between windows, in units of the searched range",
    # regimes
    "kind": "candidate, classifier, or best: the strategy's best point in that regime by robust score",
    "balance": "share of the bars that have the regime",
    "mean_run_bars, self_transition": "how long the regime lasts, and how likely the next bar has it too",
    "agreement": "kappa between labels of the classifier fitted on either half",
    "sharpe": "annualised, in the regime",
    "pnl": "money made in the regime",
    "exposed_frac": "share of the regime's bars closed with a position",
    "trades, trades_pnl": "by the label known when the entry's bar began",
    "worst_sharpe": "Sharpe ratio in the worst regime of at least 20 bars",
    "best_share": "share of all winnings that the best regime brought",
    "after_change, elsewhere": "mean return a bar within 5 bars after the regime changed, and otherwise",
    "trades_across, pnl_across": "trades during which the regime changed",
    # experiments
    "hypothesis, hash, recorded": "name, digest of what it says, when it was first written down",
    "conclusion": "improves, no evidence, harms or no trades",
    "effect": "variant's annualised Sharpe ratio less the baseline's, out of sample, exposure-matched excess",
    "low, high": "95 % bounds",
    "p_better, p_worse": "one-sided, of this hypothesis alone",
    "holm_better, holm_worse": "after Holm's correction over all hypotheses the run ever recorded",
    "raw_*": "the same on returns as they are, drift included: shown, never the gate",
    "baseline_*, variant_*": "figures of the two stitched out-of-sample curves",
    "required_years": "data it would take to find an effect of this size in 80 % of cases",
    "cost_effect_frac": "variant's costs less the baseline's, of the initial cash, over the test windows",
    # overfitting
    "statistic, basis, value": "see STATISTICS; basis is excess (exposure-matched), raw, or empty",
}


@dataclass
class Found:
    """What one part of the analysis leaves.

    Attributes
    ----------
    tables : dict of str to pyarrow.Table
        By name, see `TABLES`.
    facts : dict
        Plain data for plots and the terminal; goes to ``analysis.json``.
    remarks : list of str
        What a reader must know.
    """

    tables: dict[str, pa.Table] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def take(self, other: Found) -> None:
        """Add another part's."""
        self.tables |= other.tables
        self.facts |= other.facts
        self.remarks += other.remarks


def as_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows as a table; a column that some lack is null there."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})


def shown(value: Any) -> str:
    """Return a parameter's value as a text."""
    return str(value).removesuffix(".0")
