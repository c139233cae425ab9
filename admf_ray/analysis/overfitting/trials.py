"""How many trials there really were (many points are one bet), and how far they spread."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from admf_ray.rules.metrics import NOISE

__all__ = ["distinct_sample", "effective_trials", "effective_trials_spread"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def distinct_sample(sums: Floats, most: int, seed: int) -> Indices:
    """Return points with different results that stand for all of them.

    Parameters
    ----------
    sums : float64 array (n_points, n_slices, 2)
        What a run stores of each point's returns; equal sums count as equal returns.
    most : int
    seed : int

    Returns
    -------
    int64 array (at most `most`,)
        Ascending; of points with equal results only the first can be among them.
    """
    flat = np.ascontiguousarray(sums.reshape(len(sums), -1)) + 0.0  # -0 is 0
    rows = flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1]))).ravel()
    first = np.sort(np.unique(rows, return_index=True)[1])
    if len(first) > most:
        first = np.sort(np.random.default_rng(seed).choice(first, most, replace=False))
    return first


def effective_trials(returns: Floats) -> float:
    """Return the number of independent trials that would be as diverse as these.

    Parameters
    ----------
    returns : float64 array (n_bars, n_points)

    Returns
    -------
    float
        From 1 (all move together) to the number of points; returns that do not vary are left out.

    Notes
    -----
    Exp of the entropy of the correlation matrix's eigenvalues over their sum. Source: Roy and Vetterli
    (2007), "The effective rank: a measure of effective dimensionality"; Meucci (2009), "Managing
    diversification", for returns. At most ``n_bars - 1``. Cost: the cube of the smaller side.
    """
    rest = returns - returns.mean(axis=0)
    spread = np.sqrt((rest**2).sum(axis=0))
    varies = spread > np.sqrt(NOISE * (returns**2).sum(axis=0))
    unit = rest[:, varies] / spread[varies]
    if not unit.shape[1]:
        return 1.0
    shares = np.linalg.eigvalsh(unit.T @ unit if unit.shape[1] <= len(unit) else unit @ unit.T)
    shares = shares[shares > 0.0] / unit.shape[1]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def effective_trials_spread(sharpes: Floats, n_bars: int) -> float:
    """Return the spread of Sharpe ratios that goes with `effective_trials` in a deflated Sharpe ratio.

    Parameters
    ----------
    sharpes : float64 array (n_points,)
        Per bar, of the same points; NaN where undefined.
    n_bars : int

    Returns
    -------
    float
        Standard deviation over the points, but at least ``1/sqrt(n_bars)``, that of one estimate without
        skill.

    Notes
    -----
    Points that move together spread little, and are few already by their effective number: without the
    floor likeness is counted twice, and 9 % of markets without an edge had a deflated Sharpe ratio above
    0.95 (180 crossovers on 500 drifting GARCH markets), with it 4 %. The plain number of points goes with
    their plain standard deviation, as published: 1 %.
    """
    known = sharpes[~np.isnan(sharpes)]
    seen = float(known.std(ddof=1)) if known.size > 1 else 0.0
    return max(seen, 1.0 / math.sqrt(n_bars))
