"""Return series as clustering takes them: each once, in an order of their own, with their correlations."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from admf_ray.analysis.walk_forward import NOISE
from admf_ray.errors import DataError

__all__ = ["Distinct", "checked", "correlations", "distances", "distinct", "varies"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

FEWEST_BARS = 3


class Distinct(NamedTuple):
    """Series without repetition, in an order that does not depend on the candidates' order.

    Attributes
    ----------
    first : int64 array (n_distinct,)
        A candidate that has the series.
    of : int64 array (n_candidates,)
        Which series each candidate has.
    """

    first: Indices
    of: Indices


def checked(returns: Floats) -> Floats:
    """Return series as contiguous rows, -0 as 0.

    Raises
    ------
    DataError
        Fewer than 3 bars, or a return that is not finite.
    """
    rows = np.ascontiguousarray(returns, dtype=np.float64) + 0.0
    if rows.ndim != 2 or not len(rows) or rows.shape[1] < FEWEST_BARS:
        raise DataError(
            f"returns: must be one candidate or more x {FEWEST_BARS} bars or more, found {rows.shape}; "
            f"give a longer window"
        )
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        i, t = bad[0]
        raise DataError(
            f"returns: must be finite, found {rows[i, t]} at candidate {i}, bar {t}; "
            f"leave failed candidates out"
        )
    return rows


def distinct(rows: Floats, beside: Floats) -> Distinct:
    """Return each series once, ordered by a digest of its bytes.

    Parameters
    ----------
    rows : float64 array (n_candidates, n_bars)
        As `checked` gives them.
    beside : float64 array (n_candidates,)
        Of candidates with one series, the one of the least value stands for it.
    """
    digests = [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows]
    first: list[int] = []
    of = np.empty(len(rows), dtype=np.int64)
    last = None
    for i in sorted(range(len(rows)), key=lambda i: (digests[i], beside[i])):
        if digests[i] != last:
            first.append(i)
            last = digests[i]
        of[i] = len(first) - 1
    return Distinct(np.array(first), of)


def varies(rows: Floats) -> NDArray[np.bool_]:
    """Return which series have a variance beyond rounding noise, shape (n,)."""
    square = (rows * rows).mean(axis=1)
    return np.asarray(rows.var(axis=1) > NOISE * square)


def correlations(rows: Floats) -> Floats:
    """Return the correlation of each pair of series, shape (n, n); 0 with a series that does not vary."""
    moves = varies(rows)
    rest = np.where(moves[:, None], rows - rows.mean(axis=1, keepdims=True), 0.0)
    size = np.sqrt((rest * rest).sum(axis=1, keepdims=True))
    unit = rest / np.where(moves[:, None], size, 1.0)
    # threads add in an order of their own
    with threadpool_limits(1):
        found = np.clip(unit @ unit.T, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return np.asarray((found + found.T) / 2.0)


def distances(correlation: Floats) -> Floats:
    """Return sqrt((1 - correlation) / 2): 0 for series that move as one, 1 for opposite ones.

    Notes
    -----
    Source: López de Prado (2016), "Building diversified portfolios that outperform out of sample".
    """
    return np.asarray(np.sqrt((1.0 - correlation) / 2.0))
