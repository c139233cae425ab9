"""``admf-ray run``: a pipeline file."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import click
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from admf_ray.config.load import load_pipeline
from admf_ray.phases.mining import Mined, mine
from admf_ray.results import write_table

__all__ = ["run"]

SHOWN = ("annual_return", "volatility", "sharpe", "max_drawdown", "trades", "matched_excess_sharpe")


@click.command()
@click.argument("pipeline", type=click.Path(path_type=Path), metavar="PIPELINE.yaml")
@click.option("--set", "overrides", multiple=True, metavar="PATH.TO.KEY=VALUE", help="Override a key.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for results; results/NAME by default.")
@click.option("--top", default=10, show_default=True, help="Points in the ranked table.")
@click.option("--quiet", is_flag=True, help="Print only where the results are.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(
    pipeline: Path, overrides: tuple[str, ...], out: Path | None, top: int, quiet: bool, as_json: bool
) -> None:
    """Check PIPELINE.yaml as a whole and run the phases that this version executes."""
    config = load_pipeline(pipeline, overrides)
    silent = quiet or as_json
    console = Console(highlight=False)
    if not silent:
        waiting = [n for n in ("phase_2_analysis", "phase_3_test") if getattr(config, n) is not None]
        console.print(f"{pipeline}: checked, no error")
        console.print(
            "this version executes phase_1_mining (without neighborhood testing)"
            + (f"; checked and left for a later version: {', '.join(waiting)}" if waiting else "")
        )
    begun = time.perf_counter()
    found = _mined(config, console, silent)
    took = time.perf_counter() - begun
    folder = out or Path("results") / config.name
    files = _written(found, folder, config)
    if as_json:
        click.echo(json.dumps(_plain(found, files, top, took), indent=2))
        return
    if not quiet:
        _show(found, console, top, took)
    for path in files:
        click.echo(f"written: {path}")


def _mined(config: Any, console: Console, silent: bool) -> Mined:
    columns = (
        TextColumn("sweeping"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("points"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=silent or not console.is_terminal
    ) as bar:
        task = bar.add_task("sweep", total=None)
        return mine(config, lambda done, total: bar.update(task, completed=done, total=total))


def _written(found: Mined, folder: Path, config: Any) -> list[Path]:
    points = folder / "points.parquet"
    write_table(pd.concat(found.table(), ignore_index=True), points)
    windows = folder / "windows.parquet"
    write_table(pd.DataFrame(_windows(found)), windows)
    return [points, windows]


def _windows(found: Mined) -> list[dict[str, Any]]:
    """Return what the objective chose in each training window, and how that did in the test window."""
    rows = []
    names = [window.name for window in found.windows]
    days = found.bars.time_ns.astype("datetime64[ns]").astype("datetime64[D]")
    m = found.metrics.index(found.objective)
    for fold in found.folds:
        score, k, i = found.scores(fold.train.name)[0]
        one = found.searched[k]
        rows.append(
            {
                "window": fold.index,
                "train_start": str(days[fold.train.start]),
                "test_start": str(days[fold.test.start]),
                "test_end": str(days[fold.test.stop - 1]),
                "strategy": one.stack.strategy.label(),
                "parameters": _parameters(one.parameters(i)),
                "in_sample": float(one.values[i, names.index(fold.train.name), m]),
                "out_of_sample": float(one.values[i, names.index(fold.test.name), m]),
                "score": score,
            }
        )
    return rows


def _parameters(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _ranked(found: Mined, top: int) -> list[dict[str, Any]]:
    rows = []
    for rank, (score, k, i) in enumerate(found.scores("full")[:top], 1):
        one = found.searched[k]
        row: dict[str, Any] = {
            "rank": rank,
            "strategy": one.stack.strategy.label(),
            "parameters": one.parameters(i),
            "score": score,
        }
        row.update({name: float(one.values[i, 0, found.metrics.index(name)]) for name in SHOWN})
        rows.append(row)
    return rows


def _show(found: Mined, console: Console, top: int, took: float) -> None:
    bars, span = found.bars, found.windows[0]
    days = bars.time_ns.astype("datetime64[ns]").astype("datetime64[D]")
    for note in bars.notes:
        console.print(f"note: {note}", style="dim")
    runs = found.n_points * len(found.windows)
    console.print(
        f"{', '.join(bars.symbols)}: {span.n_bars} bars, {days[span.start]} to {days[span.stop - 1]}, "
        f"{bars.bars_per_year:g} a year; {found.n_points:,} points x {len(found.windows)} windows = "
        f"{runs:,} backtests in {took:.1f} s, compilation included"
    )
    table = Table(
        title=f"best by {found.objective} over the whole training span (in sample: not yet evidence)"
    )
    for name, justify in (("", "right"), ("strategy", "left"), ("parameters", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for name in SHOWN:
        table.add_column(name.replace("_", " "), justify="right")
    for row in _ranked(found, top):
        cells = [_text(name, row[name]) for name in SHOWN]
        table.add_row(str(row["rank"]), row["strategy"], _parameters(row["parameters"]), *cells)
    console.print(table)
    rows = _windows(found)
    if not rows:
        return
    table = Table(title=f"walk-forward: chosen by {found.objective} in training, then tested on what follows")
    for name in ("train from", "test from", "to", "strategy", "parameters"):
        table.add_column(name)
    table.add_column("in sample", justify="right")
    table.add_column("out of sample", justify="right")
    for row in rows:
        table.add_row(
            row["train_start"], row["test_start"], row["test_end"], row["strategy"], row["parameters"],
            _text(found.objective, row["in_sample"]), _text(found.objective, row["out_of_sample"]),
        )  # fmt: skip
    console.print(table)
    known = [row for row in rows if math.isfinite(row["out_of_sample"])]
    if known:
        inside = sum(row["in_sample"] for row in known) / len(known)
        outside = sum(row["out_of_sample"] for row in known) / len(known)
        good = sum(row["out_of_sample"] > 0 for row in known)
        console.print(
            f"mean {found.objective}: {inside:.2f} in sample, {outside:.2f} out of sample; "
            f"{good} of {len(known)} test windows above zero"
        )


def _plain(found: Mined, files: list[Path], top: int, took: float) -> dict[str, Any]:
    def clean(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {k: (None if isinstance(v, float) and not math.isfinite(v) else v) for k, v in row.items()}
            for row in rows
        ]

    return {
        "points": found.n_points,
        "windows": len(found.windows),
        "seconds": round(took, 3),
        "best": clean(_ranked(found, top)),
        "walk_forward": clean(_windows(found)),
        "files": [str(path) for path in files],
    }


def _text(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    if name in ("annual_return", "volatility", "max_drawdown", "total_return"):
        return f"{value:.1%}"
    return f"{value:,.0f}" if name == "trades" else f"{value:.2f}"
