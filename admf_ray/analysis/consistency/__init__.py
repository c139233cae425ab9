"""`walk_forward_consistency`: whether results hold from window to window, of each point and of the choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.consistency.band import Band, confidence_band
from admf_ray.analysis.consistency.drift import Drift, drift_of
from admf_ray.analysis.consistency.windows import (
    WindowResults,
    consistency_score,
    gain_share,
    rank_over_windows,
    shares,
)
from admf_ray.analysis.parameters import ParameterTable
from admf_ray.analysis.walk_forward import efficiency, rank_correlation

__all__ = [
    "Band",
    "Consistency",
    "Drift",
    "RuleConsistency",
    "WindowResults",
    "confidence_band",
    "consistency_of_points",
    "consistency_of_rule",
]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Consistency:
    """How points hold over walk-forward windows; all arrays (n_points,).

    Attributes
    ----------
    profitable_frac : float64 array
        Share of test windows with a return above 0; failed ones and those without trades count as not.
    worst_window : int64 array
        -1 where all failed.
    worst_return : float64 array
    failed_windows : int64 array
    gain_share : float64 array
        What winning windows gain over what all move.
    rank_correlation : float64 array
        Spearman's, of scores in and out of sample, over windows.
    efficiency : float64 array
        See `analysis.walk_forward.efficiency`; NaN also where a window failed.
    score : float64 array
        See `consistency_score`, from 0 to 1.
    """

    profitable_frac: Floats
    worst_window: Indices
    worst_return: Floats
    failed_windows: Indices
    gain_share: Floats
    rank_correlation: Floats
    efficiency: Floats
    score: Floats

    def row(self, i: int) -> dict[str, Any]:
        """Return point i's figures."""
        return {name: column[i].item() for name, column in vars(self).items()}

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per point."""
        columns = (column.tolist() for column in vars(self).values())
        return [dict(zip(vars(self), row, strict=True)) for row in zip(*columns, strict=True)]


@dataclass(frozen=True)
class RuleConsistency:
    """How a selection rule's choices hold over walk-forward windows.

    Attributes
    ----------
    figures : Consistency
        Of what it chose, as of one point; drift counts in the score.
    over_points : float
        Spearman's correlation over points, median over windows: `analysis.walk_forward.rank_correlation`.
    drift : Drift
    """

    figures: Consistency
    over_points: float
    drift: Drift

    def row(self) -> dict[str, Any]:
        """Return the rule's figures."""
        return self.figures.row(0) | {
            "over_points": self.over_points,
            "drift": self.drift.mean,
            "distinct_choices": self.drift.n_distinct,
            "changes": self.drift.n_changes,
        }


def consistency_of_points(results: WindowResults) -> Consistency:
    """Judge each point as if it had been held through all windows.

    Parameters
    ----------
    results : WindowResults
        One window or more.
    """
    return _judged(results)


def consistency_of_rule(results: WindowResults, points: ParameterTable, chosen: Indices) -> RuleConsistency:
    """Judge what was chosen in each training window by its test window.

    Parameters
    ----------
    results : WindowResults
        Of all points.
    points : ParameterTable
    chosen : int64 array (n_windows,)
        The point each training window selected.
    """
    drift = drift_of(points, chosen)
    over_points = rank_correlation(results.train_scores, results.test_scores)
    return RuleConsistency(_judged(results.of(chosen), np.array([1.0 - drift.mean])), over_points, drift)


def _judged(results: WindowResults, *further: Floats) -> Consistency:
    """Return the figures; `further` parts of the score besides the points' own."""
    profitable, worst, least, failed = shares(results.test_returns)
    gained = gain_share(results.test_returns)
    bars = results.train_bars, results.test_bars
    kept = np.array(
        [
            efficiency(train, bars[0], test, bars[1])
            for train, test in zip(results.train_returns, results.test_returns, strict=True)
        ]
    )
    return Consistency(
        profitable,
        worst,
        least,
        failed,
        gained,
        rank_over_windows(results.train_scores, results.test_scores),
        kept,
        consistency_score(profitable, gained, kept, *further),
    )
