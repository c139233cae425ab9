"""Walk-forward: what each window chose, how it did on the bars that follow, and the curves of all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from admf_ray.report.blocks import Block, Chart, Column, Facts, Kind, Prose, Section, Table, shown
from admf_ray.report.style import BLUE, GREY, INK, ORANGE, axis, figure, plain, thinned
from admf_ray.report.tables import Tables

__all__ = ["drawdown", "equity_chart", "walk_forward"]

MOST_JOINS = 120


def walk_forward(run: Tables) -> Section | None:
    """Return the windows, their curves and figures."""
    windows = run.frame("walk_forward", "fold", "test_start", "strategy", "parameters", "out_of_sample")
    if windows is None:
        return None
    blocks: list[Block] = []
    told = run.summary.get("walk_forward")
    if told:
        blocks.append(Facts(_facts(told)))
    curves = run.frame("curves", "time", "fold", "stitched", "continuous")
    if curves is not None:
        blocks.append(equity_chart_of(curves, run.frame("band", "bars", "low", "high")))
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
        "Parameters are chosen in each training window and traded on the bars that follow it: "
        "does the way of "
        "choosing earn money on bars it has not seen?",
        blocks,
    )


def _facts(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    items: tuple[tuple[str, str, Kind, str], ...] = (
        (
            "continuous_return",
            "one account",
            "percent",
            "return of one account that follows the chosen points",
        ),
        ("stitched_return", "stitched windows", "percent", "return of fresh accounts, sold at the joins"),
        ("difference", "difference", "percent", "what the joins make of it"),
        (
            "efficiency",
            "efficiency",
            "number",
            "log return a bar, out of sample over in sample; 1: nothing is lost",
        ),
        ("profitable_frac", "windows with a profit", "percent", "of all test windows"),
        (
            "oos_t",
            "t of mean return",
            "number",
            "Newey-West; not corrected for drift or trials; 2 is the usual bar",
        ),
        (
            "rank_correlation",
            "rank correlation",
            "number",
            "points in sample against out of sample, median window",
        ),
    )
    return [(title, shown(told.get(key), kind), why) for key, title, kind, why in items if key in told]


def drawdown(growth: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the fraction below the running peak, <= 0; the peak is at least 1, where the curve begins.

    Examples
    --------
    >>> drawdown(np.array([0.9, 1.2, 0.6])).round(3).tolist()
    [-0.1, 0.0, -0.5]
    """
    return growth / np.maximum(np.maximum.accumulate(growth), 1.0) - 1.0


def equity_chart_of(curves: pd.DataFrame, band: pd.DataFrame | None) -> Chart:
    """Return both walk-forward curves with the joins of windows, and resampled ones where there are some."""
    joins = curves["time"][curves["fold"].ne(curves["fold"].shift())].iloc[1:]
    told = (
        "Growth of 1 and, beneath, the fraction below the running peak. One account follows the "
        "chosen points "
        "without a break; stitched windows each begin with a fresh account and are sold at the join."
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


def equity_chart(
    title: str,
    time: Any,
    curves: dict[str, Any],
    told: str,
    lines: list[Any] | None = None,
    shade: Any = None,
) -> Chart:
    """Return curves of growth with their drawdowns beneath, on one time axis.

    Parameters
    ----------
    title : str
    time : sequence of stamps (n_bars,)
    curves : dict of str to array (n_bars,)
        Growth of 1; at most four.
    told : str
    lines : list of stamps, optional
        Where thin vertical lines stand.
    shade : tuple of arrays, optional
        Times, lower and upper end of a band.
    """
    traces: list[Any] = []
    if shade is not None:
        soft = {"width": 0, "color": GREY}
        traces += [
            go.Scatter(x=shade[0], y=shade[1], mode="lines", line=soft, hoverinfo="skip", showlegend=False),
            go.Scatter(
                x=shade[0],
                y=shade[2],
                mode="lines",
                line=soft,
                fill="tonexty",
                hoverinfo="skip",
                fillcolor="rgba(125,135,145,0.22)",
                name="90 % of resampled paths",
            ),
        ]
    stamps = pd.DatetimeIndex(pd.Series(time))
    for (name, curve), colour, dash in zip(
        curves.items(), (BLUE, ORANGE, INK, GREY), ("solid", "solid", "dot", "dash"), strict=False
    ):
        growth = np.asarray(curve, dtype=np.float64)
        below = drawdown(growth)
        kept = thinned(growth, below)
        line = {"color": colour, "width": 1.6, "dash": dash}
        group = {"x": stamps[kept], "mode": "lines", "line": line, "name": plain(name), "legendgroup": name}
        traces.append(go.Scatter(**group, y=growth[kept], hovertemplate="%{x|%Y-%m-%d} %{y:.3f}"))
        traces.append(
            go.Scatter(
                **group, y=below[kept], yaxis="y2", showlegend=False, hovertemplate="%{x|%Y-%m-%d} %{y:.1%}"
            )
        )
    thin = {"color": GREY, "width": 0.6, "dash": "dot"}
    shapes = [
        {
            "type": "line",
            "x0": at,
            "x1": at,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": thin,
            "layer": "below",
        }
        for at in lines or ()
    ]
    found = figure(
        traces,
        xaxis=axis("time of the bar's close (UTC)", anchor="y2"),
        yaxis=axis("growth of 1", domain=[0.36, 1.0]),
        yaxis2=axis("drawdown", domain=[0.0, 0.3], tickformat=".0%"),
        shapes=shapes,
    )
    return Chart(found, title, told, 520)


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
