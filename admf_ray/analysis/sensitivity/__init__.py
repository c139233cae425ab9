"""`parameter_sensitivity_heatmap`: how scores change with parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.parameters import ParameterTable
from admf_ray.analysis.robustness import Robustness, best_first
from admf_ray.analysis.sensitivity.flags import Flags, flags_of, is_spike
from admf_ray.analysis.sensitivity.grids import PairGrid, Slice, pair_grids, slices_through
from admf_ray.analysis.sensitivity.importance import Importance, permutation_importance
from admf_ray.errors import DataError

__all__ = ["Flags", "Importance", "PairGrid", "Sensitivity", "Slice", "parameter_sensitivity"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sensitivity:
    """How scores change with parameters.

    Attributes
    ----------
    points : ParameterTable
    pairs : tuple of PairGrid
        Every pair of parameters, in their order.
    slices : tuple of Slice (n_params,)
        Through the chosen point.
    chosen, highest : Flags
        The chosen point, and the one of the highest raw score.
    importance : Importance
    n_failed : int
        Points without a score, left out.
    spikes_frac : float
        Share of spikes among the best 1 % of points by score (at least one).
    """

    points: ParameterTable
    pairs: tuple[PairGrid, ...]
    slices: tuple[Slice, ...]
    chosen: Flags
    highest: Flags
    importance: Importance
    n_failed: int
    spikes_frac: float

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per parameter: the chosen value, flags of both optima, importance."""
        told = self.importance
        return [
            {
                "parameter": name,
                "searched_values": len(np.unique(self.points.values[:, k])),
                "chosen": self.points.cell(k, self.points.values[self.chosen.point, k]),
                "edge": self.chosen.edge(k),
                "highest_edge": self.highest.edge(k),
                "spike": self.chosen.spike,
                "highest_spike": self.highest.spike,
                "importance": float(told.mean[k]),
                "importance_spread": float(told.spread[k]),
                "r2": told.r2,
            }
            for k, name in enumerate(self.points.names)
        ]

    def pair_rows(self) -> list[dict[str, Any]]:
        """Return a row per pair of parameters and cell."""
        return [row for pair in self.pairs for row in pair.rows(self.points)]

    def slice_rows(self) -> list[dict[str, Any]]:
        """Return a row per parameter and value through the chosen point."""
        return [row for one in self.slices for row in one.rows(self.points)]


def parameter_sensitivity(
    points: ParameterTable, score: Floats, robust: Robustness, *, at: int | None = None, seed: int = 0
) -> Sensitivity:
    """Analyse one strategy's grid.

    Parameters
    ----------
    points : ParameterTable
        Points of the grid, no NaN.
    score : float64 array (n_points,)
        Higher is better; not finite for failed points.
    robust : Robustness
        Arrays (n_points,), of the same window.
    at : int, optional
        The point that slices go through; without it, the one of the best robust score.
    seed : int
        Of the sample and the model behind `importance`.

    Raises
    ------
    DataError
        No point has a score.
    """
    known = np.isfinite(score)
    if not known.any():
        raise DataError(
            f"parameter_sensitivity_heatmap: some point must have a score, found none among {score.size}; "
            f"see the points' errors"
        )
    usable = np.where(known, score, -np.inf)
    by_score = best_first(usable)
    if at is None:
        at = int(best_first(np.where(known, robust.robust_score, -np.inf))[0])
    best = by_score[: max(int(known.sum()) // 100, 1)]
    return Sensitivity(
        points,
        pair_grids(points, score, robust.robust_score),
        slices_through(points, score, robust.robust_score, at),
        flags_of(points, score, robust, at),
        flags_of(points, score, robust, int(by_score[0])),
        permutation_importance(points.values, score, seed),
        int((~known).sum()),
        float(is_spike(score, robust)[best].mean()),
    )
