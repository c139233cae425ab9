"""What must hold of bars whatever their values are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import DataError
from admf_ray.market.arrays import stamp_text
from admf_ray.market.instruments import check_one_currency
from admf_ray.market.table import PRICES

if TYPE_CHECKING:
    from admf_ray.market.bars import Bars

__all__ = ["check_structure"]


def check_structure(bars: Bars) -> None:
    """Refuse bars whose symbols, shapes, time axis or instruments do not fit together.

    Raises
    ------
    DataError
        At the first misfit.
    """
    if not bars.symbols or list(bars.symbols) != sorted(set(bars.symbols)):
        raise DataError(
            f"bars: symbols must be sorted and unique, found {', '.join(bars.symbols) or 'none'}; "
            "name each once"
        )
    if bars.time_ns.ndim != 1 or bars.time_ns.size == 0:
        raise DataError(f"bars: must hold at least one bar, found shape {bars.time_ns.shape}; give data")
    shape = (bars.time_ns.size, len(bars.symbols))
    columns: dict[str, NDArray[Any]] = {name: getattr(bars, name) for name in (*PRICES, "tradable")}
    if bars.volume is not None:
        columns["volume"] = bars.volume
    for name, array in {**columns, **bars.extra}.items():
        if array.shape != shape:
            raise DataError(
                f"bars.{name}: shape must be {shape} (n_bars, n_symbols), found {array.shape}; align it"
            )
    backwards = np.flatnonzero(np.diff(bars.time_ns) <= 0)
    if backwards.size:
        row = int(backwards[0]) + 1
        raise DataError(
            f"bars.time_ns: must strictly increase, found {stamp_text(bars.time_ns[row])} at row {row} "
            f"after {stamp_text(bars.time_ns[row - 1])}; sort the data and remove duplicates"
        )
    if tuple(one.symbol for one in bars.instruments) != bars.symbols:
        named = ", ".join(one.symbol for one in bars.instruments)
        raise DataError(f"bars.instruments: one per symbol in their order, found {named}; complete them")
    check_one_currency(bars.instruments)
