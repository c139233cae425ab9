"""Into how many groups candidates fall, and which: by features, and by correlation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

__all__ = ["Grouping", "group_by_correlation", "group_by_features", "numbered"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

MOST_BY_FEATURES = 8
MOST_BY_CORRELATION = 20
# Kaufman and Rousseeuw (1990): up to 0.25 no substantial structure has been found, up to 0.5 it is weak.
LEAST_BY_FEATURES = 0.25
REASONABLE = 0.5
# Distances of unrelated series lie near sqrt(1/2); groups of inner correlation 0.2 amid them reach 0.1.
LEAST_BY_CORRELATION = 0.1
N_STARTS = 5
N_REFERENCES = 19


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
    least : float
        What it must exceed to speak for groups.
    structured : bool
        Whether it does.
    """

    labels: Indices
    sizes: Indices
    silhouettes: Floats
    silhouette: float
    least: float
    structured: bool

    @property
    def n_groups(self) -> int:
        """How many groups there are."""
        return int(self.labels.max()) + 1

    @property
    def strength(self) -> str:
        """``none``; ``weak``: may be artificial; ``reasonable``: a silhouette above 0.5."""
        if not self.structured:
            return "none"
        return "reasonable" if self.silhouette > REASONABLE else "weak"

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
    Features are centred on their median, divided by their interquartile range, and passed through asinh, so
    that a few extreme ones are no group by that alone. A continuum cut in two has a high silhouette as well:
    groups are told only where the best silhouette exceeds 0.25 and those of 19 draws without groups, uniform
    over the box of the features' principal axes, cut the same ways. Of 40 sets of 60 unrelated series, normal
    ones passed in none, those of Student's t with 3 degrees of freedom in 7, all of them weak.
    Source: Lloyd (1982), "Least squares quantization in PCM"; Rousseeuw (1987), "Silhouettes"; both
    scikit-learn's. Tibshirani, Walther and Hastie (2001), "Estimating the number of clusters in a data set
    via the gap statistic", section 4, for the reference.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score
    from sklearn.preprocessing import RobustScaler

    scaled = np.arcsinh(RobustScaler().fit_transform(values))

    most = min(MOST_BY_FEATURES, len(scaled) - 1, len(np.unique(scaled, axis=0)))

    def tried(rows: Floats) -> Grouping:
        def cut(k: int) -> Indices:
            fit = KMeans(k, n_init=N_STARTS, random_state=seed % 2**32).fit(rows)
            return np.asarray(fit.labels_, dtype=np.int64)

        return _best(len(rows), most, cut, lambda of: silhouette_score(rows, of), LEAST_BY_FEATURES)

    # threads add in an order of their own
    with threadpool_limits(1):
        found = tried(scaled)
        if not found.structured:
            return found
        least = max(LEAST_BY_FEATURES, *(tried(one).silhouette for one in _references(scaled, seed)))
    if found.silhouette > least:
        return found._replace(least=least)
    return found._replace(labels=np.zeros_like(found.labels), least=least, structured=False)


def _references(scaled: Floats, seed: int) -> list[Floats]:
    """Return draws without groups, along the principal axes: distances do not see the rotation."""
    centred = scaled - scaled.mean(axis=0)
    along = centred @ np.linalg.svd(centred, full_matrices=False)[2].T
    random = np.random.default_rng(seed)
    low, high = along.min(axis=0), along.max(axis=0)
    return [random.uniform(low, high, along.shape) for _ in range(N_REFERENCES)]


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
    """Return the cut of the best silhouette, the fewest groups among equals, if it exceeds the least."""
    sizes = np.arange(2, most + 1)
    cuts = [cut(int(k)) for k in sizes]
    silhouettes = np.array(
        [judge(of) if len(np.unique(of)) == k else np.nan for k, of in zip(sizes, cuts, strict=True)]
    )
    if not np.isfinite(silhouettes).any():
        return Grouping(np.zeros(n, dtype=np.int64), sizes, silhouettes, float("nan"), least, False)
    best = int(np.nanargmax(silhouettes))
    found = float(silhouettes[best])
    labels = cuts[best] if found > least else np.zeros(n, dtype=np.int64)
    return Grouping(labels, sizes, silhouettes, found, least, found > least)


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
