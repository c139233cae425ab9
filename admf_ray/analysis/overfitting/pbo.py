"""How often the best in sample is worse than half out of sample: PBO by CSCV."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.overfitting.splits import (
    best_of_each,
    check_sums,
    half_masks,
    ranks_of,
    sharpes_over,
)
from admf_ray.analysis.robustness import robust_score

__all__ = ["Pbo", "by_robust_score", "pbo", "pbo_of_selection"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

SPLITS_AT_A_TIME = 16


class Pbo(NamedTuple):
    """What becomes out of sample of the point selected in sample, over splits of the bars.

    Attributes
    ----------
    pbo : float
        Probability of backtest overfitting: share of splits whose logit is <= 0.
    slope : float
        Degradation: least-squares slope of out-of-sample on in-sample Sharpe ratios of the selected; NaN
        where these do not differ.
    loss_probability : float
        Share of splits whose selected point loses out of sample.
    logits : float64 array (n_splits,)
        ``log(w / (1 - w))``, `w` the selected's out-of-sample mid-rank over n_points + 1; above 0: better
        than the median.
    inside, outside : float64 arrays (n_splits,)
        Per-bar Sharpe ratios of the selected, in and out of sample.
    selected : int64 array (n_splits,)
        The points.

    Notes
    -----
    With fewer than two points nothing is selected: the three figures are NaN.
    """

    pbo: float
    slope: float
    loss_probability: float
    logits: Floats
    inside: Floats
    outside: Floats
    selected: Indices


def pbo(sums: Floats, slice_bars: int, *, threads: int = 1) -> Pbo:
    """Judge selection by the highest Sharpe ratio over every way to halve the slices.

    Parameters
    ----------
    sums : float64 array (n_points, n_slices, 2)
        Sum and sum of squares of per-bar returns in equal slices; without the remainder in front.
    slice_bars : int
        Bars in each slice.
    threads : int
        The result does not depend on it.

    Returns
    -------
    Pbo
        Splits in the order of `half_masks`: C(16, 8) = 12,870 for 16 slices.

    Raises
    ------
    DataError
        The number of slices is odd, or a sum is not finite.

    Notes
    -----
    Zero variance has Sharpe ratio 0; in sample, the first of equals is selected. Source: Bailey, Borwein,
    López de Prado and Zhu (2017), "The probability of backtest overfitting", CSCV; there ranks go
    without ties. Two passes of n_points x n_splits Sharpe ratios, none of them kept. On one data set
    without any edge the figure is anywhere; only its mean over data sets is near one half.
    """
    sums = check_sums(sums)
    inside, chosen = best_of_each(sums, slice_bars, threads)
    outside, ranks = ranks_of(sums, slice_bars, chosen, threads)
    return _judged(len(sums), inside, outside, ranks, chosen)


def pbo_of_selection(
    sums: Floats,
    slice_bars: int,
    select: Callable[[Floats], Indices],
    *,
    n_points: int,
    n_splits: int,
    seed: int,
    threads: int = 1,
) -> Pbo:
    """Judge another way of selecting on a sample of the splits.

    Parameters
    ----------
    sums : float64 array (n_rows, n_slices, 2)
        As in `pbo`; the points are the first rows, off-grid neighbours may follow.
    slice_bars : int
    select : callable
        Takes in-sample Sharpe ratios (n_rows, n) and returns the point selected in each column.
    n_points : int
        Rows that can be selected and are ranked.
    n_splits : int
        Drawn without replacement; all of them if there are no more.
    seed : int
    threads : int

    Returns
    -------
    Pbo
    """
    sums = check_sums(sums)
    masks = half_masks(sums.shape[1])
    if n_splits < len(masks):
        masks = masks[np.sort(np.random.default_rng(seed).choice(len(masks), n_splits, replace=False))]
    parts: list[tuple[Floats, Floats, Floats, Indices]] = []
    for begin in range(0, len(masks), SPLITS_AT_A_TIME):
        some = masks[begin : begin + SPLITS_AT_A_TIME]
        scores = sharpes_over(sums, slice_bars, some, threads)
        after = sharpes_over(sums[:n_points], slice_bars, ~some, threads)
        chosen, columns = select(scores), np.arange(len(some))
        own = after[chosen, columns]
        ranks = (after < own).sum(axis=0) + ((after == own).sum(axis=0) + 1) / 2.0
        parts.append((scores[chosen, columns], own, ranks, chosen))
    return _judged(n_points, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def by_robust_score(near: Callable[[int, int], Indices], n_points: int) -> Callable[[Floats], Indices]:
    """Return the selection by robust score, for `pbo_of_selection`.

    Parameters
    ----------
    near : callable
        Told a first and an after-last point, returns the rows of each one's neighbours, -1 for none.
    n_points : int
        The points are the first rows.

    See Also
    --------
    admf_ray.analysis.robustness.robustness
    """
    return lambda scores: robust_score(scores, near, n_points).argmax(axis=0)


def _judged(n_points: int, inside: Floats, outside: Floats, ranks: Floats, chosen: Indices) -> Pbo:
    logits = np.log(ranks / (n_points + 1 - ranks))
    figures = (np.nan, np.nan, np.nan)
    if n_points > 1:
        rest = inside - inside.mean()
        slope = (rest * outside).sum() / (rest**2).sum() if (inside != inside[0]).any() else np.nan
        figures = (float((logits <= 0.0).mean()), float(slope), float((outside < 0.0).mean()))
    return Pbo(*figures, logits, inside, outside, chosen)
