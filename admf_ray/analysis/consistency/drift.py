"""How far the chosen parameters wander from window to window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.parameters import ParameterTable

__all__ = ["Drift", "drift_of"]

Floats = NDArray[np.float64]


class Drift(NamedTuple):
    """Steps of a selection rule through its parameters.

    Attributes
    ----------
    per_parameter : float64 array (n_params,)
        Mean step between windows in units of the searched range, from 0 to 1; for words, the share of steps
        that change them; NaN for a parameter of one value, or fewer than two windows.
    mean : float
        Over parameters; 0 where nothing can drift.
    n_distinct : int
        Different points chosen.
    n_changes : int
        Steps at which another point was chosen.
    """

    per_parameter: Floats
    mean: float
    n_distinct: int
    n_changes: int


def drift_of(points: ParameterTable, chosen: NDArray[np.int64]) -> Drift:
    """Return how what each window chose differs from the window before.

    Parameters
    ----------
    points : ParameterTable
        All that could be chosen; NaN where a point has no such parameter.
    chosen : int64 array (n_windows,)

    Notes
    -----
    A step between a point that has a parameter and one that has not counts as its whole range; between two
    that have not, it is no step.
    """
    picked = points.values[chosen]
    present = ~np.isnan(points.values)
    high = np.where(present, points.values, -np.inf).max(axis=0)
    low = np.where(present, points.values, np.inf).min(axis=0)
    spans = high - low
    missing = np.isnan(picked)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.abs(np.diff(picked, axis=0)) / spans
    words = np.array([one is not None for one in points.words], dtype=bool)
    steps = np.where(words, (np.diff(picked, axis=0) != 0).astype(np.float64), steps)
    steps = np.where(missing[1:] != missing[:-1], 1.0, steps)
    counted = ~(missing[1:] & missing[:-1]) & ((spans > 0) | ~present.all(axis=0))
    n = counted.sum(axis=0)
    # a parameter of one value, present in some points only, moves by coming and going
    sums = np.where(counted, np.nan_to_num(steps), 0.0).sum(axis=0)
    per = np.where(n > 0, sums / np.where(n > 0, n, 1), np.nan)
    known = np.isfinite(per)
    return Drift(
        per,
        float(per[known].mean()) if known.any() else 0.0,
        len(np.unique(chosen)),
        int((np.diff(chosen) != 0).sum()),
    )
