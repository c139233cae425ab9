"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from admf_ray.cli.places import ADDRESS
from admf_ray.components.user_files import import_components
from admf_ray.errors import ConfigError

__all__ = [
    "data_options",
    "filter_option",
    "parse_settings",
    "reading_options",
    "refuse_beside_choice",
    "settings_option",
    "strategy_files",
]

Command = Callable[..., Any]


def parse_settings(settings: Sequence[str], given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return ``name=value`` words as a mapping; numbers become numbers.

    Parameters
    ----------
    settings : sequence of str
    given : mapping, optional
        What options of their own have set; None stands for nothing.

    Raises
    ------
    ConfigError
        No ``=``, or a name twice.
    """
    found = {name: value for name, value in (given or {}).items() if value is not None}
    for word in settings:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set {word}: must be name=value, found no value; write --set fast=5")
        if name in found:
            raise ConfigError(f"--set {name}: given twice, found {found[name]} and {text}; give it once")
        found[name] = _number(text)
    return found


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def refuse_beside_choice(choice: str | Path, *names: str) -> None:
    """Refuse options that were given beside a choice, which says itself what they would say.

    Parameters
    ----------
    choice : str or Path
    *names : str
        Of the command's parameters.

    Raises
    ------
    ConfigError
        One was given.
    """
    context = click.get_current_context()
    given = [
        one.opts[0]
        for one in context.command.params
        if one.name in names and context.get_parameter_source(one.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise ConfigError(f"{choice}: must be run as it was chosen, found {', '.join(given)}; leave it out")


def settings_option(command: Command) -> Command:
    """Add ``--set``."""
    return click.option(
        "--set", "settings", multiple=True, metavar="NAME=VALUE",
        help="A parameter: fast=5, risk.stop_loss_frac=0.05, broker.commission_per_order=1.",
    )(command)  # fmt: skip


def filter_option(command: Command) -> Command:
    """Add ``--filter``."""
    return click.option("--filter", "filters", multiple=True, help="A registered filter; may be repeated.")(
        command
    )


def strategy_files(command: Command) -> Command:
    """Add ``--strategies``: files of the user's own, imported before the command runs."""

    @click.option(
        "--strategies",
        multiple=True,
        type=ADDRESS,
        metavar="FILE.py",
        help="Your own strategies; may be repeated.",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, strategies: tuple[str, ...], **kwargs: Any) -> Any:
        for file in strategies:
            import_components(file)
        return command(*args, **kwargs)

    return wrapped


def reading_options(command: Command) -> Command:
    """Add what cannot be known from a file; gives the command one mapping, ``reading``."""

    @click.option("--stamp", type=click.Choice(["open", "close", "date"]), help="What a stamp means.")
    @click.option("--zone", help="Exchange zone, such as America/New_York.")
    @click.option("--session-end", metavar="HH:MM", help="When the exchange's session ends, such as 16:00.")
    @click.option("--adjusted/--raw", default=None, help="Which prices, where an adjusted close is there.")
    @click.option(
        "--on-bad-rows", type=click.Choice(["error", "drop", "forward_fill"]), default="error",
        show_default=True, help="What becomes of rows that break a rule.",
    )  # fmt: skip
    @functools.wraps(command)
    def wrapped(
        *args: Any,
        stamp: str | None,
        zone: str | None,
        session_end: str | None,
        adjusted: bool | None,
        on_bad_rows: str,
        **kwargs: Any,
    ) -> Any:
        reading = {
            "stamp": stamp,
            "zone": zone,
            "session_end": session_end,
            "adjusted": adjusted,
            "on_bad_rows": on_bad_rows,
        }
        return command(*args, reading=reading, **kwargs)

    return wrapped


def data_options(command: Command | None = None, *, default: str | None = None) -> Command:
    """Add ``--data`` and what cannot be known from a file; gives the command one mapping, ``load``."""
    if command is None:
        return functools.partial(data_options, default=default)

    # a default of None would count as given
    given: dict[str, Any] = (
        {"required": True} if default is None else {"default": default, "show_default": True}
    )

    @click.option("--data", type=ADDRESS, help="File, folder, glob, address, or sample:sp500.", **given)
    @click.option("--symbol", "symbols", multiple=True, help="Only these symbols; may be repeated.")
    @reading_options
    @functools.wraps(command)
    def wrapped(
        *args: Any, data: str, symbols: tuple[str, ...], reading: dict[str, Any], **kwargs: Any
    ) -> Any:
        load = {"data": data, **reading}
        if symbols:
            load["symbols"] = list(symbols)
        return command(*args, load=load, **kwargs)

    return wrapped
