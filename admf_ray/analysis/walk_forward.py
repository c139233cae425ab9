"""What walk-forward windows say together: which window owns a bar, and how far in-sample results carry."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Piece", "efficiency", "newey_west_t", "pieces", "rank_correlation"]

Floats = NDArray[np.float64]

# A variance below this share of the mean square is rounding noise.
NOISE = 1e-10


class Piece(NamedTuple):
    """A run of bars that one window's test part owns.

    Attributes
    ----------
    window : int
    start, stop : int
        First bar, and the bar after the last.
    """

    window: int
    start: int
    stop: int


def pieces(tests: Sequence[tuple[int, int]]) -> list[Piece]:
    """Return which test part each bar's return is taken from: the latest that covers it.

    Parameters
    ----------
    tests : sequence of (start, stop)
        Test parts in walk-forward order.

    Returns
    -------
    list of Piece
        In order of bars, each bar at most once; bars that no part covers are in none.

    Examples
    --------
    >>> [tuple(piece) for piece in pieces([(10, 16), (13, 19)])]
    [(0, 10, 13), (1, 13, 19)]
    """
    if not tests:
        return []
    first = min(start for start, _ in tests)
    owner = np.full(max(stop for _, stop in tests) - first, -1)
    for k, (start, stop) in enumerate(tests):
        owner[start - first : stop - first] = k
    edges = [0, *(np.flatnonzero(np.diff(owner)) + 1).tolist(), len(owner)]
    runs = pairwise(edges)
    return [Piece(int(owner[a]), first + a, first + b) for a, b in runs if owner[a] >= 0]


def efficiency(train_returns: Floats, train_bars: Floats, test_returns: Floats, test_bars: Floats) -> float:
    """Return the log return per bar out of sample over that in sample, each over all windows together.

    Parameters
    ----------
    train_returns, train_bars, test_returns, test_bars : float64 arrays (n_windows,)
        Total simple return and number of bars of what was selected.

    Returns
    -------
    float
        1 where nothing is lost; NaN where the in-sample sum is <= 0; -inf after ruin out of sample.

    Notes
    -----
    Source: Pardo (2008), "The Evaluation and Optimization of Trading Strategies", walk-forward efficiency,
    there with annualised profits.
    """
    with np.errstate(divide="ignore"):
        inside = np.log1p(np.maximum(train_returns, -1.0)).sum() / train_bars.sum()
        outside = np.log1p(np.maximum(test_returns, -1.0)).sum() / test_bars.sum()
    return float(outside / inside) if inside > 0 else float("nan")


def newey_west_t(returns: Floats) -> float:
    """Return the t statistic of the mean return, robust to heteroscedasticity and autocorrelation.

    Parameters
    ----------
    returns : float64 array (n_bars,)

    Returns
    -------
    float
        NaN for fewer than 3 bars or returns that do not vary.

    Notes
    -----
    Bartlett weights over floor(4 (n/100)^(2/9)) lags: Newey and West (1987), "A simple, positive
    semi-definite, heteroskedasticity and autocorrelation consistent covariance matrix", with the lag
    truncation of Newey and West (1994), "Automatic lag selection in covariance matrix estimation". No
    small-sample factor. The sum is statsmodels'.
    """
    from statsmodels.stats.sandwich_covariance import S_hac_simple  # half a second, needed once a run

    n = returns.size
    if n < 3:
        return float("nan")
    mean = float(returns.mean())
    rest = returns - mean
    if not rest @ rest > NOISE * (returns @ returns):
        return float("nan")
    return mean * n / float(np.sqrt(S_hac_simple(rest)[0, 0]))


def rank_correlation(train_scores: Floats, test_scores: Floats) -> float:
    """Return Spearman's rank correlation of points' scores in and out of sample, median over windows.

    Parameters
    ----------
    train_scores, test_scores : float64 arrays (n_points, n_windows)
        -inf ranks lowest; ties take their mid-rank. No NaN.

    Returns
    -------
    float
        NaN where no window has two different scores on both sides.

    Notes
    -----
    Source: Spearman (1904), "The proof and measurement of association between two things"; computed by
    scipy. Windows in which all points score alike, in or out of sample, are left out.
    """
    from scipy.stats import spearmanr

    found = [
        float(spearmanr(a, b).statistic)
        for a, b in zip(train_scores.T, test_scores.T, strict=True)
        if (a != a[0]).any() and (b != b[0]).any()
    ]
    return float(np.median(found)) if found else float("nan")
