"""One history made of two: the bars of one source behind those of another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from admf_ray.errors import DataError
from admf_ray.market.bars import Bars

__all__ = ["joined"]


def joined(before: Bars, after: Bars) -> Bars:
    """Return bars with those of another source behind them.

    Parameters
    ----------
    before : Bars
        Their facts hold: instruments, zone, annualisation, session end.
    after : Bars
        The same symbols; bars that are not later than `before` are left out.

    Raises
    ------
    DataError
        Other symbols, zone or columns, or nothing later.
    """
    for what, one, other in (
        ("symbols", before.symbols, after.symbols),
        ("zone", before.zone, after.zone),
        ("session end", before.session_end_minute, after.session_end_minute),
        ("volume", before.volume is None, after.volume is None),
        ("further columns", tuple(before.extra), tuple(after.extra)),
    ):
        if one != other:
            raise DataError(
                f"test data: must have the training data's {what}, which is their history, found {other} "
                f"instead of {one}; bring both to the same form"
            )
    first = int(np.searchsorted(after.time_ns, before.time_ns[-1], side="right"))
    if first == after.n_bars:
        raise DataError(
            f"test data: must go on after the training data's last day {before.dates[1]}, found them to end "
            f"on {after.dates[1]}; choose later ones"
        )
    own = after.slice(first, after.n_bars)
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(before, name), getattr(own, name)])
        for name in ("time_ns", "open", "high", "low", "close", "tradable")
    }
    if before.volume is not None and own.volume is not None:
        columns["volume"] = np.concatenate([before.volume, own.volume])
    extra = {name: np.concatenate([before.extra[name], own.extra[name]]) for name in before.extra}
    notes = tuple(dict.fromkeys((*before.notes, *own.notes)))
    return replace(before, **columns, extra=extra, notes=notes)
