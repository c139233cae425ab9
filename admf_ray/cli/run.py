"""``admf-ray run`` and ``resume``: a pipeline file, or a run that stands half done."""

from __future__ import annotations

import functools
import json
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NoReturn, get_args

import click
from rich.console import Console

from admf_ray.cli.analysed import plain_analysis, show_analysis
from admf_ray.cli.backtest import plain_backtest, show_backtest
from admf_ray.cli.mined import HEADS, orders, show
from admf_ray.cli.options import refuse_beside_choice
from admf_ray.cli.places import ADDRESS
from admf_ray.cli.progress import Shown
from admf_ray.cli.verdict import show_verdict
from admf_ray.cluster.session import refuse_address
from admf_ray.config.load import load_pipeline
from admf_ray.config.schema import PipelineConfig
from admf_ray.errors import ConfigError
from admf_ray.phases.opened import open_run
from admf_ray.phases.pipeline import Phase, Pipeline, PipelineResult
from admf_ray.phases.signal import rerun_choice
from admf_ray.phases.validation.choice import is_choice
from admf_ray.phases.written import finite
from admf_ray.report import write_report
from admf_ray.results.store import MANIFEST, RunStore

__all__ = ["resume", "run"]

WIDTH = 110  # where nothing tells the width: a pipe or a file
INTERRUPTED = 130


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what `run` and `resume` share; gives the command one mapping, ``how``."""

    @click.option("--address", metavar="HOST:PORT", help="Ray cluster to join; RAY_ADDRESS, or this machine.")
    @click.option("--workers", type=click.IntRange(1), help="At most so many workers.")
    @click.option(
        "--top", type=click.IntRange(1), default=10, show_default=True, help="Points in each table."
    )
    @click.option(
        "--phase", type=click.Choice(get_args(Phase)), help="One phase alone; all that are configured."
    )
    @click.option("--again", is_flag=True, help="Look at test data again; the verdict corrects for it.")
    @click.option("--quiet", is_flag=True, help="Print only where the results are; not with --json.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object; not with --quiet.")
    @functools.wraps(command)
    def wrapped(
        *args: Any,
        address: str | None,
        workers: int | None,
        top: int,
        phase: Phase | None,
        again: bool,
        quiet: bool,
        as_json: bool,
        **kwargs: Any,
    ) -> Any:
        if quiet and as_json:
            raise ConfigError(
                "--quiet, --json: must not both be given, found both; --json prints nothing else"
            )
        how = {
            "address": address, "workers": workers, "top": top, "phase": phase, "again": again,
            "quiet": quiet, "as_json": as_json,
        }  # fmt: skip
        return command(*args, how=how, **kwargs)

    return wrapped


@click.command()
@click.argument("pipeline", type=ADDRESS, metavar="PIPELINE.yaml")
@click.option("--set", "overrides", multiple=True, metavar="PATH.TO.KEY=VALUE", help="Override a key.")
@click.option("--out", type=ADDRESS, help="Folder or storage address of the run; results/NAME by default.")
@click.option("--fork", is_flag=True, help="Where a run of other code, data or keys is: begin one beside it.")
@run_options
def run(pipeline: str, overrides: tuple[str, ...], out: str | None, fork: bool, how: dict[str, Any]) -> None:
    """Check PIPELINE.yaml as a whole and run its phases; what is stored already is not run again."""
    if is_choice(pipeline):
        refuse_beside_choice(
            pipeline, "overrides", "out", "fork", "address", "workers", "top", "phase", "again"
        )
        _run_choice(pipeline, how["quiet"], how["as_json"])
        return
    if Path(pipeline).is_dir():
        raise ConfigError(
            f"{pipeline}: must be a pipeline file or a choice, found a folder; go on with a run that is "
            f"there with: admf-ray resume {pipeline}"
        )
    config = load_pipeline(pipeline, overrides)
    place = out or str(Path("results") / config.name)
    RunStore(place).usable()
    _carry_out(config, place, fork, f"{pipeline}: checked as a whole, no error", **how)


def _run_choice(path: str, quiet: bool, as_json: bool) -> None:
    """Run a choice over its own test period again and say whether its figures come out."""
    found, differs = rerun_choice(path)
    if as_json:
        click.echo(json.dumps({**plain_backtest(found, []), "differs": differs}, indent=2))
    else:
        if not quiet:
            show_backtest(found)
        for name, (then, now) in differs.items():
            click.echo(f"{name}: {then!r} when it was chosen, {now!r} now")
        said = "FAIL: other figures than" if differs else "PASS: to the bit the figures, trades and events of"
        click.echo(f"{said} when it was chosen")
    if differs:
        sys.exit(1)


@click.command()
@click.argument("folder", metavar="RUN", type=ADDRESS)
@run_options
def resume(folder: str, how: dict[str, Any]) -> None:
    """Go on with the run in folder RUN, with the configuration it was begun with."""
    opened = open_run(folder)
    _carry_out(opened.config, folder, False, f"{folder}: {opened.config.name}", **how)


def _carry_out(
    config: PipelineConfig,
    place: str,
    fork: bool,
    said: str,
    *,
    address: str | None,
    workers: int | None,
    top: int,
    phase: Phase | None,
    again: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    if address is not None:
        refuse_address(address)  # before a run is begun
    silent = quiet or as_json
    if not silent:
        console.print(said)
    begun = time.perf_counter()
    # Ray prints a lost node to standard output, whatever it is told
    with Shown(console, silent) as shown, redirect_stdout(sys.stderr if silent else sys.stdout):
        pipeline = Pipeline(
            config, out=place, fork=fork, address=address, workers=workers,
            on_progress=None if silent else shown.progress, on_session=shown.session, on_phase=shown.phase,
        )  # fmt: skip
        try:
            result = pipeline.run(phase, again)
        except KeyboardInterrupt:
            _stopped(pipeline.store.uri)
    took = time.perf_counter() - begun
    if result.interrupted:
        _stopped(result.store.uri)
    page = write_report(result.store)
    if as_json:
        click.echo(json.dumps(finite({**_plain(result, top, took), "report": page}), indent=2))
        return
    if not quiet:
        _show(result, console, top, took, phase)
    click.echo(f"results: {result.store.uri}\nreport: {page}")


def _stopped(place: str) -> NoReturn:
    if RunStore(place).exists(MANIFEST):
        said = f"what is done is kept; go on with: admf-ray resume {shlex.quote(place)}"
    else:
        said = "nothing was begun; run the same command again"
    click.echo(f"stopped: {said}", err=True)
    sys.exit(INTERRUPTED)


def _show(result: PipelineResult, console: Console, top: int, took: float, phase: Phase | None) -> None:
    if phase in (None, "mining"):
        show(result, console, top, took)
    if result.analysed is not None:
        show_analysis(result.analysed, console, result.mined.bars.bars_per_year)
    if result.verdict is not None:
        show_verdict(result.verdict, console)


def _plain(result: PipelineResult, top: int, took: float) -> dict[str, Any]:
    found, walked = result.mined, result.walked
    tally = None if result.ran is None else result.ran.tally
    return {
        "run": result.store.uri,
        "points": found.n_points,
        "off_grid": found.n_off_grid,
        "windows": len(found.windows),
        "computed": 0 if tally is None else tally.points,
        "failed": 0 if tally is None else tally.failed,
        "seconds": round(took, 3),
        "objective": found.objective,
        "select_by": found.select_by,
        "remarks": list(found.remarks),
        **{f"best_by_{by}": found.ranked(top, tuple(HEADS), by) for by in orders(found)},
        "walk_forward": found.walk_forward,
        "summary": None if walked is None else walked.summary(),
        "analysis": None
        if result.analysed is None
        else plain_analysis(result.analysed, found.bars.bars_per_year),
        "verdict": None if result.verdict is None else result.verdict.plain(),
    }
