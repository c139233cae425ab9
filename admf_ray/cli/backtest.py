"""``admf-ray backtest``: one strategy at one set of parameters."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.table import Table

from admf_ray.cli.options import (
    data_options,
    filter_option,
    parse_settings,
    refuse_beside_choice,
    settings_option,
    strategy_files,
)
from admf_ray.cli.places import ADDRESS, LOCAL
from admf_ray.engine.event_log import write_events
from admf_ray.errors import ConfigError
from admf_ray.files import usable_folder, written_whole
from admf_ray.phases.backtest import Backtest
from admf_ray.phases.backtest import backtest as run_backtest
from admf_ray.phases.looked import looked_at, roots_of
from admf_ray.phases.signal import backtest_choice
from admf_ray.results import write_table
from admf_ray.results.store import RunStore
from admf_ray.space.parameters import parameters_text

__all__ = ["backtest", "plain_backtest", "show_backtest"]

PERCENT = {
    "total_return", "annual_return", "volatility", "max_drawdown", "exposure", "mean_exposure", "win_rate",
    "alpha", "excess_return", "matched_excess_return", "var_5", "cvar_5",
}  # fmt: skip
WHOLE = {"bars", "max_drawdown_bars", "fills", "trades", "longest_losing_streak"}
HIDDEN = {"halted"}


@click.command()
@click.argument("choice", type=LOCAL, metavar="[CHOICE.yaml]", required=False)
@click.option("--strategy", help="Registered name; see `admf-ray components`.")
@settings_option
@filter_option
@strategy_files
@data_options
@click.option("--start", help="First day traded; bars before it are history.")
@click.option("--end", help="Last day traded.")
@click.option("--cash", type=float, help="Initial cash.")
@click.option("--commission-frac", type=float, help="Commission as a fraction of value.")
@click.option("--slippage-frac", type=float, help="Slippage as a fraction of price.")
@click.option("--sizing", help="fixed_fraction, fixed_size, volatility_target or atr.")
@click.option("--out", type=LOCAL, help="Folder for metrics, trades, equity and events.")
@click.option(
    "--results",
    type=ADDRESS,
    default="results",
    show_default=True,
    metavar="FOLDER",
    help="Results root of your runs: its ledger knows which bars are test data, and is told of this look.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def backtest(
    choice: Path | None,
    strategy: str | None,
    settings: tuple[str, ...],
    filters: tuple[str, ...],
    load: dict[str, Any],
    start: str | None,
    end: str | None,
    cash: float | None,
    commission_frac: float | None,
    slippage_frac: float | None,
    sizing: str | None,
    out: Path | None,
    results: str,
    as_json: bool,
) -> None:
    """Backtest one strategy at one set of parameters, or what validation chose."""
    if (choice is None) == (strategy is None):
        raise ConfigError("backtest: must have --strategy or a choice's file, found both or none; give one")
    shortcuts = {
        "portfolio.initial_cash": cash,
        "broker.commission_frac": commission_frac,
        "broker.slippage_frac": slippage_frac,
        "risk.sizing": sizing,
    }
    if out is not None:
        usable_folder(out)
    source = click.get_current_context().get_parameter_source("results")
    if source is ParameterSource.COMMANDLINE and not RunStore(results).exists():
        raise ConfigError(
            f"--results {results}: must be the folder that your runs stand in, found none; name it"
        )
    if choice is not None:
        refuse_beside_choice(
            choice, "settings", "filters", "strategies", "cash", "commission_frac", "slippage_frac", "sizing"
        )
        found = backtest_choice(choice, start=start, end=end, **load)
    else:
        assert strategy is not None
        found = run_backtest(
            strategy,
            parse_settings(settings, shortcuts),
            start=start,
            end=end,
            filters=filters,
            log_events=out is not None,
            **load,
        )
    for root in roots_of(results, choice):
        for line in looked_at(found, root):
            click.echo(line, err=True)
    files = _write(found, out) if out is not None else []
    if as_json:
        click.echo(json.dumps(plain_backtest(found, files), indent=2))
        return
    show_backtest(found)
    for path in files:
        click.echo(f"written: {path}")


def plain_backtest(found: Backtest, files: list[Path]) -> dict[str, Any]:
    """Return a backtest as plain data for JSON, with the files it was written to."""
    metrics = {k: (v if math.isfinite(v) else None) for k, v in found.metrics.items()}
    return {
        "strategy": found.strategy,
        "parameters": found.parameters,
        "symbols": list(found.result.symbols),
        "metrics": metrics,
        "fills": len(found.result.fills),
        "open_trades": sum(trade.reason == "open" for trade in found.result.trades),
        "notes": list(found.notes),
        "files": [str(path) for path in files],
    }


def _write(found: Backtest, out: Path) -> list[Path]:
    paths = [out / "trades.csv", out / "equity.csv", out / "events.jsonl", out / "metrics.json"]
    write_table(found.trades, paths[0])
    write_table(found.equity, paths[1])
    write_events(found.events, paths[2])
    with written_whole(paths[3]) as file:
        file.write(json.dumps(plain_backtest(found, paths[:3]), indent=2).encode() + b"\n")
    return paths


def show_backtest(found: Backtest) -> None:
    """Print a backtest's figures."""
    result = found.result
    equity = found.equity
    console = Console()
    for note in found.notes:
        console.print(f"note: {note}", style="dim", soft_wrap=True, highlight=False, markup=False)
    shown = parameters_text(found.parameters, own=True)
    console.print(
        f"{found.strategy}({shown}) on {', '.join(result.symbols)}, "
        f"{equity.index[0]:%Y-%m-%d} to {equity.index[-1]:%Y-%m-%d}, {len(equity)} bars",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False, show_header=False)
    across = 3 if console.width >= 110 else 2
    for _ in range(across):
        table.add_column(style="dim", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
    cells = [(name, _text(name, value)) for name, value in found.metrics.items() if name not in HIDDEN]
    rows = -(-len(cells) // across)
    for r in range(rows):
        line: list[str] = []
        for c in range(across):
            k = r + c * rows
            line += list(cells[k]) if k < len(cells) else ["", ""]
        table.add_row(*line)
    console.print(table)
    open_trades = [trade for trade in result.trades if trade.reason == "open"]
    if open_trades:
        profit = sum(trade.pnl for trade in open_trades)
        console.print(
            f"still open: {len(open_trades)} trade(s) worth {profit:,.2f}, marked, not counted above"
        )
    if found.metrics["halted"]:
        console.print(f"stopped early: {result.fills[-1].reason if result.fills else 'halted'}")


def _text(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    if name in WHOLE:
        return f"{value:,.0f}"
    if name in PERCENT:
        return f"{value:.2%}"
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:,.4f}"
