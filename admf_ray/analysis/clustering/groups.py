"""Into how many groups candidates fall, and which: by features, and by correlation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Grouping", "group_by_correlation", "group_by_features", "numbered"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

MOST_BY_FEATURES = 8
MOST_BY_CORRELATION = 20
# Kaufman and Rousseeuw (1990): up to 0.25 no substantial structure has been found.
LEAST_BY_FEATURES = 0.25
# Distances of unrelated series lie near sqrt(1/2); groups of inner correlation 0.2 amid them reach 0.1.
LEAST_BY_CORRELATION = 0.1
# Features beyond so many interquartile ranges count as that far: one extreme candidate is no group.
FARTHEST = 5.0
N_STARTS = 10


class Grouping(NamedTuple):
    """A partition of series.

    Attributes
    ----------
    labels : int64 array (n,)
        Group of each, 0 the largest; all 0 where there is no structure.
    sizes : int64 array (n_tried,)
        Numbers of groups tried.
    silhouettes : float64 array (n_tried,)
        Mean silhouette of each, from -1 to 1; NaN where the series do not fall into so many.
    silhouette : float
        The best of them; NaN where none could be tried.
    structured : bool
        Whether the best reaches the least that speaks for groups.
    """

    labels: Indices
    sizes: Indices
    silhouettes: Floats
    silhouette: float
    structured: bool

    @property
    def n_groups(self) -> int:
        """How many groups there are."""
        return int(self.labels.max()) + 1

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per number of groups tried."""
        return [
            {"groups": int(k), "silhouette": float(s), "chosen": self.structured and int(k) == self.n_groups}
            for k, s in zip(self.sizes, self.silhouettes, strict=True)
        ]


def group_by_features(values: Floats, seed: int = 0) -> Grouping:
    """Partition series by k-means on robustly scaled features, k from 2 to 8 by silhouette.

    Parameters
    ----------
    values : float64 array (n, n_features)
        In an order that does not depend on how the candidates came.
    seed : int

    Notes
    -----
    Features are centred on their median, divided by their interquartile range, and cut at ±5. A silhouette
    is also high along a continuum that is cut in two: groups describe, they do not prove.
    Source: Lloyd (1982), "Least squares quantization in PCM"; Rousseeuw (1987), "Silhouettes"; both
    scikit-learn's.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score
    from sklearn.preprocessing import RobustScaler

    scaled = np.clip(RobustScaler().fit_transform(values), -FARTHEST, FARTHEST)

    def cut(k: int) -> Indices:
        fit = KMeans(k, n_init=N_STARTS, random_state=seed % 2**32).fit(scaled)
        return np.asarray(fit.labels_, dtype=np.int64)

    most = min(MOST_BY_FEATURES, len(scaled) - 1, len(np.unique(scaled, axis=0)))
    return _best(len(scaled), most, cut, lambda of: silhouette_score(scaled, of), LEAST_BY_FEATURES)


def group_by_correlation(distance: Floats) -> Grouping:
    """Partition series by average linkage of their distances, cut where the silhouette is best.

    Parameters
    ----------
    distance : float64 array (n, n)
        See `series.distances`; in an order that does not depend on how the candidates came.

    Notes
    -----
    Source: Sokal and Michener (1958), "A statistical method for evaluating systematic relationships";
    scipy's.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform
    from sklearn.metrics import silhouette_score

    n = len(distance)
    tree = linkage(squareform(distance, checks=False), "average") if n > 1 else None

    def cut(k: int) -> Indices:
        return np.asarray(fcluster(tree, k, "maxclust"), dtype=np.int64) - 1

    def judge(of: Indices) -> float:
        return float(silhouette_score(distance, of, metric="precomputed"))

    return _best(n, min(MOST_BY_CORRELATION, n - 1), cut, judge, LEAST_BY_CORRELATION)


def _best(
    n: int, most: int, cut: Callable[[int], Indices], judge: Callable[[Indices], float], least: float
) -> Grouping:
    """Return the cut of the best silhouette; the fewest groups among equals."""
    sizes = np.arange(2, most + 1)
    cuts = [cut(int(k)) for k in sizes]
    silhouettes = np.array(
        [judge(of) if len(np.unique(of)) == k else np.nan for k, of in zip(sizes, cuts, strict=True)]
    )
    if not np.isfinite(silhouettes).any():
        return Grouping(np.zeros(n, dtype=np.int64), sizes, silhouettes, float("nan"), False)
    best = int(np.nanargmax(silhouettes))
    structured = bool(silhouettes[best] >= least)
    labels = cuts[best] if structured else np.zeros(n, dtype=np.int64)
    return Grouping(labels, sizes, silhouettes, float(silhouettes[best]), structured)


def numbered(labels: Indices, of: Indices) -> Indices:
    """Return each candidate's group, groups renumbered by how many candidates they hold.

    Parameters
    ----------
    labels : int64 array (n_distinct,)
        Group of each series.
    of : int64 array (n_candidates,)
        Which series each candidate has.

    Notes
    -----
    Ties by the first series in its own order, so the candidates' order does not matter.

    Examples
    --------
    >>> numbered(np.array([1, 0, 1]), np.array([0, 1, 1, 1, 2])).tolist()
    [1, 0, 0, 0, 1]
    """
    held = np.bincount(labels[of])
    first = [int(np.flatnonzero(labels == g)[0]) for g in range(len(held))]
    rank = np.empty(len(held), dtype=np.int64)
    rank[sorted(range(len(held)), key=lambda g: (-held[g], first[g]))] = np.arange(len(held))
    return np.asarray(rank[labels[of]])
