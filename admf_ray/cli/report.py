"""``admf-ray report``: a run as one page."""

from __future__ import annotations

from pathlib import Path

import click

from admf_ray.cli.places import ADDRESS, LOCAL
from admf_ray.report import write_report
from admf_ray.results.store import RunStore

__all__ = ["report"]


@click.command()
@click.argument("folder", metavar="RUN", type=ADDRESS)
@click.option(
    "--out",
    type=LOCAL,
    help="File to write; RUN/report.html by default.",
)
def report(folder: str, out: Path | None) -> None:
    """Write the run in folder RUN as one self-contained page: nothing in it is fetched from anywhere."""
    click.echo(f"report: {write_report(RunStore(folder), out)}")
