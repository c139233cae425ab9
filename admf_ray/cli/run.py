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

from admf_ray.cli.mined import HEADS, orders, show
from admf_ray.config.load import load_pipeline
from admf_ray.config.schema import PipelineConfig
from admf_ray.files import usable_folder
from admf_ray.phases.mined import Mined
from admf_ray.phases.mining import mine
from admf_ray.phases.walk import Walked, walk
from admf_ray.results import rows_table, write_table

__all__ = ["run"]

WAITING = ("regimes", "execution")
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
    walked = walk(found)
    took = time.perf_counter() - begun
    files = _written(found, folder)
    if as_json:
        click.echo(json.dumps(_plain(found, walked, files, top, took), indent=2))
        return
    if not quiet:
        show(found, walked, console, top, took)
    for path in files:
        click.echo(f"written: {path}")


def _announce(pipeline: Path, config: PipelineConfig, console: Console) -> None:
    phases = [name for name in ("phase_2_analysis", "phase_3_test") if getattr(config, name) is not None]
    console.print(f"{pipeline}: checked as a whole, no error")
    console.print(
        "this version executes phase_1_mining: the grid and its neighbours over the full span and "
        "every window"
    )
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


def _plain(found: Mined, walked: Walked | None, files: list[Path], top: int, took: float) -> dict[str, Any]:
    best = {
        f"best_by_{by}": [_clean(row) for row in found.ranked(top, tuple(HEADS), by)] for by in orders(found)
    }
    return {
        "points": found.n_points,
        "off_grid": found.n_off_grid,
        "windows": len(found.windows),
        "seconds": round(took, 3),
        "objective": found.objective,
        "select_by": found.select_by,
        "remarks": list(found.remarks),
        **best,
        "walk_forward": [_clean(row) for row in found.walk_forward()],
        "summary": None if walked is None else _clean(walked.summary()),
        "files": [str(path) for path in files],
    }


def _clean(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: (None if isinstance(v, float) and not math.isfinite(v) else v) for k, v in row.items()}
