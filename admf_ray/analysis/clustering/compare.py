"""Clusters side by side: which complement each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.clustering.one import Cluster
from admf_ray.analysis.clustering.series import correlations, varies
from admf_ray.analysis.walk_forward import NOISE

__all__ = ["Comparison", "compare_clusters"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Clusters' mean returns against each other.

    Attributes
    ----------
    labels : tuple of int (n_clusters,)
    correlation : float64 array (n_clusters, n_clusters)
        NaN with a cluster whose returns do not vary.
    pair_sharpe : float64 array (n_clusters, n_clusters)
        Annualised Sharpe ratio of both at equal volatility; NaN on the diagonal.
    gain : float64 array (n_clusters, n_clusters)
        That less the better one's own.
    complement : tuple (n_clusters,) of int or None
        The cluster of the lowest correlation with each, the first among equals.
    """

    labels: tuple[int, ...]
    correlation: Floats
    pair_sharpe: Floats
    gain: Floats
    complement: tuple[int | None, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per pair, the largest gain first, undefined ones last."""
        pairs = combinations(range(len(self.labels)), 2)
        rows = [
            {
                "cluster": self.labels[a],
                "other": self.labels[b],
                "correlation": float(self.correlation[a, b]),
                "pair_sharpe": float(self.pair_sharpe[a, b]),
                "gain": float(self.gain[a, b]),
            }
            for a, b in pairs
        ]
        return sorted(rows, key=lambda row: np.nan_to_num(-row["gain"], nan=np.inf))


def compare_clusters(clusters: Sequence[Cluster]) -> Comparison:
    """Compare clusters by their mean returns.

    Parameters
    ----------
    clusters : sequence of Cluster
        Over the same bars.

    Notes
    -----
    Two series at equal volatility, Sharpe ratios a and b and correlation c, together have (a + b) /
    sqrt(2 + 2 c). It is what these bars would have given, with volatilities known afterwards: a reason to
    look at a pair, not a promise.
    """
    rows = np.stack([one.returns for one in clusters])
    moves = varies(rows)
    found = np.where(moves[:, None] & moves, correlations(rows), np.nan)
    sharpe = np.array([one.sharpe for one in clusters])
    shared = 2.0 + 2.0 * found
    together = np.where(shared > NOISE, shared, np.nan)
    pair = (sharpe[:, None] + sharpe) / np.sqrt(together)
    np.fill_diagonal(pair, np.nan)
    labels = tuple(one.label for one in clusters)
    apart = np.where(np.eye(len(rows), dtype=bool), np.nan, found)
    complement = tuple(labels[int(np.nanargmin(row))] if np.isfinite(row).any() else None for row in apart)
    return Comparison(labels, found, pair, pair - np.maximum(sharpe[:, None], sharpe), complement)
