"""``admf-ray plan``: what a run will be, before it is run."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from admf_ray.cli.places import ADDRESS
from admf_ray.config.load import load_pipeline
from admf_ray.phases import planning
from admf_ray.phases.written import finite

__all__ = ["plan"]


@click.command("plan")
@click.argument("pipeline", type=ADDRESS, metavar="PIPELINE.yaml")
@click.option("--set", "overrides", multiple=True, metavar="PATH.TO.KEY=VALUE", help="Override a key.")
@click.option("--workers", type=click.IntRange(1), help="Plan for so many; this machine's cores by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def plan(pipeline: str, overrides: tuple[str, ...], workers: int | None, as_json: bool) -> None:
    """Say what running PIPELINE.yaml will be: points, windows, tiles, time, memory; runs a small sample."""
    found = planning.plan(load_pipeline(pipeline, overrides), workers)
    if as_json:
        click.echo(json.dumps(finite(asdict(found)), indent=2))
        return
    _show(found, Console(highlight=False))


def _show(found: planning.Plan, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("strategy")
    for head in ("points", "with neighbours", "tiles", "points a tile", "ms a point"):
        table.add_column(head, justify="right")
    for one in found.strategies:
        ms = f"{one.ms:,.3f}" if math.isfinite(one.ms) else "failed"
        kind = "" if one.compiled else " (plain Python)"
        cells = (f"{one.points:,}", f"{one.rows:,}", f"{one.tiles:,}", f"{one.tile_points:,}", ms)
        table.add_row(one.strategy + kind, *cells)
    console.print(table)
    plural = "s" if found.n_symbols > 1 else ""
    console.print(
        f"points and tiles are upper bounds: constraints leave some out\n"
        f"{found.windows} windows, {found.n_bars:,} bars of {found.n_symbols} symbol{plural}, "
        f"history included: at most {found.backtests:,} backtests, each in a scope of its own",
        soft_wrap=True,
    )
    console.print(
        f"time      {_duration(found.seconds)} on {found.workers} workers, as a sample ran; Ray's start "
        f"and compilation come first\n"
        f"memory    a worker grows by {_size(found.worker_bytes)}, driver by {_size(found.driver_bytes)}, "
        f"shared data {_size(found.shared_bytes)}\n"
        f"results   {_size(found.stored_bytes)}",
        soft_wrap=True,
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3600:,.1f} h"


def _size(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB" if count < 10 * 2**30 else f"{count / 2**30:,.0f} GiB"
