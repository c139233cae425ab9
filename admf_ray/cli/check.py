"""``admf-ray check``: does a strategy look ahead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from admf_ray.cli.options import data_options, filter_option, parse_settings, settings_option, strategy_files
from admf_ray.cli.places import ADDRESS
from admf_ray.components.base import Component, Filter, Strategy
from admf_ray.components.user_files import import_components
from admf_ray.engine.assembly import plain_handlers
from admf_ray.engine.causality import Report, probe
from admf_ray.engine.probes.findings import day_of
from admf_ray.engine.stack import Stack
from admf_ray.errors import ConfigError
from admf_ray.market import Bars, Window, load_bars
from admf_ray.phases.backtest import make_stack

__all__ = ["check"]


@click.command()
@click.argument("strategy", metavar="STRATEGY|FILE.py", type=ADDRESS)
@settings_option
@filter_option
@strategy_files
@data_options(default="sample:nasdaq")
@click.option(
    "--bars", "n_bars", type=click.IntRange(2), default=1_500, show_default=True, help="Last bars traded."
)
@click.pass_context
def check(
    context: click.Context,
    strategy: str,
    settings: tuple[str, ...],
    filters: tuple[str, ...],
    load: dict[str, Any],
    n_bars: int,
) -> None:
    """Change the future and see whether a strategy notices; a file means every component in it.

    Exits with 1 when it does, when its warm-up is too short or when it is not repeatable.
    """
    stacks = _stacks(strategy, filters)
    parameters = parse_settings(settings)
    if parameters and len(stacks) > 1:
        raise ConfigError(
            f"--set: belongs to one component, found {len(stacks)} in {strategy}; name one of them"
        )
    source = load.pop("data")
    bars = load_bars(source, **load)
    window = Window("full", max(bars.n_bars - n_bars, 0), bars.n_bars)
    failed = False
    for name, stack in stacks:
        row = stack.vector(parameters)
        factory = None if stack.strategy.is_compiled() else plain_handlers(stack, row)
        report = probe(bars, stack, row, window, handler_factory=factory)
        failed |= not report.passed
        for line in _lines(name, report, bars, window):
            click.echo(line)
    if failed:
        context.exit(1)


def _stacks(word: str, filters: tuple[str, ...]) -> list[tuple[str, Stack]]:
    if not word.partition("?")[0].endswith(".py"):  # an address may say more
        return [(word, make_stack(word, filters))]
    found: list[tuple[str, Stack]] = []
    for cls in import_components(word):
        stack = _stack_of(cls, filters)
        if stack is not None:
            found.append((cls.label(), stack))
    if not found:
        raise ConfigError(f"{word}: must define a strategy or a filter to probe, found neither; write one")
    return found


def _stack_of(cls: type[Component], filters: tuple[str, ...]) -> Stack | None:
    """Return the stack in which a component is probed: a filter meets a strategy that changes often."""
    if issubclass(cls, Strategy):
        return make_stack(cls, filters)
    if issubclass(cls, Filter):
        return make_stack("ma_crossover", (*filters, cls))
    own: dict[str, Callable[[type[Component]], Stack]] = {
        "risk_manager": lambda c: Stack(make_stack("ma_crossover").strategy, risk=c),
        "broker": lambda c: Stack(make_stack("ma_crossover").strategy, broker=c),
        "portfolio": lambda c: Stack(make_stack("ma_crossover").strategy, portfolio=c),
    }
    return own[cls.kind](cls) if cls.kind in own else None


def _lines(name: str, report: Report, bars: Bars, window: Window) -> list[str]:
    first, last = day_of(bars, window.start), day_of(bars, window.stop - 1)
    lines = [
        f"{name} on {', '.join(bars.symbols[:5])}, {first} to {last}, {report.n_bars} bars: "
        f"{report.n_values} prepared values, "
        f"the future changed twice after each of {report.n_boundaries} bars; "
        f"{report.n_decisions} decisions, {report.n_fills} fills, each price shown only when due"
    ]
    if not report.n_decisions:
        lines.append(
            "note: no order was sent, so no decision could be compared; choose other data or parameters"
        )
    settled = (
        ""
        if report.settled_bars is None
        else f", decisions settle with {report.settled_bars} bars of history"
    )
    ready = min(report.ready_bar, bars.n_bars - 1)
    lines.append(f"first decision possible at bar {ready} ({day_of(bars, ready)}){settled}")
    lines += [f"FOUND {finding}" for finding in report.findings]
    return [*lines, f"{name}: PASS" if report.passed else f"{name}: {len(report.findings)} found"]
