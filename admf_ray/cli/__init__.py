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

# a command's module is imported when it is used or listed, so that a command does not load the others'
COMMANDS = {
    "run": "admf_ray.cli.run",
    "resume": "admf_ray.cli.run",
    "plan": "admf_ray.cli.plan",
    "backtest": "admf_ray.cli.backtest",
    "check": "admf_ray.cli.check",
    "components": "admf_ray.cli.components",
    "report": "admf_ray.cli.report",
    "verify": "admf_ray.cli.verify",
    "signal": "admf_ray.cli.signal",
    "data": "admf_ray.cli.data",
    "schema": "admf_ray.cli.schema",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[name]), name)
        return command


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
        code = cli.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message(), error)
    except ADMFError as error:
        _fail(str(error), error)
    except click.Abort:
        sys.exit(130)
    except (MemoryError, OSError) as error:
        _fail(f"{type(error).__name__}: {error}", error)
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
