"""Tables of a run: points with their metrics, and one point's trades and equity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import ConfigError
from admf_ray.files import written_whole
from admf_ray.later import pd

__all__ = ["equity_table", "trades_table", "write_table"]

Floats = NDArray[np.float64]


def trades_table(trades: Sequence[Any], fields: Sequence[str]) -> pd.DataFrame:
    """Return trades as a table, their times as UTC stamps.

    Parameters
    ----------
    trades : sequence of NamedTuple
    fields : sequence of str
        Their fields, so that no trades still make a table.
    """
    table = pd.DataFrame([tuple(trade) for trade in trades], columns=list(fields))
    for name in ("entry_time_ns", "exit_time_ns"):
        stamps = table[name].astype("int64")
        times = pd.to_datetime(stamps.where(stamps >= 0), unit="ns", utc=True)
        table[name] = times
    return table.rename(columns={"entry_time_ns": "entry_time", "exit_time_ns": "exit_time"})


def equity_table(
    time_ns: NDArray[np.int64], equity: Floats, cash: Floats, positions: Floats, symbols: Sequence[str]
) -> pd.DataFrame:
    """Return one row per bar: equity, cash and each symbol's units, by UTC time of the close."""
    index = pd.DatetimeIndex(pd.to_datetime(time_ns, unit="ns", utc=True), name="time")
    table = pd.DataFrame({"equity": equity, "cash": cash}, index=index)
    for s, symbol in enumerate(symbols):
        table[f"position_{symbol}"] = positions[:, s]
    return table


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or Parquet, by the name's suffix; whole or not at all.

    Raises
    ------
    ConfigError
        Another suffix.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"{path}: must end in .csv or .parquet, found '{path.suffix}'; rename it")
    with written_whole(path) as file:
        if path.suffix == ".csv":
            table.to_csv(file, index=table.index.name is not None)
        else:
            table.to_parquet(file)
