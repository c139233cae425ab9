"""What ``admf-ray run`` shows of phase 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from admf_ray.phases.mined import By, Mined
from admf_ray.phases.pipeline import PipelineResult
from admf_ray.phases.walk import Walked
from admf_ray.space.parameters import parameters_text

__all__ = ["HEADS", "orders", "show", "table_of"]

HEADS = {
    "sharpe": "sharpe",
    "annual_return": "p.a.",
    "max_drawdown": "drawdown",
    "trades": "trades",
    "matched_excess_sharpe": "skill",
}
JUDGED = {"robust_score": "robust", "stability": "stability", "degradation": "degradation"}
NARROW = 100  # below, points are shown by their values and some columns are left out
FRACTIONS = ("annual_return", "volatility", "max_drawdown", "total_return", "stability", "degradation")


def orders(found: Mined) -> tuple[By, ...]:
    """Return by what the points are ranked, what selects first."""
    if not found.neighborhood:
        return ("objective",)
    return (
        ("robust_score", "objective") if found.select_by == "robust_score" else ("objective", "robust_score")
    )


def show(result: PipelineResult, console: Console, top: int, took: float) -> None:
    """Print the ranked points, the walk-forward windows and their summary."""
    found, walked = result.mined, result.walked
    bars, span = found.bars, found.windows[0]
    days = bars.time_ns.astype("datetime64[ns]").astype("datetime64[D]")
    for note in (*bars.notes, *found.remarks):
        console.print(f"note: {note}", style="dim", soft_wrap=True)
    near = f" + {found.n_off_grid:,} neighbours off the grid" if found.neighborhood else ""
    console.print(
        f"{', '.join(bars.symbols)}: {span.n_bars:,} bars, {days[span.start]} to {days[span.stop - 1]}, "
        f"{bars.bars_per_year:g} a year\n{found.n_points:,} points{near}, x {len(found.windows)} windows; "
        f"{_computed(result, took)}"
    )
    if not found.neighborhood:
        console.print("neighborhood_testing is off: by the objective alone, nothing tells plateaus from luck")
    if console.width < NARROW:
        for one in found.searched:
            console.print(f"{one.stack.strategy.label()}({', '.join(one.varied)})", style="dim")
    for by in orders(found):
        _show_best(found, console, top, by)
    skill = "p.a.: annualised return; skill: sharpe of the return beyond mean exposure x buy and hold"
    turned = "" if found.searched[0].maximize else ", negated since less is better"
    robust = f"; robust: 25th percentile of {found.objective} over the neighbourhood{turned}"
    console.print(skill + robust * found.neighborhood, style="dim")
    if walked is not None:
        _show_windows(found, console)
        _show_summary(walked, console)


def _computed(result: PipelineResult, took: float) -> str:
    """Return what was computed now, what came of it and how long all took."""
    if result.ran is None:
        return f"all stored before, none computed; {took:.1f} s in all"
    tally, windows = result.ran.tally, len(result.mined.windows)
    kinds = ", ".join(f"{count:,} {name}" for name, count in sorted(tally.by_status.items()))
    failed = f", of their points {kinds}" if kinds else ""
    return f"{tally.points * windows:,} backtests computed{failed}; {took:.1f} s in all, Ray's start included"


def _show_best(found: Mined, console: Console, top: int, by: By) -> None:
    name = found.objective if by == "objective" else f"robust score ({found.objective})"
    console.print(f"\nbest by {name} over the whole training span (in sample: not yet evidence)")
    heads = (
        ({"score": found.objective} if found.objective not in HEADS else {}) | _judged(found, console) | HEADS
    )
    table = table_of("", "point", *(f">{head}" for head in heads.values()))
    for row in found.ranked(top, tuple(HEADS), by):
        table.add_row(str(row["rank"]), _point(row, console), *(_text(key, row[key]) for key in heads))
    console.print(table)


def _judged(found: Mined, console: Console) -> dict[str, str]:
    if not found.neighborhood:
        return {}
    return JUDGED if console.width >= NARROW else {"robust_score": JUDGED["robust_score"]}


def _show_windows(found: Mined, console: Console) -> None:
    by = "robust score" if found.select_by == "robust_score" else found.objective
    console.print(f"\nwalk-forward: chosen by {by} in each training window, tested on what follows")
    robust = [">robust"] if found.neighborhood else []
    table = table_of(
        "tested" if console.width >= NARROW else "tested from",
        "chosen",
        *robust,
        ">in sample",
        ">out of sample",
        ">return",
    )
    for row in found.walk_forward:
        tested = f"{row['test_start']} to {row['test_end']}" if console.width >= NARROW else row["test_start"]
        traded = math.isfinite(row["out_of_sample"])
        outside = _text(found.objective, row["out_of_sample"]) if traded else "no trades"
        score = [_text("robust_score", row["robust_score"])] if robust else []
        inside = _text(found.objective, row["in_sample"])
        table.add_row(
            tested, _point(row, console), *score, inside, outside, _text("total_return", row["test_return"])
        )
    console.print(table)


def _show_summary(walked: Walked, console: Console) -> None:
    figures = walked.summary()
    table = table_of("out of sample", ">", "")
    for key, head, note in (
        ("continuous_return", "one account", "follows the chosen points without a break"),
        ("stitched_return", "stitched windows", "fresh account each, sold at the joins"),
        ("difference", "difference", "what the joins make of it"),
        ("efficiency", "efficiency", "log return a bar, out of sample over in sample"),
        ("profitable_frac", "consistency", "test windows with a profit"),
        ("oos_t", "t of mean return", "Newey-West, stitched curve; not corrected for drift or trials"),
        ("rank_correlation", "rank correlation", "points in sample against out of sample, median window"),
    ):
        kind = key if key in ("efficiency", "oos_t", "rank_correlation") else "total_return"
        table.add_row(head, _text(kind, figures[key]), note)
    console.print()
    console.print(table)


def table_of(*heads: str) -> Table:
    """Return a table without frame; heads that begin with ``>`` stand right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        right = head.startswith(">")
        table.add_column(head.lstrip(">"), justify="right" if right else "left", overflow="fold")
    return table


def _point(row: Mapping[str, Any], console: Console) -> str:
    return f"{row['strategy']}({parameters_text(row['parameters'], names=console.width >= NARROW)})"


def _text(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    if name in FRACTIONS:
        return f"{value:z.1%}"
    return f"{value:,.0f}" if name == "trades" else f"{value:z.2f}"
