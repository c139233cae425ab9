"""``admf-ray components``: what can be named in a configuration."""

from __future__ import annotations

import inspect

import click
from rich.console import Console
from rich.table import Table

from admf_ray.cli.options import strategy_files
from admf_ray.components import (  # noqa: F401
    broker,
    library,
    portfolio,
    risk,
)
from admf_ray.components.registry import find, registered
from admf_ray.space.parameters import Choice

__all__ = ["components"]


@click.command()
@click.argument("name", required=False)
@strategy_files
def components(name: str | None) -> None:
    """List strategies, filters and the rest; with NAME, its parameters, rule and source."""
    console = Console(highlight=False)
    if name is None:
        table = Table(box=None, pad_edge=False, show_header=False)
        for label, cls in sorted(registered().items(), key=lambda item: (item[1].kind, item[0])):
            first = (inspect.getdoc(cls) or "").splitlines()[0]
            table.add_row(cls.kind, label, first)
        console.print(table)
        return
    cls = find(name)
    console.print(f"{cls.label()} ({cls.kind})\n")
    for paragraph in (inspect.getdoc(cls) or "").split("\n\n"):
        text = paragraph.removeprefix("Notes\n-----\n")
        console.print(text if _laid_out(text) else " ".join(text.split()), markup=False)
        console.print()
    table = Table(title="parameters", title_justify="left", box=None, pad_edge=False)
    for head in ("name", "default", "values", "what it is"):
        table.add_column(head, overflow="fold")
    for key, param in cls.parameters.items():
        limits = "|".join(param.options) if isinstance(param, Choice) else _limits(param)
        table.add_row(key, str(param.default), limits, param.help)
    console.print(table)
    for constraint in cls.constraints:
        console.print(f"must satisfy {constraint}", markup=False)


def _laid_out(text: str) -> bool:
    """Whether line ends mean something: a heading, a list, indented lines."""
    return any(line.startswith((" ", "-", "*")) for line in text.splitlines())


def _limits(param: object) -> str:
    low, high = getattr(param, "low", None), getattr(param, "high", None)
    return "" if low is None else f"{low:g} to {high:g}"
