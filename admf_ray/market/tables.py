"""From a plain table to one table a symbol: columns named, numbers numeric, stamps at the close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import DataError
from admf_ray.later import pd
from admf_ray.market.adjustment import adjust
from admf_ray.market.columns import ColumnMap, map_columns
from admf_ray.market.sources import RawTable
from admf_ray.market.stamps import StampMeaning, Stamps, bar_closes, parse_stamps
from admf_ray.market.table import SymbolTable

__all__ = ["Reading", "symbol_tables"]


@dataclass(frozen=True)
class Reading:
    """What the user said about the data; see `load_bars`."""

    stamp: StampMeaning | None = None
    zone: str | None = None
    adjusted: bool | None = None
    session_end: str | None = None


def symbol_tables(raw: RawTable, reading: Reading) -> tuple[list[SymbolTable], list[str], str | None]:
    """Split a table into its symbols.

    Parameters
    ----------
    raw : RawTable
        As read from one file.
    reading : Reading
        What the user said about it.

    Returns
    -------
    tables : list of SymbolTable
        In the order of symbols; unchecked but for types.
    notes : list of str
        What was left out or taken for granted.
    zone : str or None
        The zone that the file itself names.

    Raises
    ------
    DataError
        When a column is missing or not numeric, a stamp cannot be read, or something that cannot be
        known was not said.
    """
    frame, where = raw.frame, raw.where
    columns = map_columns(frame.columns, where)
    if len(frame) == 0:
        raise DataError(f"{where}: must hold rows, found none; give a file with rows")
    notes: list[str] = []
    stamps = parse_stamps(_stamp_column(frame, columns), where, reading.zone)
    values = {name: _number(frame[column], column, where) for name, column in columns.values.items()}
    if "volume" in values and np.isnan(values["volume"]).all():
        del values["volume"]
        notes.append(f"{where}: volume is empty and was left out")
    extra: dict[str, NDArray[np.float64]] = {}
    for column in columns.extra:
        if pd.api.types.is_numeric_dtype(frame[column].dtype):
            extra[column] = _number(frame[column], column, where)
        else:
            notes.append(f"{where}: column {column!r} is not numeric and was left out")
    adj_close = (
        None if columns.adj_close is None else _number(frame[columns.adj_close], columns.adj_close, where)
    )
    values, said = adjust(values, adj_close, reading.adjusted, where)
    notes += [said] if said else []
    stamp = reading.stamp or columns.implied
    zone = reading.zone or stamps.zone or "UTC"
    zoned = reading.zone is not None or stamps.zone is not None
    tables = []
    for symbol, rows in _groups(frame, columns.symbol, raw.symbol, where):
        own = Stamps(stamps.ns[rows], stamps.aware, stamps.zone)
        title = where if columns.symbol is None else f"{where} {symbol}"
        tables.append(
            SymbolTable(
                symbol,
                where,
                rows + 1,
                bar_closes(own, stamp, zone, reading.session_end, title, zoned),
                {name: array[rows] for name, array in values.items()},
                {name: array[rows] for name, array in extra.items()},
                zone,
            )
        )
    return tables, notes, stamps.zone


def _stamp_column(frame: pd.DataFrame, columns: ColumnMap) -> pd.Series[Any]:
    stamp = frame[columns.stamp]
    if columns.time is None or pd.api.types.is_datetime64_any_dtype(stamp.dtype):
        return stamp
    time = frame[columns.time]
    if pd.api.types.is_integer_dtype(time.dtype):  # 930 or 93000
        digits = 6 if int(time.max()) > 2400 else 4
        text = time.astype(str).str.zfill(digits)
        time = text.str[:2] + ":" + text.str[2:4] + (":" + text.str[4:6] if digits == 6 else "")
    dates = stamp.astype(str).str.replace(r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3", regex=True)
    return dates.str.replace(r"[./]", "-", regex=True) + " " + time.astype(str)


def _number(column: pd.Series[Any], name: str, where: str) -> NDArray[np.float64]:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    try:
        numbers = pd.to_numeric(column, errors="coerce")
    except OverflowError:
        raise DataError(
            f"{where}: {name} must be numbers below 1e308, found one of more digits; correct it"
        ) from None
    bad = np.flatnonzero((numbers.isna() & column.notna()).to_numpy())
    if bad.size:
        raise DataError(
            f"{where}: {name} must be numbers, found {str(column.iloc[bad[0]])!r} at row {bad[0] + 1} "
            f"({bad.size} such rows); write plain numbers with a decimal point"
        )
    return numbers.to_numpy(dtype=np.float64)


def _groups(
    frame: pd.DataFrame, column: str | None, symbol: str, where: str
) -> list[tuple[str, NDArray[np.int64]]]:
    """Return each symbol and its row indices, in the order of the file."""
    if column is None:
        return [(symbol, np.arange(len(frame), dtype=np.int64))]
    codes, names = pd.factorize(frame[column], sort=False)
    if (codes < 0).any():
        raise DataError(
            f"{where}: every row needs a symbol, found none at row {int(np.argmin(codes)) + 1}; complete them"
        )
    order = np.argsort(codes, kind="stable").astype(np.int64)
    parts = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    return sorted((str(name).strip(), part) for name, part in zip(names, parts, strict=True))
