"""``admf-ray run``: a pipeline file."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from admf_ray.config.load import load_pipeline
from admf_ray.config.schema import PipelineConfig
from admf_ray.files import usable_folder
from admf_ray.phases.mining import Mined, mine
from admf_ray.results import rows_table, write_table

__all__ = ["run"]

WAITING = ("neighborhood_testing", "regimes", "execution")
HEADS = {
    "sharpe": "sharpe",
    "annual_return": "return",
    "max_drawdown": "drawdown",
    "trades": "trades",
    "matched_excess_sharpe": "skill",
}
WIDTH = 110  # where nothing tells the width: a pipe or a file


@click.command()
@click.argument("pipeline", type=click.Path(path_type=Path), metavar="PIPELINE.yaml")
@click.option("--set", "overrides", multiple=True, metavar="PATH.TO.KEY=VALUE", help="Override a key.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for results; results/NAME by default.")
@click.option(
    "--top", type=click.IntRange(1), default=10, show_default=True, help="Points in the ranked table."
)
@click.option("--quiet", is_flag=True, help="Print only where the results are.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(
    pipeline: Path, overrides: tuple[str, ...], out: Path | None, top: int, quiet: bool, as_json: bool
) -> None:
    """Check PIPELINE.yaml as a whole and run the phases that this version executes."""
    config = load_pipeline(pipeline, overrides)
    silent = quiet or as_json
    folder = usable_folder(out or Path("results") / config.name)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    if not silent:
        _announce(pipeline, config, console)
    begun = time.perf_counter()
    found = _mined(config, console, silent)
    took = time.perf_counter() - begun
    files = _written(found, folder)
    if as_json:
        click.echo(json.dumps(_plain(found, files, top, took), indent=2))
        return
    if not quiet:
        _show(found, console, top, took)
    for path in files:
        click.echo(f"written: {path}")


def _announce(pipeline: Path, config: PipelineConfig, console: Console) -> None:
    phases = [name for name in ("phase_2_analysis", "phase_3_test") if getattr(config, name) is not None]
    console.print(f"{pipeline}: checked as a whole, no error")
    console.print("this version executes phase_1_mining: the grid over the full span and every window")
    console.print(f"checked only, executed by a later version: {', '.join([*WAITING, *phases])}")


def _mined(config: PipelineConfig, console: Console, silent: bool) -> Mined:
    columns = (
        TextColumn("sweeping"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("points"),
        TimeRemainingColumn(),
    )
    hidden = silent or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("sweep", total=None)
        return mine(config, lambda done, total: bar.update(task, completed=done, total=total))


def _written(found: Mined, folder: Path) -> list[Path]:
    points, windows = folder / "points.parquet", folder / "windows.parquet"
    write_table(found.table(), points)
    write_table(rows_table(found.walk_forward()), windows)
    return [points, windows]


def _show(found: Mined, console: Console, top: int, took: float) -> None:
    bars, span = found.bars, found.windows[0]
    days = bars.time_ns.astype("datetime64[ns]").astype("datetime64[D]")
    for note in bars.notes:
        console.print(f"note: {note}", style="dim", soft_wrap=True)
    runs = found.n_points * len(found.windows)
    console.print(
        f"{', '.join(bars.symbols)}: {span.n_bars:,} bars, {days[span.start]} to {days[span.stop - 1]}, "
        f"{bars.bars_per_year:g} a year\n{found.n_points:,} points x {len(found.windows)} windows = "
        f"{runs:,} backtests in {took:.1f} s, compilation included"
    )
    console.print(f"\nbest by {found.objective} over the whole training span (in sample: not yet evidence)")
    table = _table("", "point", *(f">{head}" for head in HEADS.values()))
    for row in found.ranked(top, tuple(HEADS)):
        table.add_row(str(row["rank"]), _point(row), *(_text(name, row[name]) for name in HEADS))
    console.print(table)
    console.print("skill: sharpe of the return beyond mean exposure x buy and hold", style="dim")
    _show_windows(found, console)


def _show_windows(found: Mined, console: Console) -> None:
    rows = found.walk_forward()
    if not rows:
        return
    console.print(
        f"\nwalk-forward: chosen by {found.objective} in each training window, tested on what follows"
    )
    table = _table("tested", "chosen", ">in sample", ">out of sample")
    for row in rows:
        tested = f"{row['test_start']} to {row['test_end']}"
        traded = math.isfinite(row["out_of_sample"])
        outside = _text(found.objective, row["out_of_sample"]) if traded else "no trades"
        table.add_row(tested, _point(row), _text(found.objective, row["in_sample"]), outside)
    console.print(table)
    known = [row for row in rows if math.isfinite(row["out_of_sample"])]
    if known:
        inside = sum(row["in_sample"] for row in known) / len(known)
        outside = sum(row["out_of_sample"] for row in known) / len(known)
        good = sum(row["out_of_sample"] > 0 for row in known)
        console.print(
            f"mean {found.objective} where it traded: {inside:.2f} in sample, {outside:.2f} out of sample; "
            f"{good} of {len(known)} test windows above zero"
        )


def _table(*heads: str) -> Table:
    """Return a table without frame; heads that begin with ``>`` stand right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        right = head.startswith(">")
        table.add_column(head.lstrip(">"), justify="right" if right else "left", overflow="fold")
    return table


def _point(row: Mapping[str, Any]) -> str:
    parameters = ", ".join(f"{name}={value}" for name, value in row["parameters"].items())
    return f"{row['strategy']}({parameters})"


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
        "best": clean(found.ranked(top, tuple(HEADS))),
        "walk_forward": clean(found.walk_forward()),
        "files": [str(path) for path in files],
    }


def _text(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    if name in ("annual_return", "volatility", "max_drawdown", "total_return"):
        return f"{value:.1%}"
    return f"{value:,.0f}" if name == "trades" else f"{value:.2f}"
