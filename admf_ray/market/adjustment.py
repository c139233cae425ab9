"""Adjusted prices, from the one adjusted column that vendors give."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import DataError

__all__ = ["adjust"]

Floats = NDArray[np.float64]


def adjust(
    values: dict[str, Floats], adj_close: Floats | None, adjusted: bool | None, where: str
) -> tuple[dict[str, Floats], str | None]:
    """Return prices as the user wants them.

    Parameters
    ----------
    values : dict of str to float64 array (n_rows,)
        Columns ``open``, ``high``, ``low``, ``close`` and perhaps ``volume``.
    adj_close : float64 array (n_rows,), optional
        The vendor's adjusted close.
    adjusted : bool, optional
        True: scale open, high, low and close by adj_close ÷ close, or take prices without an adjusted
        close to be adjusted already. False: prices as they are.
    where : str
        The file, for messages.

    Returns
    -------
    values : dict
        New columns.
    note : str or None
        What was done, where something was.

    Raises
    ------
    DataError
        When an adjusted close differs from the close and the user said neither.

    Notes
    -----
    Volume is left as it is, because the factor mixes splits with dividends. The adjusted close itself is
    never kept as a column: it knows later dividends.
    """
    if adj_close is None:
        return values, f"{where}: prices were taken as adjusted already" if adjusted else None
    close = values["close"]
    differs = np.isfinite(adj_close) & np.isfinite(close) & (adj_close != close)
    if not differs.any():  # a bad value in one of them is a defect, not an adjustment
        return values, None
    if adjusted is None:
        row = int(np.flatnonzero(differs)[0])
        raise DataError(
            f"{where}: raw or adjusted prices must be chosen when both are there, found close "
            f"{close[row]:.10g} and adjusted close {adj_close[row]:.10g} at row {row + 1}; "
            "set adjusted: true or false"
        )
    if not adjusted:
        return values, f"{where}: raw prices are used, the adjusted close was left out"
    factor = adj_close / close
    scaled = {name: values[name] * factor for name in ("open", "high", "low")}
    note = f"{where}: open, high, low and close are adjusted by one factor a bar; volume is as given"
    return {**values, **scaled, "close": adj_close}, note
