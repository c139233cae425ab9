"""Where a series begins: the leading NaNs that every indicator skips and keeps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from admf_ray.rules.compile import kernel

__all__ = ["FloatArray", "blank", "first_valid"]

FloatArray = npt.NDArray[np.float64]


@kernel
def first_valid(values: FloatArray) -> int:
    """Find the first bar with a finite value.

    Parameters
    ----------
    values : array (n_bars,) of float64

    Returns
    -------
    int
        Its index; `n_bars` where there is none.
    """
    for t in range(values.size):
        if np.isfinite(values[t]):
            return t
    return int(values.size)


@kernel
def blank(n_bars: int) -> FloatArray:
    """Make a series without values.

    Parameters
    ----------
    n_bars : int

    Returns
    -------
    array (n_bars,) of float64
        All NaN.
    """
    return np.full(n_bars, np.nan)
