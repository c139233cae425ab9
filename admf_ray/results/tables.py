"""Tables of a run: points with their metrics, and one point's trades and equity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from admf_ray.errors import ConfigError
from admf_ray.files import written_whole

__all__ = ["equity_table", "joined", "points_table", "rows_table", "trades_table", "write_table"]

Floats = NDArray[np.float64]


def points_table(
    strategy: str, parameters: Mapping[str, Sequence[Any]], windows: Sequence[str], metrics: Sequence[str],
    values: Floats, n_points: int, judged: Mapping[str, Floats],
) -> pd.DataFrame:  # fmt: skip
    """Return one row per point or neighbour, and window.

    Parameters
    ----------
    strategy : str
    parameters : mapping of str to sequence (n_rows,)
        Values by name.
    windows, metrics : sequence of str
    values : float64 array (n_rows, n_windows, n_metrics)
        Points of the grid, then their neighbours off it.
    n_points : int
        How many stand on the grid.
    judged : mapping of str to float64 array (n_points, n_windows)
        Figures by name that only points of the grid have.

    Returns
    -------
    DataFrame
        Columns ``strategy``, the parameters, ``off_grid``, ``window``, the judged figures (NaN off the
        grid), the metrics; points in order, windows within.
    """
    n_rows, n_windows, _ = values.shape
    columns: dict[str, Any] = {"strategy": [strategy] * (n_rows * n_windows)}
    for name, own in parameters.items():
        columns[name] = np.repeat(np.asarray(own), n_windows)
    columns["off_grid"] = np.repeat(np.arange(n_rows) >= n_points, n_windows)
    columns["window"] = list(windows) * n_rows
    for name, figure in judged.items():
        columns[name] = np.full(n_rows * n_windows, np.nan)
        columns[name][: n_points * n_windows] = figure.ravel()
    flat = values.reshape(n_rows * n_windows, -1)
    columns.update({name: flat[:, k] for k, name in enumerate(metrics)})
    return pd.DataFrame(columns)


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return tables under each other; a column that one lacks is missing there."""
    return pd.concat(tables, ignore_index=True)


def rows_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return mappings as rows; a mapping within one becomes text, ``name=value, ...``."""
    flat = [
        {
            k: (", ".join(f"{a}={b}" for a, b in v.items()) if isinstance(v, Mapping) else v)
            for k, v in r.items()
        }
        for r in rows
    ]
    return pd.DataFrame(flat)


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
