"""``admf-ray verify``: stored results come out again, bit for bit."""

from __future__ import annotations

import sys

import click

from admf_ray.cli.places import ADDRESS
from admf_ray.phases.opened import open_run
from admf_ray.phases.verify import verify_rows

__all__ = ["verify"]


@click.command()
@click.argument("folder", metavar="RUN", type=ADDRESS)
@click.option("--rows", type=click.IntRange(1), default=20, show_default=True, help="Random rows to replay.")
@click.option("--finalists", is_flag=True, help="Phase 3's finalists instead, on their test data.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the rows drawn.")
def verify(folder: str, rows: int, finalists: bool, seed: int) -> None:
    """Replay random rows of RUN, or its finalists, event by event and compare bit for bit."""
    run = open_run(folder)
    if finalists:
        from admf_ray.phases.validation.repeated import repeat_finalists

        found = repeat_finalists(run)
    else:
        found = verify_rows(run, rows, seed)
    bad = [one for one in found if one.differs]
    for one in bad:
        click.echo(f"{one.strategy} {one.point_id or ''} {one.window}: " + "; ".join(one.differs[:4]))
    what = "finalists' windows" if finalists else "rows"
    if bad:
        click.echo(f"FAIL: {len(bad)} of {len(found)} {what} differ")
        sys.exit(1)
    click.echo(f"PASS: {len(found)} {what} replayed, every figure equal to the last bit")
