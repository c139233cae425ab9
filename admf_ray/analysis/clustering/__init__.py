"""`return_distribution_clustering`: which candidates are of one kind, which move together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.clustering.compare import Comparison, compare_clusters
from admf_ray.analysis.clustering.features import Features, features_of
from admf_ray.analysis.clustering.groups import (
    Grouping,
    group_by_correlation,
    group_by_features,
    numbered,
)
from admf_ray.analysis.clustering.one import Cluster, analyse_cluster
from admf_ray.analysis.clustering.series import checked, correlations, distances, distinct

__all__ = [
    "Cluster",
    "Clustering",
    "Comparison",
    "Features",
    "Grouping",
    "analyse_cluster",
    "compare_clusters",
    "return_distribution_clustering",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Clustering:
    """Candidates by the kind of their returns, and by what moves together.

    Attributes
    ----------
    features : Features
    by_features, by_correlation : Grouping
        Labels of shape (n_candidates,).
    n_distinct : int
        Different return series among the candidates.
    """

    features: Features
    by_features: Grouping
    by_correlation: Grouping
    n_distinct: int

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per candidate: its clusters and features."""
        both = zip(self.by_features.labels.tolist(), self.by_correlation.labels.tolist(), strict=True)
        return [
            {"candidate": i, "cluster": a, "correlation_cluster": b, **self.features.row(i)}
            for i, (a, b) in enumerate(both)
        ]


def return_distribution_clustering(
    returns: Floats,
    time_in_market_frac: Floats,
    regimes: NDArray[np.int64] | None = None,
    *,
    seed: int = 0,
) -> Clustering:
    """Cluster candidates by their returns.

    Parameters
    ----------
    returns : float64 array (n_candidates, n_bars)
        Simple returns, bar by bar.
    time_in_market_frac : float64 array (n_candidates,)
        Share of bars with a position.
    regimes : int64 array (n_bars,), optional
        The label known at each bar's close, negative where there is none.
    seed : int
        Of k-means' starts.

    Raises
    ------
    DataError
        Returns that are not finite, or fewer than 3 bars.

    Notes
    -----
    Identical series count once and share their clusters; if their time in market differs, the least is
    used for fitting. Fitted in an order of the series' own, on one thread, so that neither the candidates'
    order nor the machine's cores show. O(n_candidates² x n_bars).
    """
    rows = checked(returns)
    known = distinct(rows, time_in_market_frac)
    features = features_of(rows, time_in_market_frac, regimes)
    kinds = group_by_features(features.values[known.first], seed)
    moves = group_by_correlation(distances(correlations(rows[known.first])))
    kinds, moves = (one._replace(labels=numbered(one.labels, known.of)) for one in (kinds, moves))
    return Clustering(features, kinds, moves, len(known.first))
