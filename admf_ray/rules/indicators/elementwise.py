"""Arithmetic bar by bar, so that indicators can be combined: lag, sum, difference, product, ratio."""

from __future__ import annotations

from admf_ray.rules.compile import kernel
from admf_ray.rules.indicators.valid import FloatArray, blank

__all__ = ["add", "divide", "lag", "multiply", "subtract"]


@kernel
def lag(values: FloatArray, lag_bars: int) -> FloatArray:
    """Show at each bar the value of `lag_bars` bars before.

    Parameters
    ----------
    values : array (n_bars,) of float64
    lag_bars : int
        0 copies. Below 0 it would look ahead: all NaN.

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    NaN for the first `lag_bars` bars and where the earlier value is NaN. Not in TA-Lib.

    Source: none needed; the backshift operator of Box and Jenkins (1970).
    """
    out = blank(values.size)
    if lag_bars < 0:
        return out
    for t in range(lag_bars, values.size):
        out[t] = values[t - lag_bars]
    return out


@kernel
def add(left: FloatArray | float, right: FloatArray | float) -> FloatArray:
    """Add two series, or a series and a number.

    Parameters
    ----------
    left, right : array (n_bars,) of float64, or float
        At least one an array.

    Returns
    -------
    array (n_bars,) of float64

    Notes
    -----
    NaN where either is NaN. As TA-Lib ADD.

    Source: IEEE 754-2008, rounded to nearest.
    """
    return left + right  # type: ignore[return-value]  # one is an array


@kernel
def subtract(left: FloatArray | float, right: FloatArray | float) -> FloatArray:
    """Subtract `right` from `left`, either a series or a number.

    Parameters
    ----------
    left, right : array (n_bars,) of float64, or float
        At least one an array.

    Returns
    -------
    array (n_bars,) of float64

    Notes
    -----
    NaN where either is NaN. As TA-Lib SUB.

    Source: IEEE 754-2008, rounded to nearest.
    """
    return left - right  # type: ignore[return-value]  # one is an array


@kernel
def multiply(left: FloatArray | float, right: FloatArray | float) -> FloatArray:
    """Multiply two series, or a series and a number.

    Parameters
    ----------
    left, right : array (n_bars,) of float64, or float
        At least one an array.

    Returns
    -------
    array (n_bars,) of float64

    Notes
    -----
    NaN where either is NaN. As TA-Lib MULT.

    Source: IEEE 754-2008, rounded to nearest.
    """
    return left * right  # type: ignore[return-value]  # one is an array


@kernel
def divide(left: FloatArray | float, right: FloatArray | float) -> FloatArray:
    """Divide `left` by `right`, either a series or a number.

    Parameters
    ----------
    left, right : array (n_bars,) of float64, or float
        At least one an array.

    Returns
    -------
    array (n_bars,) of float64

    Notes
    -----
    NaN where either is NaN and for 0 / 0; ± infinity for other divisions by 0, without a warning.
    As TA-Lib DIV.

    Source: IEEE 754-2008, rounded to nearest.
    """
    return left / right  # type: ignore[return-value]  # one is an array
