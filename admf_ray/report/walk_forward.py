"""Walk-forward: what each window chose, how it did on the bars that follow, and the curves of all of them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from admf_ray.report.blocks import Block, Chart, Column, Facts, Prose, Section, Table
from admf_ray.report.equity import equity_chart
from admf_ray.report.style import BLUE, GREY, axis, figure, plain
from admf_ray.report.tables import Tables

__all__ = ["walk_forward"]

MOST_JOINS = 120
FIGURES = (
    Column(
        "continuous_return", "one account", "percent", "return of an account that follows the chosen points"
    ),
    Column("stitched_return", "stitched windows", "percent", "return of fresh accounts, sold at the joins"),
    Column("difference", "difference", "percent", "what the joins make of it"),
    Column(
        "efficiency",
        "efficiency",
        "number",
        "log return a bar, out of sample over in sample; 1: nothing lost",
    ),
    Column("profitable_frac", "windows with a profit", "percent", "of all test windows"),
    Column(
        "oos_t",
        "t of mean return",
        "number",
        "Newey-West; not corrected for drift or trials; 2 is the usual bar",
    ),
    Column(
        "rank_correlation", "rank correlation", "number", "points in sample against out of sample, median"
    ),
)
CONSISTENCY = (
    Column(
        "score", "consistency", "number", "of the way of choosing, 0 to 1: profits, ranks, efficiency, drift"
    ),
    Column("worst_return", "worst window", "percent", "return of the worst test window"),
    Column("distinct_choices", "points chosen", "integer", "different ones over all windows; few is steady"),
    Column("drift", "drift of choices", "percent", "mean step between windows, of the searched range"),
)


def walk_forward(run: Tables) -> Section | None:
    """Return the windows, their curves and figures."""
    windows = run.frame("walk_forward", "fold", "test_start", "strategy", "parameters", "out_of_sample")
    if windows is None:
        return None
    blocks: list[Block] = []
    told = run.summary.get("walk_forward")
    if told:
        rule = (run.facts("analysis.json").get("consistency") or {}).get("rule") or {}
        blocks.append(Facts([*Facts.of(FIGURES, told).items, *Facts.of(CONSISTENCY, rule).items]))
    curves = run.frame("curves", "time", "fold", "stitched", "continuous")
    if curves is not None:
        blocks.append(_curves(curves, run.frame("band", "bars", "low", "high")))
    blocks.append(_inside_outside(windows, run.objective))
    idle = int((windows.get("trades", pd.Series(dtype=float)) == 0).sum())
    if idle:
        blocks.append(Prose(f"{idle} of {len(windows)} windows did not trade out of sample.", "note"))
    blocks.append(
        Table(_columns(run.objective), windows.to_dict("records"), "Chosen in each training window")
    )
    return Section(
        "walk-forward",
        "Walk-forward",
        "Parameters are chosen in each training window and traded on the bars that follow it: does the way "
        "of choosing earn money on bars it has not seen?",
        blocks,
    )


def _curves(curves: pd.DataFrame, band: pd.DataFrame | None) -> Chart:
    """Return both walk-forward curves with the joins of windows, and resampled ones where there are some."""
    joins = curves["time"][curves["fold"].ne(curves["fold"].shift())].iloc[1:]
    told = (
        "Growth of 1 and, beneath, the fraction below the running peak. One account follows the chosen "
        "points without a break; stitched windows each begin with a fresh account and are sold at the join."
    )
    shade = None
    if band is not None:
        at = band["bars"].clip(0, len(curves) - 1).to_numpy(dtype=int)
        shade = (curves["time"].iloc[at], band["low"], band["high"])
        told += " The shade holds 90 % of stationary-bootstrap paths of the stitched returns at each bar."
    lines = joins.iloc[:: -(-len(joins) // MOST_JOINS) or 1] if len(joins) else joins
    told += f" Thin lines: {'every few of the ' if len(lines) < len(joins) else 'the '}{len(joins)} joins."
    named = {"one account": curves["continuous"], "stitched windows": curves["stitched"]}
    return equity_chart("Walk-forward equity and drawdown", curves["time"], named, told, list(lines), shade)


def _inside_outside(windows: pd.DataFrame, objective: str) -> Chart:
    name = plain(objective)
    at = windows["test_start"].astype(str)
    shared = {"x": at, "mode": "markers", "customdata": [plain(one) for one in windows["parameters"]]}
    hover = "tested from %{x}<br>%{customdata}<br>%{y:.2f}"
    traces: list[Any] = []
    if "in_sample" in windows:
        stems: list[Any] = [[], []]
        for x, a, b in zip(at, windows["in_sample"], windows["out_of_sample"], strict=True):
            stems[0] += [x, x, None]
            stems[1] += [a, b, None]
        traces.append(
            go.Scatter(
                x=stems[0],
                y=stems[1],
                mode="lines",
                line={"color": GREY, "width": 1},
                hoverinfo="skip",
                showlegend=False,
            )
        )
        traces.append(
            go.Scatter(
                **shared,
                y=windows["in_sample"],
                name="in sample (selects)",
                hovertemplate=hover,
                marker={"color": GREY, "size": 9, "symbol": "circle-open", "line": {"width": 2}},
            )
        )
    traces.append(
        go.Scatter(
            **shared,
            y=windows["out_of_sample"],
            name="out of sample (reports)",
            hovertemplate=hover,
            marker={"color": BLUE, "size": 10, "symbol": "diamond"},
        )
    )
    found = figure(
        traces,
        xaxis=axis("first day of the test window", type="category"),
        yaxis=axis(f"{name} of the window"),
    )
    return Chart(
        found,
        f"{objective} in and out of sample, window by window",
        "A stem that falls far says that the training window promised more than the next bars held. A "
        "window without a filled mark did not trade.",
        340,
    )


def _columns(objective: str) -> tuple[Column, ...]:
    return (
        Column("fold", "window", "integer"),
        Column("train_start", "trained from", "word"),
        Column("test_start", "tested from", "word"),
        Column("test_end", "to", "word"),
        Column("strategy", "strategy", "word"),
        Column("parameters", "chosen"),
        Column(
            "robust_score", "robust score", "number", f"25th percentile of {objective} over the neighbourhood"
        ),
        Column("stability", "stability", "number", "Median neighbour over the point itself, 0 to 1"),
        Column("degradation", "degradation", "percent", "1 less mean of the neighbours over the point"),
        Column("in_sample", "in sample", "number", f"{objective} in the training window"),
        Column(
            "out_of_sample",
            "out of sample",
            "number",
            f"{objective} in the test window; – where nothing traded",
        ),
        Column("train_return", "train return", "percent"),
        Column("test_return", "test return", "percent", "From a fresh account"),
        Column("trades", "trades", "integer", "Round trips in the test window"),
    )
