"""Rolling maximum and minimum, at a cost per bar that does not depend on the window.

A window is the tail of one block and the head of the next, as in `moving`.
"""

from __future__ import annotations

import numpy as np

from admf_ray.rules.compile import kernel
from admf_ray.rules.indicators.valid import FloatArray, blank, first_valid

__all__ = ["rolling_max", "rolling_min"]


@kernel
def _rolling_extreme(values: FloatArray, length_bars: int, sign: float) -> FloatArray:
    out = blank(values.size)
    start = first_valid(values)
    if length_bars < 1 or length_bars > values.size - start:
        return out
    tail = np.full(length_bars, -np.inf)
    for block in range(start, values.size, length_bars):
        best = -np.inf
        if block > start:
            for j in range(length_bars - 1, 0, -1):
                value = sign * values[block - length_bars + j]
                if value > best or value != value:
                    best = value
                tail[j - 1] = best
        best = -np.inf
        for j in range(min(length_bars, values.size - block)):
            value = sign * values[block + j]
            if value > best or value != value:
                best = value
            if block > start or j == length_bars - 1:
                before = tail[j]
                out[block + j] = sign * (before if before > best or before != before else best)
    return out


@kernel
def rolling_max(values: FloatArray, length_bars: int) -> FloatArray:
    """Find the highest of the last `length_bars` values, the current one included.

    Parameters
    ----------
    values : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    NaN for `length_bars` - 1 bars from the first finite value on; a later NaN makes NaN of the
    windows that hold it; all NaN for a length below 1 or longer than the data. As TA-Lib MAX.

    Source: van Herk (1992); Gil and Werman (1993).
    """
    return _rolling_extreme(values, length_bars, 1.0)


@kernel
def rolling_min(values: FloatArray, length_bars: int) -> FloatArray:
    """Find the lowest of the last `length_bars` values, the current one included.

    Parameters
    ----------
    values : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    NaN policy and warm-up as `rolling_max`. As TA-Lib MIN.

    Source: van Herk (1992); Gil and Werman (1993).
    """
    return _rolling_extreme(values, length_bars, -1.0)
