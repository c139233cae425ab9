"""One cluster by itself: what is typical of it, which member stands for it, how much repeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.clustering.features import Features, features_of
from admf_ray.analysis.clustering.series import checked, correlations, distances, distinct, varies

__all__ = ["Cluster", "analyse_cluster", "sharpe_of"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# Series of this correlation share 98 % of their variance.
DUPLICATE = 0.99


@dataclass(frozen=True)
class Cluster:
    """What one cluster's members have in common.

    Attributes
    ----------
    label : int
    members : int64 array (n_members,)
        Candidates.
    representative : int
        The medoid, a candidate: of the least summed distance to the others.
    mean_correlation, lowest_correlation : float
        Over the pairs of members; NaN for a single one.
    near_duplicates : int
        Members whose correlation with another is at least `DUPLICATE`.
    typical : Features
        Median over members, one row.
    returns : float64 array (n_bars,)
        Mean return of the members, bar by bar.
    sharpe : float
        Of these returns, annualised; NaN where they do not vary.
    """

    label: int
    members: Indices
    representative: int
    mean_correlation: float
    lowest_correlation: float
    near_duplicates: int
    typical: Features
    returns: Floats
    sharpe: float

    def row(self) -> dict[str, Any]:
        """Return the cluster as a row."""
        return {
            "cluster": self.label,
            "members": len(self.members),
            "representative": self.representative,
            "mean_correlation": self.mean_correlation,
            "lowest_correlation": self.lowest_correlation,
            "near_duplicates": self.near_duplicates,
            "sharpe": self.sharpe,
            **self.typical.row(0),
        }


def sharpe_of(returns: Floats, bars_per_year: float) -> float:
    """Return the annualised Sharpe ratio (n - 1); NaN where returns do not vary."""
    if not varies(returns[None])[0]:
        return float("nan")
    return float(returns.mean() / returns.std(ddof=1) * np.sqrt(bars_per_year))


def analyse_cluster(
    label: int, members: Indices, returns: Floats, time_in_market_frac: Floats, bars_per_year: float,
    regimes: NDArray[np.int64] | None = None,
) -> Cluster:  # fmt: skip
    """Analyse one cluster from its own members alone.

    Parameters
    ----------
    label : int
    members : int64 array (n_members,)
        The candidates' numbers, carried through.
    returns : float64 array (n_members, n_bars)
        Simple returns.
    time_in_market_frac : float64 array (n_members,)
    bars_per_year : float
        Annualises the Sharpe ratio.
    regimes : int64 array (n_bars,), optional
        See `features_of`.

    Raises
    ------
    DataError
        Returns that are not finite or fewer than 3 bars.

    Notes
    -----
    The order of the members does not matter; of identical series the first member may stand for the
    cluster. O(n_members² x n_bars).
    """
    rows = checked(returns)
    known = distinct(rows, time_in_market_frac)
    # members in the order of their series, whatever order they came in
    order = np.lexsort((time_in_market_frac, known.of))
    rows = rows[order]
    correlation = correlations(rows)
    # equal bits move as one, also those that do not vary
    same = known.of[order][:, None] == known.of[order]
    correlation[same] = 1.0
    others = correlation[~np.eye(len(rows), dtype=bool)].reshape(len(rows), -1)
    several = len(rows) > 1
    medoid = int(np.argmin(distances(correlation).sum(axis=1)))
    features = features_of(rows, time_in_market_frac[order], regimes)
    mean = rows.mean(axis=0)
    return Cluster(
        label,
        members,
        int(members[order[medoid]]),
        float(others.mean()) if several else float("nan"),
        float(others.min()) if several else float("nan"),
        int((others >= DUPLICATE).any(axis=1).sum()),
        Features(features.names, np.median(features.values, axis=0, keepdims=True)),
        mean,
        sharpe_of(mean, bars_per_year),
    )
