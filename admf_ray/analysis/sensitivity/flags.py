"""Signs that an optimum is not to be trusted: it lies on the searched edge, or stands alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.parameters import ParameterTable
from admf_ray.analysis.robustness import Robustness

__all__ = ["Flags", "flags_of", "is_spike"]

Floats = NDArray[np.float64]

# Neighbours that keep less than half of the peak.
SPIKE_STABILITY = 0.5


class Flags(NamedTuple):
    """What to know of one point.

    Attributes
    ----------
    point : int
    score, robust_score, stability, degradation : float
    at_low, at_high : bool arrays (n_params,)
        Whether its value is the lowest or highest searched; never for words or a parameter of one value.
    spike : bool
        See `is_spike`.
    """

    point: int
    score: float
    robust_score: float
    stability: float
    degradation: float
    at_low: NDArray[np.bool_]
    at_high: NDArray[np.bool_]
    spike: bool

    def edge(self, k: int) -> str:
        """Return the searched edge that parameter `k` stands on, ``low`` or ``high``; empty for none."""
        return "low" if self.at_low[k] else "high" if self.at_high[k] else ""

    @property
    def on_edge(self) -> bool:
        """Whether any parameter stands on the searched edge: the true optimum may lie beyond."""
        return bool(self.at_low.any() or self.at_high.any())

    def row(self, points: ParameterTable) -> dict[str, Any]:
        """Return the point's parameters, scores and flags."""
        edges = [
            f"{name} {side}"
            for name, low, high in zip(points.names, self.at_low, self.at_high, strict=True)
            for side, there in (("low", low), ("high", high))
            if there
        ]
        return {
            "point": self.point,
            "parameters": points.row(self.point),
            "score": self.score,
            "robust_score": self.robust_score,
            "stability": self.stability,
            "degradation": self.degradation,
            "edges": ", ".join(edges),
            "spike": self.spike,
        }


def is_spike(score: Floats, robust: Robustness) -> NDArray[np.bool_]:
    """Return which points stand alone: a score above 0 of which the median neighbour keeps less than half.

    Parameters
    ----------
    score : float64 array (n_points,)
    robust : Robustness
        Arrays (n_points,).

    Notes
    -----
    False where it cannot be told: a score <= 0 has no share to keep, a point without neighbours has a
    stability of NaN.
    """
    return np.isfinite(score) & (score > 0) & (robust.stability < SPIKE_STABILITY)


def flags_of(points: ParameterTable, score: Floats, robust: Robustness, at: int) -> Flags:
    """Return the flags of point `at`.

    Parameters
    ----------
    points : ParameterTable
    score : float64 array (n_points,)
    robust : Robustness
        Arrays (n_points,).
    at : int
    """
    low, high = points.values.min(axis=0), points.values.max(axis=0)
    ordered = np.array([words is None for words in points.words]) & (high > low)
    own = points.values[at]
    return Flags(
        at,
        float(score[at]),
        float(robust.robust_score[at]),
        float(robust.stability[at]),
        float(robust.degradation[at]),
        ordered & (own == low),
        ordered & (own == high),
        bool(is_spike(score, robust)[at]),
    )
