"""How good regimes are to work with: shared out, lasting, and found again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.regimes.classifier import UNKNOWN
from admf_ray.analysis.regimes.fitting import Kind, fit_regimes, min_train_bars
from admf_ray.market import Bars, Window

__all__ = ["RegimeQuality", "refit_agreement", "regime_quality"]

Floats = NDArray[np.float64]


class RegimeQuality(NamedTuple):
    """Figures of each regime.

    Attributes
    ----------
    balance : float64 array (n_regimes,)
        Share of the labelled bars; NaN where no bar is labelled.
    mean_run_bars : float64 array (n_regimes,)
        Mean length of its runs; NaN where it never comes.
    self_transition : float64 array (n_regimes,)
        Share of its bars followed by a bar of its own, among those followed by a labelled one.
    unknown_frac : float
        Share of bars without a label.
    """

    balance: Floats
    mean_run_bars: Floats
    self_transition: Floats
    unknown_frac: float


def regime_quality(labels: NDArray[np.int64], n_regimes: int) -> RegimeQuality:
    """Return how labels are shared out and how long they last.

    Parameters
    ----------
    labels : int64 array (n_bars,)
        -1 where unknown; at least one bar.
    n_regimes : int
    """
    starts = np.flatnonzero(np.diff(labels, prepend=UNKNOWN - 1))
    runs = np.bincount(labels[starts] + 1, minlength=n_regimes + 1)[1:]
    bars = np.bincount(labels + 1, minlength=n_regimes + 1)[1:]
    followed = labels[:-1][labels[1:] != UNKNOWN]
    stays = labels[:-1][labels[1:] == labels[:-1]]
    with np.errstate(invalid="ignore"):
        return RegimeQuality(
            bars / bars.sum(),
            bars / runs,
            _counts(stays, n_regimes) / _counts(followed, n_regimes),
            float((labels == UNKNOWN).mean()),
        )


def _counts(labels: NDArray[np.int64], n_regimes: int) -> NDArray[np.int64]:
    return np.bincount(labels[labels != UNKNOWN], minlength=n_regimes)


def refit_agreement(bars: Bars, train: Window, kind: Kind, n_states: int = 2, seed: int = 0) -> float:
    """Return how far classifiers fitted on either half of the training bars agree about all of them.

    Parameters
    ----------
    bars, train, kind, n_states, seed
        As in `fit_regimes`.

    Returns
    -------
    float
        Cohen's kappa over the labelled training bars, labels matched by canonical order: 1 where all are
        equal, 0 where no more are than by chance; NaN where both know one label only, or a half is too
        short to fit.

    Raises
    ------
    DataError
        A half's prices do not move.

    Notes
    -----
    Equal labels alone would mislead: on noise both halves may call almost every bar the same.
    Source: Cohen (1960), "A coefficient of agreement for nominal scales", eq. 1.
    """
    middle = train.start + train.n_bars // 2
    if middle - train.start < min_train_bars(kind, n_states):
        return float("nan")
    seen = bars.slice(train.start, train.stop)
    one, two = (
        fit_regimes(bars, Window(f"{train.name} ({half} half)", *edges), kind, n_states, seed).labels(seen)
        for half, edges in (("first", (train.start, middle)), ("second", (middle, train.stop)))
    )
    known = (one != UNKNOWN) & (two != UNKNOWN)
    table = np.zeros((one.max() + 1, two.max() + 1))
    np.add.at(table, (one[known], two[known]), 1.0 / known.sum())
    by_chance = sum(float(table[k].sum() * table[:, k].sum()) for k in range(min(table.shape)))
    return (float(np.trace(table)) - by_chance) / (1.0 - by_chance) if by_chance < 1.0 else float("nan")
