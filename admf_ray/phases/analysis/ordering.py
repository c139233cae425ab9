"""Finalists: candidates ordered by training evidence, each with what speaks for and against it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.clustering.series import correlations
from admf_ray.analysis.consistency import WindowResults, consistency_of_points
from admf_ray.analysis.regimes.stability import best_share, worst_regime
from admf_ray.cluster.jobs import StackNames
from admf_ray.phases.analysis.evidence import Evidence
from admf_ray.phases.analysis.finalist import Finalist
from admf_ray.phases.analysis.overfitting import Luck
from admf_ray.phases.analysis.reasons import reasons
from admf_ray.phases.mined import Mined
from admf_ray.phases.walk import Walked

__all__ = ["Standing", "order"]

Floats = NDArray[np.float64]

# Above this two finalists are one bet, and the second only costs power.
ALIKE = 0.9
KEPT_FRAC = 0.5
SIGNED = (
    "sharpe",
    "sortino",
    "calmar",
    "total_return",
    "annual_return",
    "expectancy",
    "alpha",
    "excess_return",
    "matched_excess_return",
    "matched_excess_sharpe",
)
WEIGHED = ("robust_score", "consistency", "drift", "worst_regime")


@dataclass(frozen=True)
class Standing:
    """A candidate's training evidence.

    Attributes
    ----------
    evidence : Evidence
    mined : Mined
        What it was searched with.
    """

    evidence: Evidence
    mined: Mined

    @cached_property
    def scores(self) -> dict[str, float]:
        """Figures by name; NaN where undefined."""
        own = self.evidence.candidate
        searched, place = own.subject.searched, own.place
        found = {
            "objective": own.score("full"),
            "robust_score": math.nan,
            "stability": math.nan,
            **self._windows(),
            "drift": self._drift(),
            **self._regimes(),
        }
        if self.mined.neighborhood:
            robust = searched.robust("full")
            found["robust_score"] = float(robust.robust_score[place])
            found["stability"] = float(robust.stability[place])
        for name in ("total_return", "annual_return", "max_drawdown", "trades", "mean_exposure"):
            found[name] = own.figure(name)
        for (name, basis), (value, low, high) in self.evidence.figures.items():
            key = f"{name}_{basis}" if basis else name
            found[key] = value
            if name == "sharpe":
                found[f"{key}_low"], found[f"{key}_high"] = low, high
        found["years"] = own.figure("bars") / own.conditions.bars.bars_per_year
        return found

    @property
    def earns(self) -> bool:
        """Whether it has a profit over the training span and, by an objective whose 0 says so, around it."""
        own = self.scores
        return own["total_return"] > 0 and not (self.mined.objective in SIGNED and own["robust_score"] <= 0)

    def _windows(self) -> dict[str, float]:
        folds, one = self.mined.folds, self.evidence.candidate
        if not folds:
            return dict.fromkeys(("consistency", "profitable_frac", "worst_return", "efficiency"), math.nan)

        def each(side: str, read: Any) -> Floats:
            return np.array([[read(getattr(fold, side).name) for fold in folds]])

        def earned(window: str) -> float:
            return one.figure("total_return", window)

        bars = [np.array([float(getattr(fold, side).n_bars) for fold in folds]) for side in ("train", "test")]
        row = consistency_of_points(
            WindowResults(
                each("train", one.score),
                each("test", one.score),
                each("train", earned),
                each("test", earned),
                *bars,
            )
        ).row(0)
        return {
            "consistency": row["score"],
            "profitable_frac": row["profitable_frac"],
            "worst_return": row["worst_return"],
            "efficiency": row["efficiency"],
        }

    def _drift(self) -> float:
        """Return the share of neighbours that earn something and keep half of the objective."""
        own = self.evidence.candidate
        near = own.subject.searched.points.index(own.place, own.place + 1)[0]
        near = near[near >= 0]
        scores = own.subject.searched.scores("full")
        if not near.size or not self.mined.neighborhood:
            return math.nan
        mine = scores[own.place]
        return float(((scores[near] > 0) & (scores[near] >= KEPT_FRAC * mine)).mean()) if mine > 0 else 0.0

    @cached_property
    def _by_regime(self) -> tuple[tuple[str, ...], Floats, Floats, Any]:
        context = self.evidence.candidate.subject.searched.figures.context
        names = context.regimes[:-1]
        own = self.evidence.candidate
        sharpe, pnl = (np.array([own.figure(f"{k}@{name}") for name in names]) for k in ("sharpe", "pnl"))
        return names, sharpe, pnl, np.array(context.regime_bars[:-1], dtype=np.int64)

    def _regimes(self) -> dict[str, float]:
        names, sharpe, pnl, bars = self._by_regime
        if not names:
            return {"worst_regime": math.nan, "best_regime_share": math.nan}
        worst, _ = worst_regime(sharpe[None], bars)
        return {"worst_regime": float(worst[0]), "best_regime_share": float(best_share(pnl[None])[0])}

    @property
    def regimes(self) -> tuple[str, str]:
        """Names of the worst regime and of the one with the most winnings; empty where there are none."""
        names, sharpe, pnl, bars = self._by_regime
        if not names:
            return "", ""
        _, worst = worst_regime(sharpe[None], bars)
        return names[int(worst[0])] if worst[0] >= 0 else "", names[int(pnl.argmax())]


def order(
    standings: Sequence[Standing],
    luck: Luck,
    weights: Mapping[str, float],
    n: int,
    *,
    walked: Walked | None,
    by_objective: bool = False,
) -> list[Finalist]:
    """Return the finalists, first the best.

    Parameters
    ----------
    standings : sequence of Standing
    luck : Luck
    weights : mapping of str to float
        Of the figures in `WEIGHED`.
    n : int
        How many at most.
    walked : Walked or None
        What came of the selection rule, for the reasons.
    by_objective : bool
        Order by the training objective instead.

    Notes
    -----
    Each weighed figure is replaced by its mid-rank among the candidates, from 0 to 1, undefined ones last,
    so that none outweighs another by its unit; a figure that no candidate has is left out. Ties go by the
    candidates' order, which is that of their scores and lattices. One whose returns correlate above 0.9
    with a finalist before it is passed over. Points that do not earn (`Standing.earns`) are none.
    """
    usable = [one for one in standings if one.earns]
    if not usable:
        return []
    names = ["objective"] if by_objective else list(WEIGHED)
    total, spent = np.zeros(len(usable)), 0.0
    for name in names:
        values = np.array([one.scores[name] for one in usable])
        weight = 1.0 if by_objective else weights[name]
        if np.isfinite(values).any() and weight > 0:
            total += weight * _ranks(values)
            spent += weight
    score = total / spent if spent else total
    like = correlations(np.stack([one.evidence.candidate.returns for one in usable]))
    chosen: list[int] = []
    for i in np.argsort(-score, kind="stable"):
        if len(chosen) < n and all(like[i, k] <= ALIKE for k in chosen):
            chosen.append(int(i))
    return [
        _finalist(rank, usable[i], float(score[i]), luck, walked, len(usable))
        for rank, i in enumerate(chosen, 1)
    ]


def _ranks(values: Floats) -> Floats:
    from scipy.stats import rankdata

    if len(values) == 1:
        return np.ones(1)
    return (rankdata(np.where(np.isnan(values), -np.inf, values)) - 1.0) / (len(values) - 1.0)


def _finalist(rank: int, one: Standing, score: float, luck: Luck, walked: Walked | None, of: int) -> Finalist:
    own = one.evidence.candidate
    stack = own.subject.searched.stack
    good, bad = reasons(one.scores, luck, one.mined, walked, one.regimes, score, of)
    return Finalist(
        rank,
        stack.strategy.label(),
        own.point_id,
        StackNames.of(stack),
        stack.decode(own.row),
        own.subject.source,
        score,
        {**one.scores, "pbo_robust": luck.pbo_robust.pbo, "spa_p": luck.superior["excess"].spa_p},
        good,
        bad,
    )  # fmt: skip
