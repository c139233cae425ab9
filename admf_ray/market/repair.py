"""What the user may choose to do about bad rows, counted."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from admf_ray.errors import ConfigError
from admf_ray.market.checks import bad_rows
from admf_ray.market.table import PRICES, SymbolTable

__all__ = ["OnBadRows", "check_choice", "repair"]

OnBadRows = Literal["error", "drop", "forward_fill"]
_ORDER = ("unsorted", "duplicate")


def check_choice(on_bad_rows: str) -> None:
    """Refuse a choice that does not exist.

    Raises
    ------
    ConfigError
        When it is not one of error, drop, forward_fill.
    """
    if on_bad_rows not in get_args(OnBadRows):
        raise ConfigError(
            f"on_bad_rows: must be error, drop or forward_fill, found {on_bad_rows!r}; choose one"
        )


def repair(table: SymbolTable, on_bad_rows: OnBadRows) -> tuple[SymbolTable, dict[str, int]]:
    """Drop or forward-fill bad rows; with ``error`` nothing is touched.

    Parameters
    ----------
    table : SymbolTable
        Rows as read.
    on_bad_rows : {"error", "drop", "forward_fill"}
        ``drop`` removes rows with a bad value, rows that step back in time and, of rows with equal
        stamps, all but the first. ``forward_fill`` puts the close before into a row with bad values (volume
        0, further columns as before); such a row is not tradable. Rows out of order cannot be filled
        and stay errors; a bad row with no good one before it is dropped.

    Returns
    -------
    table : SymbolTable
        A new table, or the same.
    counts : dict of str to int
        ``dropped`` and ``forward_filled`` rows, where there are any.
    """
    broken = bad_rows(table)
    if on_bad_rows == "error" or not broken:
        return table, {}
    if on_bad_rows == "drop":
        bad = np.logical_or.reduce([mask for mask, _, _ in broken.values()])
        return table.keep(~bad), {"dropped": int(bad.sum())}
    masks = [mask for rule, (mask, _, _) in broken.items() if rule not in _ORDER]
    if not masks:
        return table, {}
    bad = np.logical_or.reduce(masks)
    source = np.maximum.accumulate(np.where(bad, -1, np.arange(table.n_rows)))
    filled = table.keep(np.ones(table.n_rows, dtype=np.bool_))
    reachable = bad & (source >= 0)
    close = table.columns["close"]
    for name in filled.columns:
        array = filled.columns[name]
        array[reachable] = close[source[reachable]] if name in PRICES else 0.0
    for array in filled.extra.values():
        array[reachable] = array[source[reachable]]
    filled.tradable = ~bad
    leading = source < 0
    counts = {"forward_filled": int(reachable.sum()), "dropped": int(leading.sum())}
    return filled.keep(~leading), {name: count for name, count in counts.items() if count}
