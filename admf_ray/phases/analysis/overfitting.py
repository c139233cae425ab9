"""Is it luck: statistics that count every trial of the run and of the ledger.

How the figures are fed: slice sums go without the remainder in front; failed points are left out of the
statistics and counted among the trials; the plain number of trials goes with the plain standard deviation of
their Sharpe ratios, the effective number with `effective_trials_spread`; Holm's correction is run over each
side separately.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.overfitting.excess import matched_excess, shape
from admf_ray.analysis.overfitting.pbo import Pbo, by_robust_score, pbo, pbo_of_selection
from admf_ray.analysis.overfitting.superior import Superior, superior_ability
from admf_ray.analysis.overfitting.trials import effective_trials, effective_trials_spread
from admf_ray.phases.analysis.rows import Rows
from admf_ray.phases.analysis.skill import SPA_DRAWS, Skill, training_skill
from admf_ray.phases.analysis.tables import WHOLE, Found, as_table
from admf_ray.phases.trials import Trials

__all__ = ["STATISTICS", "Luck", "Multiplicity", "judge_run"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROBUST_SPLITS = 100

STATISTICS: Mapping[str, str] = {
    "trials_own": "distinct points this run has backtested on these bars, neighbours and variants included",
    "trials_before": "others that earlier runs under the same results root had tried on them",
    "trials": "all of them: what the statistics correct for",
    "trials_untested": "of this run's, those without returns: failed, or of hypotheses left without a result",
    "effective_trials": "independent bets that would be as diverse",
    "trial_spread": "standard deviation of the trials' annualised Sharpe ratios",
    "effective_trial_spread": "the spread that goes with the effective number, never below that of luck",
    "pbo": "probability that the best in sample is below the median out of sample; luck alone: 0.5",
    "pbo_robust": "the same for selection by robust score, on sampled splits",
    "degradation_slope": "slope of out-of-sample on in-sample Sharpe ratio of what is selected",
    "loss_probability": "share of splits in which what is selected loses out of sample",
    "reality_check_p": "p-value of the best mean among all points (White)",
    "spa_p": "p-value of the best studentized mean among all points (Hansen)",
    "points_tested": "points behind the two p-values: grid, neighbours and variants that did not fail",
    "sharpe": "annualised Sharpe ratio, with its bootstrap bounds",
    "annual_return": "compound return a year, with its bootstrap bounds",
    "volatility": "annualised standard deviation of returns, with its bootstrap bounds",
    "max_drawdown": "deepest drawdown, with bounds of resampled paths",
    "psr": "probability that the true Sharpe ratio is above 0",
    "dsr": "probability that it is above what the best of so many lucky trials would show",
    "dsr_effective": "the same with the effective number of trials",
    "min_track_record_years": "years after which the probability above 0 reaches 95 %, all else as seen",
    "min_backtest_years": "years below which so many trials without skill show such a Sharpe ratio",
    "break_even_bps": "proportional cost per fill, in basis points, at which the net profit is gone",
    "cost_bps": "the configured proportional cost per fill",
    "random_entry_p": "p-value of the timing: how often circular shifts of the position path return as much",
}


@dataclass(frozen=True)
class Multiplicity:
    """How many trials there were, and how far they spread, on one basis.

    Attributes
    ----------
    trials : int
    effective : float
        Scaled to all trials, where others than the run's own were counted: they are taken to be as alike.
    spread, effective_spread : float
        Of per-bar Sharpe ratios: what goes with each number.
    """

    trials: int
    effective: float
    spread: float
    effective_spread: float


@dataclass(frozen=True)
class Luck:
    """What the run's trials say together.

    Attributes
    ----------
    trials : Trials
    on : mapping of str to Multiplicity
        By basis: ``excess`` and ``raw``.
    skill : Skill
        What phase 3 judges by as well, after it has added what it composes.
    superior : mapping of str to Superior
        Against exposure-matched buy and hold (``excess``, of `skill`) and cash (``raw``).
    pbo, pbo_robust : Pbo
        Of selection by Sharpe ratio, and by robust score.
    block_bars : float
        Mean block length of the bootstraps over all points.
    """

    trials: Trials
    on: Mapping[str, Multiplicity]
    skill: Skill
    superior: Mapping[str, Superior]
    pbo: Pbo
    pbo_robust: Pbo
    block_bars: float

    @property
    def tested(self) -> int:
        """Distinct points behind the p-values."""
        return sum(self.skill.counts.values())

    @property
    def trials_told(self) -> str:
        """How the trials that are counted and those that are tested differ, in a sentence."""
        parts = [f"{self.trials.total:,} trials are counted, {self.tested:,} of them tested"]
        if self.trials.own > self.tested:
            parts.append(f"{self.trials.own - self.tested:,} failed or are of hypotheses without a result")
        if self.trials.before:
            parts.append(f"{self.trials.before:,} are of earlier runs, whose returns are not here")
        return "; ".join(parts)

    def rows(self, bars_per_year: float) -> list[dict[str, Any]]:
        """Return the rows of the table ``overfitting`` that are of the run."""
        values: list[tuple[str, str, float]] = [
            ("trials_own", "", self.trials.own),
            ("trials_before", "", self.trials.before),
            ("trials", "", self.trials.total),
            ("trials_untested", "", self.trials.own - self.tested),
        ]
        for basis, one in self.on.items():
            values.append(("effective_trials", basis, one.effective))
            values.append(("trial_spread", basis, one.spread * math.sqrt(bars_per_year)))
            spread = one.effective_spread * math.sqrt(bars_per_year)
            values.append(("effective_trial_spread", basis, spread))
        for basis, test in self.superior.items():
            values.append(("spa_p", basis, test.spa_p))
            values.append(("reality_check_p", basis, test.reality_check_p))
            values.append(("points_tested", basis, self.tested))
        values += [
            ("pbo", "raw", self.pbo.pbo),
            ("pbo_robust", "raw", self.pbo_robust.pbo),
            ("degradation_slope", "raw", self.pbo.slope),
            ("loss_probability", "raw", self.pbo.loss_probability),
        ]
        return [
            {"scope": "run", "point_id": WHOLE, "statistic": name, "basis": basis, "value": float(value)}
            for name, basis, value in values
        ]


def judge_run(rows: Rows, trials: Trials, seed: int) -> tuple[Luck, Found]:
    """Return what all trials say, and the table of the splits."""
    chunks = list(rows.returns(rows.distinct(seed)))
    raw, exposure = (np.concatenate(own, axis=-1) for own in zip(*chunks, strict=True))
    series = {"excess": matched_excess(raw, exposure, rows.benchmark), "raw": raw}
    whole = {"excess": _sharpes(rows, "matched_excess_sharpe"), "raw": _sharpes(rows, "sharpe")}
    on = {}
    for basis, own in series.items():
        known = whole[basis][np.isfinite(whole[basis])]
        scale = trials.total / max(trials.own, 1)
        spread = float(known.std(ddof=1)) if known.size > 1 else 0.0
        sharpes = np.array([shape(column).sharpe for column in own.T])
        on[basis] = Multiplicity(
            trials.total,
            min(effective_trials(own) * scale, float(trials.total)),
            spread,
            effective_trials_spread(sharpes, len(raw)),
        )
    skill = training_skill(rows, seed)
    n_bars, block, _ = skill.extremes.drawn
    cash = superior_ability(
        lambda: (returns for returns, _ in rows.returns()),
        n_bars,
        block_bars=block,
        seed=seed,
        n_draws=SPA_DRAWS,
    )
    best, robust = _splits(rows, seed)
    superior = {"excess": skill.superior, "raw": cash}
    luck = Luck(trials, on, skill, superior, best, robust, block)
    return luck, Found({"pbo": as_table(_split_rows(rows, best))}, {"trials_told": luck.trials_told})


def _sharpes(rows: Rows, name: str) -> Floats:
    """Return per-bar Sharpe ratios of all rows."""
    return rows.figure(name) / math.sqrt(rows.conditions.bars.bars_per_year)


def _splits(rows: Rows, seed: int) -> tuple[Pbo, Pbo]:
    """Return PBO of selection by Sharpe ratio and by robust score, over the points of grid and variants."""
    threads = os.cpu_count() or 1
    sums, near, n_points = _joined(rows)
    own = pbo(sums[:n_points], rows.slice_bars, threads=threads)
    robust = pbo_of_selection(
        sums, rows.slice_bars, by_robust_score(near, n_points), n_points=n_points, n_splits=ROBUST_SPLITS,
        seed=seed, threads=threads,
    )  # fmt: skip
    return own, robust


def _joined(rows: Rows) -> tuple[Floats, Callable[[int, int], Ints], int]:
    """Return all points' sums, then those of their neighbours; who is near whom; how many points."""
    own = rows.subjects
    inside = [one.ok < one.searched.n_points for one in own]
    counts = [int(which.sum()) for which in inside]
    n_points = sum(counts)
    sums = [one.sums[which] for one, which in zip(own, inside, strict=True)]
    sums += [one.sums[~which] for one, which in zip(own, inside, strict=True)]
    maps, at, beside = [], 0, n_points
    for one, which, count in zip(own, inside, counts, strict=True):
        place = np.full(len(one.searched.points) + 1, -1, dtype=np.int64)  # the last stands for none
        place[one.ok[which]] = at + np.arange(count)
        place[one.ok[~which]] = beside + np.arange((~which).sum())
        maps.append(place)
        at, beside = at + count, beside + int((~which).sum())
    width = max(one.searched.points.index(0, 0).shape[1] for one in own)
    edges = np.concatenate([[0], np.cumsum(counts)])

    def near(begin: int, end: int) -> Ints:
        found = np.full((end - begin, width), -1, dtype=np.int64)
        for k, one in enumerate(own):
            a, b = max(begin, int(edges[k])), min(end, int(edges[k + 1]))
            if a < b:
                points = one.ok[inside[k]][a - edges[k] : b - edges[k]]
                first, last = int(points[0]), int(points[-1])
                index = one.searched.points.index(first, last + 1)[points - first]
                found[a - begin : b - begin, : index.shape[1]] = maps[k][index]
        return found

    return np.concatenate(sums), near, n_points


def _split_rows(rows: Rows, own: Pbo) -> list[dict[str, Any]]:
    ids = np.concatenate([one.ids[one.ok[one.ok < one.searched.n_points]] for one in rows.subjects])
    columns = (own.logits, own.inside, own.outside, ids[own.selected])
    return [
        dict(zip(("logit", "inside", "outside", "point_id"), row, strict=True))
        for row in zip(*(column.tolist() for column in columns), strict=True)
    ]
