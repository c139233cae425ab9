"""Was it the timing: the same positions held at other times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.rules.compile import cached, kernel

__all__ = ["RandomEntry", "random_entry"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class RandomEntry(NamedTuple):
    """A position path beside itself at other times.

    Attributes
    ----------
    p : float
        Monte Carlo p-value that the timing is chance; small is good. NaN without any shift.
    own_return : float
        Total return of the path as it was, by the same arithmetic.
    shifted_returns : float64 array (n_shifts,)
    """

    p: float
    own_return: float
    shifted_returns: Floats


def random_entry(
    weights: Floats, returns: Floats, cost_frac: float, *, seed: int, n_shifts: int = 1000
) -> RandomEntry:
    """Shift the whole position path round the bars and count how often it does at least as well.

    Parameters
    ----------
    weights : float64 array (n_bars,) or (n_bars, n_symbols)
        Position value over equity held through each bar, earning that bar's return.
    returns : float64 array of the same shape
        Of the symbols.
    cost_frac : float
        Cost of one unit of turnover, as a fraction of its value.
    seed : int
    n_shifts : int
        Drawn without replacement from 1 to n_bars - 1; all of them if there are no more.

    Returns
    -------
    RandomEntry

    Notes
    -----
    Per bar ``sum of w r - cost sum of |change of w|``, compounded, from a flat start; a loss of all ends it
    at -1. Symbols shift together. Keeps time in market, holding times and turnover (but for the cut at
    the join); Source: Aronson (2006), "Evidence-Based Technical Analysis", permuting positions
    against returns; here circularly, which keeps the order of the positions. ``p = (1 + shifts that return
    at least as much) / (1 + n_shifts)``, never 0: the path as it was is one of its shifts. Sources: Davison
    and Hinkley (1997), "Bootstrap methods and their application", section 4.2; North, Curtis and Sham (2002),
    "A note on the calculation of empirical p values from Monte Carlo procedures"; Phipson and Smyth (2010),
    "Permutation p-values should never be zero".
    """
    paths = weights.reshape(len(weights), -1)
    n = len(paths)
    shifts = np.arange(1, n)
    if n_shifts < n - 1:
        shifts = np.sort(np.random.default_rng(seed).choice(shifts, n_shifts, replace=False))
    found = np.empty(len(shifts) + 1)
    twice = np.concatenate([paths, paths])
    places = np.concatenate([[0], shifts])
    cached(_shifted)(twice, np.ascontiguousarray(returns.reshape(n, -1)), float(cost_frac), places, found)
    own, others = float(found[0]), found[1:]
    p = float(1 + (others >= own).sum()) / (1 + others.size) if others.size else np.nan
    return RandomEntry(p, own, others)


@kernel
def _shifted(twice: Floats, returns: Floats, cost_frac: float, shifts: Indices, out: Floats) -> None:
    """Total return with the path delayed by each shift; `twice` is the path two times in a row."""
    n = len(returns)
    for k in range(shifts.size):
        first = (n - shifts[k]) % n
        value = 1.0
        for t in range(n):
            gain = 0.0
            for s in range(returns.shape[1]):
                weight = twice[first + t, s]
                before = twice[first + t - 1, s] if t > 0 else 0.0
                gain += weight * returns[t, s] - cost_frac * abs(weight - before)
            value *= max(1.0 + gain, 0.0)
        out[k] = value - 1.0
