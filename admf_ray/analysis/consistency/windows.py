"""What walk-forward windows are judged on, and the score of consistency."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["WindowResults", "consistency_score", "gain_share", "rank_over_windows", "shares"]

Floats = NDArray[np.float64]

FEWEST_WINDOWS = 3


class WindowResults(NamedTuple):
    """Results of points in and out of sample.

    Attributes
    ----------
    train_scores, test_scores : float64 arrays (n_points, n_windows)
        The objective, higher better; -inf for failed ones.
    train_returns, test_returns : float64 arrays (n_points, n_windows)
        Total simple return; NaN for failed ones.
    train_bars, test_bars : float64 arrays (n_windows,)
    """

    train_scores: Floats
    test_scores: Floats
    train_returns: Floats
    test_returns: Floats
    train_bars: Floats
    test_bars: Floats

    def of(self, chosen: NDArray[np.int64]) -> WindowResults:
        """Return the results of the point each window chose, as those of one point.

        Parameters
        ----------
        chosen : int64 array (n_windows,)
        """
        at = chosen, np.arange(len(chosen))
        train, test = (figure[at][None] for figure in (self.train_scores, self.test_scores))
        earned, kept = (figure[at][None] for figure in (self.train_returns, self.test_returns))
        return WindowResults(train, test, earned, kept, self.train_bars, self.test_bars)


def shares(test_returns: Floats) -> tuple[Floats, NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Return (share of profitable windows, the worst window, its return, failed windows) per point.

    Parameters
    ----------
    test_returns : float64 array (n_points, n_windows)
        NaN for failed ones, which count as not profitable.

    Notes
    -----
    The worst window is the first of the least return; -1 and NaN where all failed.
    """
    failed = np.isnan(test_returns)
    filled = np.where(failed, np.inf, test_returns)
    some = ~failed.all(axis=1)
    worst = np.where(some, filled.argmin(axis=1), -1)
    least = np.where(some, filled.min(axis=1), np.nan)
    return (test_returns > 0).mean(axis=1), worst, least, failed.sum(axis=1)


def gain_share(test_returns: Floats) -> Floats:
    """Return what winning windows gain over what all windows move, in log returns, shape (n_points,).

    Parameters
    ----------
    test_returns : float64 array (n_points, n_windows)
        NaN for failed ones, which move nothing.

    Notes
    -----
    1 where no window loses, 1/2 where losses take all gains, 0 where nothing is gained.
    """
    with np.errstate(divide="ignore"):
        moved = np.log1p(np.maximum(np.nan_to_num(test_returns, nan=0.0), -1.0))
    gains, losses = np.maximum(moved, 0.0).sum(axis=1), -np.minimum(moved, 0.0).sum(axis=1)
    return np.asarray(gains / np.where(gains > 0, gains + losses, 1.0))


def rank_over_windows(train_scores: Floats, test_scores: Floats) -> Floats:
    """Return Spearman's correlation over windows of scores in and out of sample, shape (n_points,).

    Parameters
    ----------
    train_scores, test_scores : float64 arrays (n_points, n_windows)
        -inf ranks lowest; ties take their mid-rank. No NaN.

    Notes
    -----
    NaN for fewer than 3 windows or scores that do not differ between them. Few windows say little: with 10
    of them chance alone reaches ±0.63 in one case of twenty.
    Source: Spearman (1904), "The proof and measurement of association between two things".
    """
    from scipy.stats import rankdata

    if train_scores.shape[1] < FEWEST_WINDOWS:
        return np.full(len(train_scores), np.nan)
    # twice a mid-rank is a whole number, so that scores which do not differ leave exactly 0
    x, y = (2.0 * rankdata(one, axis=1) - one.shape[1] - 1.0 for one in (train_scores, test_scores))
    size = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.where(size > 0, (x * y).sum(axis=1) / np.where(size > 0, size, 1.0), np.nan)


def consistency_score(*parts: Floats) -> Floats:
    """Return the geometric mean of parts between 0 and 1; 0 as soon as one of them is.

    Parameters
    ----------
    parts : float64 arrays (n_points,)
        For a point: share of profitable windows, gain share, and efficiency cut to 0…1 (0 where it is
        undefined). For a selection rule also 1 less the drift of what it chose.

    Notes
    -----
    A choice of this product, not a statistic: it orders, it proves nothing. Rank correlation over windows
    is left out, because with few windows it is mostly noise.
    """
    stacked = np.stack([np.clip(np.nan_to_num(part, nan=0.0), 0.0, 1.0) for part in parts])
    return np.asarray(np.prod(stacked, axis=0) ** (1.0 / len(parts)))
