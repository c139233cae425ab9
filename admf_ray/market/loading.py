"""Market data in: read, understood, checked, aligned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from admf_ray.errors import ConfigError, DataError, closest
from admf_ray.later import pd
from admf_ray.market.alignment import align, check_sessions
from admf_ray.market.bars import Bars
from admf_ray.market.checks import Defect, check_table, raise_errors
from admf_ray.market.clock import check_zone, date_range, instant_before, local_calendar
from admf_ray.market.instruments import Instrument
from admf_ray.market.repair import OnBadRows, check_choice, repair
from admf_ray.market.samples import read_sample
from admf_ray.market.sealing import refuse_sealed
from admf_ray.market.sources import read_sources
from admf_ray.market.stamps import StampMeaning, session_minutes
from admf_ray.market.table import SymbolTable
from admf_ray.market.tables import Reading, symbol_tables

__all__ = ["Inspection", "inspect_source", "load_bars"]

Source: TypeAlias = "str | Path | pd.DataFrame"
Day = str | date | None


@dataclass(frozen=True)
class Inspection:
    """What is in a source, and what is wrong with it.

    Parameters
    ----------
    tables : tuple of SymbolTable
        One per symbol, in order of symbols, rows as read.
    defects : tuple of Defect
        Errors and warnings.
    notes : tuple of str
        What was left out or taken for granted.
    """

    tables: tuple[SymbolTable, ...]
    defects: tuple[Defect, ...]
    notes: tuple[str, ...]


def inspect_source(
    source: Source,
    *,
    stamp: StampMeaning | None = None,
    zone: str | None = None,
    adjusted: bool | None = None,
    symbols: Sequence[str] | str | None = None,
    start: Day = None,
    end: Day = None,
    session_end: str | None = None,
    symbol: str | None = None,
    min_bars: int = 1,
    splits: Literal["error", "warning"] = "warning",
) -> Inspection:
    """Read a source and list its defects, without stopping at them.

    Parameters
    ----------
    source, stamp, zone, adjusted, symbols, start, end, session_end, symbol, min_bars, splits
        As in `load_bars`.

    Raises
    ------
    DataError
        When the source cannot be read or understood at all, or its rows reach into sealed test data.
    ConfigError
        When an option is wrong.
    """
    if stamp not in (None, "open", "close", "date"):
        raise ConfigError(f"stamp: must be open, close or date, found {stamp!r}; choose one")
    if symbols is not None and not symbols:
        raise ConfigError("symbols: must name at least one, found none; leave it out to take all")
    wanted = None if symbols is None else {symbols} if isinstance(symbols, str) else set(symbols)
    reading = Reading(stamp, None if zone is None else check_zone(zone), adjusted, session_end)
    notes: list[str] = []
    if isinstance(source, str) and source.startswith("sample:"):
        sample = read_sample(source.removeprefix("sample:"))
        raws, notes = list(sample.tables), list(sample.notes)
        reading = replace(
            reading,
            stamp=stamp or "date",
            zone=zone or sample.zone,
            session_end=session_end or sample.session_end,
        )
    else:
        raws = list(read_sources(source, symbol))
    tables: dict[str, SymbolTable] = {}
    zones: dict[str | None, str] = {}
    for raw in raws:
        found, said, named = symbol_tables(raw, reading)
        notes += said
        zones.setdefault(named, raw.where)
        for table in found:
            if table.symbol in tables:
                raise DataError(
                    f"{raw.where}: each symbol must stand in one file, found {table.symbol} also in "
                    f"{tables[table.symbol].where}; join the files"
                )
            tables[table.symbol] = table
    if zone is None and len(zones) > 1:
        text = ", ".join(f"{named or 'none'} in {where}" for named, where in zones.items())
        raise DataError(f"{source}: stamps must be of one zone, found {text}; set zone")
    for name in sorted((wanted or set()) - set(tables)):
        raise DataError(
            f"symbols: no symbol {name!r}, found {', '.join(sorted(tables))}{closest(name, tables)}"
            "; choose among them"
        )
    chosen = [tables[name] for name in sorted(tables) if wanted is None or name in wanted]
    chosen = _cut(chosen, start, end)
    refuse_sealed(source, _last_day(chosen))
    defects = [defect for table in chosen for defect in check_table(table, min_bars, splits)]
    return Inspection(tuple(chosen), tuple(defects), tuple(notes))


def load_bars(
    source: Source,
    *,
    stamp: StampMeaning | None = None,
    zone: str | None = None,
    adjusted: bool | None = None,
    on_bad_rows: OnBadRows = "error",
    symbols: Sequence[str] | str | None = None,
    start: Day = None,
    end: Day = None,
    instruments: Mapping[str, Instrument] | Sequence[Instrument] | None = None,
    session_end: str | None = None,
    symbol: str | None = None,
    mixed_sessions: bool = False,
    bars_per_year: float = 0.0,
    min_bars: int = 1,
    splits: Literal["error", "warning"] = "warning",
) -> Bars:
    """Load market data, refusing whatever is unfit or ambiguous.

    Parameters
    ----------
    source : str, Path or pandas.DataFrame
        A Parquet, CSV (also gzipped), Feather or Arrow file, a folder or glob of one file a symbol, a
        `pyarrow.fs` address of a file or folder such as ``s3://BUCKET/FILE``, a frame, or ``sample:NAME``.
        Several symbols in one file need a symbol column.
    stamp : {"open", "close", "date"}, optional
        What a stamp means. Known for daily dates, which close at their session's end; asked for otherwise.
    zone : str, optional
        The exchange's zone. Asked for when stamps have a time of day and no zone.
    adjusted : bool, optional
        Asked for when an adjusted close stands beside a different close; see `adjustment.adjust`.
    on_bad_rows : {"error", "drop", "forward_fill"}
        See `repair.repair`; ``forward_fill`` also fills a symbol's missing bars. Counted in `Bars.counts`.
    symbols : sequence of str or str, optional
        Only these.
    start, end : str or date, optional
        First and last local day, both included; ``"2014"`` is the whole year. Rows outside are not checked.
    instruments : mapping or sequence of Instrument, optional
        Facts about some or all symbols.
    session_end : str, optional
        ``HH:MM`` at which dates close; the zone's usual stock exchange, or 23:59, when left out.
    symbol : str, optional
        Name of the symbol of a source that does not say it; a file's stem otherwise.
    mixed_sessions : bool
        Declares that symbols whose sessions do not end together may stand in one cross-section.
    bars_per_year : float
        Annualisation factor; 0 estimates it from the data.
    min_bars : int
        Fewer bars of a symbol are an error.
    splits : {"error", "warning"}
        How severe a split-like jump is.

    Returns
    -------
    Bars
        With every warning and every repair among its notes.

    Raises
    ------
    DataError
        When the data break a rule, or something must be said that was not; or they reach into sealed test
        data.
    ConfigError
        When an option is wrong.

    Examples
    --------
    >>> load_bars("sample:sp500", start="2014", end="2017")
    Bars(1 symbol SP500, 1007 bars 2014-01-02 to 2017-12-29, 252 a year)
    """
    check_choice(on_bad_rows)
    inspection = inspect_source(
        source,
        stamp=stamp,
        zone=zone,
        adjusted=adjusted,
        symbols=symbols,
        start=start,
        end=end,
        session_end=session_end,
        symbol=symbol,
        min_bars=min_bars,
        splits=splits,
    )
    tables, counts, mended = list(inspection.tables), Counter[str](), list[str]()
    defects = list(inspection.defects)
    if on_bad_rows != "error":
        repaired = [repair(table, on_bad_rows) for table in tables]
        tables = [table for table, _ in repaired]
        for table, count in repaired:
            counts.update(count)
            mended += [
                f"{table.where} {table.symbol}: {k} rows {name.replace('_', '-')}"
                for name, k in count.items()
            ]
        defects = [defect for table in tables for defect in check_table(table, min_bars, splits)]
    raise_errors(defects)
    if not mixed_sessions:
        check_sessions(tables)
    columns, extra, time_ns, tradable, gaps = align(tables, on_bad_rows == "forward_fill")
    notes = [*inspection.notes, *mended, *(str(defect) for defect in defects)]
    if gaps:
        done = "were forward-filled" if on_bad_rows == "forward_fill" else "cannot be traded"
        notes.append(f"{gaps} bars are missing between symbols' first and last bars; they {done}")
        if on_bad_rows == "forward_fill":
            counts["forward_filled"] += gaps
    names = tuple(table.symbol for table in tables)
    return Bars(
        symbols=names,
        time_ns=time_ns,
        volume=columns.pop("volume", None),
        tradable=tradable,
        extra=extra,
        instruments=_instruments(names, instruments),
        zone=tables[0].zone,
        bars_per_year=bars_per_year,
        notes=tuple(notes),
        counts=counts,
        session_end_minute=None if session_end is None else session_minutes(session_end),
        **columns,
    )


def _last_day(tables: list[SymbolTable]) -> date:
    """Return the last local day of any row, whatever the rows' order."""
    days = [local_calendar(np.sort(table.time_ns)[-1:], table.zone)[0] for table in tables]
    return date.fromordinal(719_163 + int(np.concatenate(days).max(initial=-719_162)))


def _cut(tables: list[SymbolTable], start: Day, end: Day) -> list[SymbolTable]:
    """Keep the rows of the days asked for, and the symbols that have some."""
    if start is None and end is None:
        return tables
    kept = []
    for table in tables:
        mask = np.ones(table.n_rows, dtype=np.bool_)
        if start is not None:
            mask &= table.time_ns > instant_before(date_range(start, "start")[0], table.zone)
        if end is not None:
            after = date.fromordinal(date_range(end, "end")[1].toordinal() + 1)
            mask &= table.time_ns <= instant_before(after, table.zone)
        if mask.any():
            kept.append(table.keep(mask))
    if not kept:
        raise DataError(
            f"{tables[0].where}: rows must lie between {start or 'the beginning'} and {end or 'the end'}, "
            "found none; choose dates within the data"
        )
    return kept


def _instruments(
    symbols: tuple[str, ...], given: Mapping[str, Instrument] | Sequence[Instrument] | None
) -> tuple[Instrument, ...]:
    listed = given.values() if isinstance(given, Mapping) else given or ()
    facts = {one.symbol: one for one in listed}
    for name in facts:
        if name not in symbols:
            raise ConfigError(
                f"instruments: no symbol {name!r} in the data, found {', '.join(symbols)}"
                f"{closest(name, symbols)}; correct the name"
            )
    return tuple(facts.get(name, Instrument(name)) for name in symbols)
