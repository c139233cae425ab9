"""The command line: ``admf-ray``."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path

import click

from admf_ray import __version__
from admf_ray.errors import ADMFError
from admf_ray.logs import configure

__all__ = ["main"]

# a command's module is imported when it is used, so that a command, or the list of them, does not load the
# others'; each with its first line
COMMANDS = {
    "run": (
        "admf_ray.cli.run",
        "Check PIPELINE.yaml as a whole and run its phases; what is stored already is not run again.",
    ),
    "resume": (
        "admf_ray.cli.run",
        "Go on with the run in folder RUN, with the configuration it was begun with.",
    ),
    "plan": (
        "admf_ray.cli.plan",
        "Say what running PIPELINE.yaml will be: points, windows, tiles, time, memory; runs a small sample.",
    ),
    "backtest": (
        "admf_ray.cli.backtest",
        "Backtest one strategy at one set of parameters, or what validation chose.",
    ),
    "check": (
        "admf_ray.cli.check",
        "Change the future and see whether a strategy notices; a file means every component in it.",
    ),
    "components": (
        "admf_ray.cli.components",
        "List strategies, filters and the rest; with NAME, its parameters, rule and source.",
    ),
    "report": (
        "admf_ray.cli.report",
        "Write the run in folder RUN as one self-contained page: nothing in it is fetched from anywhere.",
    ),
    "verify": (
        "admf_ray.cli.verify",
        "Replay random rows of RUN, or its finalists, event by event and compare bit for bit.",
    ),
    "signal": (
        "admf_ray.cli.signal",
        "Print the position and the orders that CHOICE.yaml's strategy wants after the data's last bar.",
    ),
    "data": ("admf_ray.cli.data", "Look at market data, convert it, write the samples."),
    "schema": ("admf_ray.cli.schema", "Print the JSON Schema of pipeline files."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[name][0]), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Lazy)
@click.version_option(__version__, prog_name="admf-ray")
@click.option("-v", "--verbose", count=True, help="Say more: -v what happens, -vv everything.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, verbose: int, debug: bool) -> None:
    """Mine, analyse and validate trading strategies; every trial isolated, replayable and counted."""
    ctx.obj = {"debug": debug}
    configure(verbose)


def main() -> None:
    """Run the command line; an error is one line and exit code 2."""
    try:
        code = cli.main(prog_name="admf-ray", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        help_of = "admf-ray" if context is None else context.command_path
        _fail(f"{error.format_message().rstrip('.')}; see {help_of} --help", error)
    except ADMFError as error:
        _fail(str(error), error)
    except click.Abort:
        sys.exit(130)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(
            f"{where}the system refuses, {error.strerror or error}; see the path, your rights and the disk",
            error,
        )
    except MemoryError as error:
        _fail(f"memory: must suffice, found too little {error}; take less data, or smaller tiles", error)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        _fail(f"{where}: unexpected {type(error).__name__}: {error}; see it all with admf-ray --debug", error)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, error: BaseException) -> None:
    if "--debug" in sys.argv:
        traceback.print_exception(error)
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)
