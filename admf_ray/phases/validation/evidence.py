"""Training evidence: what fixes the finalists' order before test data are opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.consistency import WindowResults, consistency_of_points
from admf_ray.analysis.robustness import as_scores
from admf_ray.config.validation import FinalSelection
from admf_ray.market import Fold, Window
from admf_ray.phases.validation.exam import Hall
from admf_ray.phases.validation.regimes import regime_sharpes

__all__ = ["Evidence", "evidence_of", "ordered", "rule_told", "survival"]

Floats = NDArray[np.float64]
QUANTILE = 0.25


class Evidence(NamedTuple):
    """What training says of one test strategy.

    Attributes
    ----------
    robust_score : float
        25th percentile of the objective over it and the neighbours drawn.
    consistency : float
        Of the walk-forward windows, 0 to 1; NaN without windows.
    drift : float
        Share of the neighbours with the objective above 0 and at least half of its own.
    worst_regime : float
        Sharpe ratio in its worst regime; NaN without regimes.
    objective : float
    """

    robust_score: float
    consistency: float
    drift: float
    worst_regime: float
    objective: float


def evidence_of(
    answer: dict[str, Any], hall: Hall, folds: Sequence[Fold], objective: str, maximize: bool
) -> Evidence:
    """Return the evidence of a test strategy's training exam."""

    def score(metrics: dict[str, float]) -> float:
        found = as_scores(np.array(metrics[objective]), np.array(metrics["trades"]), maximize=maximize)
        return float(found)

    near = np.array([score(one["metrics"]) for one in answer["neighbours"]])
    return Evidence(
        float(np.quantile(near, QUANTILE)) if np.isfinite(near).all() else -np.inf,
        _consistency(answer, folds, score),
        survival(near, maximize),
        _worst_regime(answer, hall),
        float(near[0]),
    )


def survival(scores: Floats, maximize: bool = True) -> float:
    """Return the share of neighbours with a score above 0 and at least half of the unperturbed one's.

    Parameters
    ----------
    scores : float64 array (1 + n,)
        The unperturbed one's first.
    maximize : bool
        False for figures of which less is better, whose scores are their negatives: those at most twice the
        unperturbed one's survive.

    Examples
    --------
    >>> survival(np.array([1.0, 0.6, 0.4, -0.1]))
    0.3333333333333333
    """
    if len(scores) < 2:
        return float("nan")
    own, near = scores[0], scores[1:]
    if not maximize:
        return float((near >= 2.0 * own).mean())
    return float(((near > 0.0) & (near >= 0.5 * own)).mean())


def ordered(names: Sequence[str], found: Sequence[Evidence], selection: FinalSelection) -> list[str]:
    """Return the finalists' names in order, the first with most evidence; ties as configured.

    Notes
    -----
    Each kind of evidence counts as the share of finalists that one is at least as good as, undefined ones
    last, weighted by ``final_selection.weights``. With ``prefer_robust_over_performance: false``, the
    training objective alone decides.
    """
    if not selection.prefer_robust_over_performance:
        points = np.array([one.objective for one in found])
    else:
        weights = selection.weights
        points = np.zeros(len(found))
        for name in type(weights).model_fields:
            column = np.array([getattr(one, name) for one in found], dtype=np.float64)
            column = np.where(np.isnan(column), -np.inf, column)
            at_least = (column[:, None] >= column[None, :]).mean(axis=1)
            points += getattr(weights, name) * at_least
    return [names[int(k)] for k in np.argsort(-points, kind="stable")]


def rule_told(selection: FinalSelection) -> str:
    """Return the rule of the order in words."""
    if not selection.prefer_robust_over_performance:
        return "finalists ordered by the training objective alone (prefer_robust_over_performance: false)"
    parts = [
        f"{getattr(selection.weights, name):g} {name.replace('_', ' ')}"
        for name in type(selection.weights).model_fields
    ]
    return f"finalists ordered by training rank: {' + '.join(parts)}"


def _consistency(answer: dict[str, Any], folds: Sequence[Fold], score: Any) -> float:
    if not folds:
        return float("nan")
    windows = answer["windows"]

    def of(side: str, read: Any) -> Floats:
        return np.array([[read(windows[getattr(fold, side).name]) for fold in folds]])

    def bars(side: str) -> Floats:
        held: list[Window] = [getattr(fold, side) for fold in folds]
        return np.array([float(one.n_bars) for one in held])

    results = WindowResults(
        of("train", score), of("test", score),
        of("train", lambda one: one["total_return"]), of("test", lambda one: one["total_return"]),
        bars("train"), bars("test"),
    )  # fmt: skip
    return float(consistency_of_points(results).score[0])


def _worst_regime(answer: dict[str, Any], hall: Hall) -> float:
    """Return the lowest Sharpe ratio among the regimes, the unknown one left out."""
    if hall.labels is None:
        return float("nan")
    found = [one for one in regime_sharpes(answer, hall)[:-1] if not np.isnan(one)]
    return float(min(found)) if found else float("nan")
