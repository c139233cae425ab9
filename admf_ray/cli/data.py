"""``admf-ray data``: look at market data, convert it, write the samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from admf_ray.cli.options import reading_options
from admf_ray.cli.places import ADDRESS, LOCAL
from admf_ray.errors import DataError
from admf_ray.later import pd
from admf_ray.market import Inspection, inspect_source, load_bars, write_parquet, write_samples
from admf_ray.market.checks import check_table
from admf_ray.market.clock import DAY_NS, MINUTE_NS, bars_per_year, local_calendar
from admf_ray.market.repair import OnBadRows, repair

__all__ = ["data"]


@click.group()
def data() -> None:
    """Look at market data, convert it, write the samples."""


@data.command()
@click.argument("folder", metavar="DIR", type=LOCAL)
def sample(folder: Path) -> None:
    """Write real train and test data (EURUSD, ECB reference rates) into DIR."""
    for path in write_samples(folder):
        bars = load_bars(path)
        click.echo(f"{path}: {bars}")


@data.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=ADDRESS)
@reading_options
@click.pass_context
def check(context: click.Context, files: tuple[str, ...], reading: dict[str, Any]) -> None:
    """Print what is in each FILE (file, folder, glob or sample:NAME) and every defect.

    Exits with 2 when a defect would stop loading.
    """
    console = Console()
    failed = False
    on_bad_rows: OnBadRows = reading.pop("on_bad_rows")
    for file in files:
        try:
            inspection = inspect_source(file, **reading)
        except DataError as error:
            if len(files) == 1:
                raise
            console.print(Text(f"error: {error}"), soft_wrap=True)  # the others are looked at all the same
            failed = True
            continue
        console.print(_summary(file, inspection))
        console.print(Text(_facts(inspection)), soft_wrap=True)
        for note in inspection.notes:
            console.print(Text(f"note: {note}"), soft_wrap=True)
        defects = inspection.defects
        if on_bad_rows != "error":
            repaired = [repair(table, on_bad_rows) for table in inspection.tables]
            for table, counts in repaired:
                for name, count in counts.items():
                    line = f"note: {table.where} {table.symbol}: {count} rows {name.replace('_', '-')}"
                    console.print(Text(line), soft_wrap=True)
            defects = tuple(one for table, _ in repaired for one in check_table(table))
        for defect in defects:
            console.print(Text(f"{defect.severity}: {defect}"), soft_wrap=True)
            failed |= defect.severity == "error"
        if not defects:
            console.print("no defects")
    if failed:
        context.exit(2)


@data.command()
@click.argument("source", metavar="SRC", type=ADDRESS)
@click.argument("target", metavar="DST", type=LOCAL)
@reading_options
def convert(source: str, target: Path, reading: dict[str, Any]) -> None:
    """Write SRC (file, folder, glob or sample:NAME) as one Parquet file DST that loads without options."""
    bars = load_bars(source, **reading)
    path = write_parquet(bars, target)
    for note in bars.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{path}: {bars}")


def _summary(file: str, inspection: Inspection) -> Table:
    shown = Table(title=file, title_justify="left", box=None, pad_edge=False, header_style="bold")
    stamps = np.unique(np.concatenate([table.time_ns for table in inspection.tables]))
    for name in ("symbol", "rows", "missing", "first", "last", "frequency", "a year"):
        right = name in ("rows", "missing", "a year")
        shown.add_column(name, justify="right" if right else "left", no_wrap=name != "symbol")
    for table in inspection.tables:
        day, _ = local_calendar(table.time_ns, table.zone)
        order = np.sort(table.time_ns)
        within = np.searchsorted(stamps, order[-1], "right") - np.searchsorted(stamps, order[0])
        first, last = (
            pd.Timestamp(int(order[k]), unit="ns", tz="UTC").tz_convert(table.zone).strftime("%Y-%m-%d %H:%M")
            for k in (0, -1)
        )
        shown.add_row(
            table.symbol,
            str(table.n_rows),
            str(within - np.unique(order).size),
            first,
            last,
            _frequency(order),
            f"{bars_per_year(day):g}",
        )
    return shown


def _facts(inspection: Inspection) -> str:
    """Return the line under the table: what holds of all symbols."""
    columns = dict.fromkeys(name for one in inspection.tables for name in [*one.columns, *one.extra])
    zones = dict.fromkeys(one.zone for one in inspection.tables)
    said = any("adjusted" in note for note in inspection.notes)
    prices = "see notes" if said else "as they stand, no other adjusted close is there"
    return f"columns: {' '.join(columns)}; closes in {', '.join(zones)} time; prices: {prices}"


def _frequency(ordered_ns: np.ndarray[Any, np.dtype[np.int64]]) -> str:
    gaps = np.diff(ordered_ns)
    if gaps.size == 0:
        return "one row"
    gap = float(np.median(gaps))
    if gap >= 0.8 * DAY_NS:
        days = round(gap / DAY_NS)
        return {1: "daily", 7: "weekly"}.get(days, f"{days} days")
    return f"{gap / MINUTE_NS:g} min"
