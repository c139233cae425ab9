"""How results hold over market regimes: the worst one, the best one's share, and what changes cost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.regimes.classifier import UNKNOWN

__all__ = ["Transitions", "at_transitions", "best_share", "trades_by_regime", "worst_regime"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AFTER_BARS = 5
FEWEST_BARS = 20


class Transitions(NamedTuple):
    """Returns in the bars after the regime changed, beside all others.

    Attributes
    ----------
    after, elsewhere : float64 arrays (n_series,)
        Mean per-bar return; NaN without such bars.
    n_changes, n_after : int
        Changes, and bars that follow one closely.
    """

    after: Floats
    elsewhere: Floats
    n_changes: int
    n_after: int


def worst_regime(sharpes: Floats, bars: Ints) -> tuple[Floats, Ints]:
    """Return (Sharpe ratio in the worst regime, which), each (n_points,).

    Parameters
    ----------
    sharpes : float64 array (n_points, n_regimes)
        NaN where returns do not vary, as without a position: 0.
    bars : int64 array (n_regimes,)
        Bars of each regime; those of fewer than 20 do not count.

    Returns
    -------
    tuple
        NaN and -1 where no regime counts.
    """
    counted = bars >= FEWEST_BARS
    if not counted.any():
        return np.full(len(sharpes), np.nan), np.full(len(sharpes), -1)
    filled = np.where(counted, np.nan_to_num(sharpes, nan=0.0), np.inf)
    return filled.min(axis=1), filled.argmin(axis=1)


def best_share(pnl: Floats) -> Floats:
    """Return the share of all winnings that the best regime brought, (n_points,).

    Parameters
    ----------
    pnl : float64 array (n_points, n_regimes)

    Returns
    -------
    float64 array
        Of the regimes that won: 1 where one alone did; NaN where none did.
    """
    won = np.maximum(pnl, 0.0)
    total = won.sum(axis=1)
    return np.where(total > 0, won.max(axis=1) / np.where(total > 0, total, 1.0), np.nan)


def at_transitions(returns: Floats, labels: Ints, within: int = AFTER_BARS) -> Transitions:
    """Return what series earn just after the regime changed.

    Parameters
    ----------
    returns : float64 array (n_bars, n_series)
    labels : int64 array (n_bars,)
        Known at each bar's close; -1 where unknown, from and to which nothing changes.
    within : int
        A change at t's close counts for the returns of t + 1 to t + within.
    """
    changed = np.zeros(len(labels), dtype=np.bool_)
    known = (labels[1:] != UNKNOWN) & (labels[:-1] != UNKNOWN)
    changed[1:] = known & (labels[1:] != labels[:-1])
    after = np.zeros(len(labels), dtype=np.bool_)
    for k in range(1, within + 1):
        after[k:] |= changed[:-k]
    return Transitions(_mean(returns[after]), _mean(returns[~after]), int(changed.sum()), int(after.sum()))


def trades_by_regime(
    entries: Ints, exits: Ints, pnl: Floats, labels: Ints, n_regimes: int
) -> tuple[Ints, Floats, int, float]:
    """Return (trades per regime, their P&L, trades across a change, their P&L).

    Parameters
    ----------
    entries, exits : int64 arrays (n_trades,)
        Bars of the first and last fill; -1 for an exit that is still to come.
    pnl : float64 array (n_trades,)
    labels : int64 array (n_bars,)
    n_regimes : int

    Returns
    -------
    tuple
        A trade belongs to the label known when its entry's bar began, the unknown one last, shape
        (n_regimes + 1,). One during which the label changed is in its entry's regime and counted again as
        across a change.
    """
    before = np.concatenate([[UNKNOWN], labels[:-1]])
    own = np.where(before[entries] == UNKNOWN, n_regimes, before[entries])
    last = np.where(exits < 0, len(labels) - 1, exits)
    moves = np.concatenate([[0], np.cumsum(before[1:] != before[:-1])])
    across = moves[last] != moves[entries]
    counts = np.bincount(own, minlength=n_regimes + 1)
    sums = np.bincount(own, weights=pnl, minlength=n_regimes + 1).astype(np.float64)
    return counts.astype(np.int64), sums, int(across.sum()), float(pnl[across].sum())


def _mean(returns: Floats) -> Floats:
    return returns.mean(axis=0) if len(returns) else np.full(returns.shape[1], np.nan)
