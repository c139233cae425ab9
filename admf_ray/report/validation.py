"""Validation: the finalists on data never seen, beside what training would lead one to expect."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from admf_ray.report.blocks import Block, Chart, Column, Prose, Section, Table, shown
from admf_ray.report.equity import equity_chart
from admf_ray.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, axis, figure, plain, row_axis
from admf_ray.report.tables import Tables

__all__ = ["validation"]

MOST_CURVES = 4
FRACTIONS = (
    "total_return", "annual_return", "volatility", "max_drawdown", "exposure", "mean_exposure", "win_rate",
)  # fmt: skip
UNITS = ("training", "test", "low", "high", "expected_low", "expected", "expected_high")
DRAWN = ("sharpe", "matched_excess_sharpe")
KOLMOGOROV = "returns.kolmogorov_smirnov"
COMPARED = (
    Column("figure", "figure"),
    Column("training", "training", "number"),
    Column("test", "test", "number"),
    Column("degradation", "degradation", "percent", "1 less test over training"),
    Column("low", "from", "number", "Lower end of the 95 % bootstrap interval of the test figure"),
    Column("high", "to", "number", "Upper end"),
    Column("expected_low", "expected from", "number", "5th percentile over the neighbourhood in training"),
    Column("expected", "middle", "number", "Median over the neighbourhood in training"),
    Column("expected_high", "to", "number", "95th percentile over the neighbourhood in training"),
    Column(
        "percentile",
        "falls at",
        "percent",
        "Share of that distribution below the test figure; of KS: p-value",
    ),
)
QUARTERS = (
    Column("name", "finalist", "word"),
    Column(
        "quarter", "quarter", told="Calendar quarter, from a fresh account; nothing is carried or refitted"
    ),
    Column("total_return", "return", "percent"),
    Column("sharpe", "sharpe", "number", "Annualised"),
    Column("max_drawdown", "drawdown", "percent", "Deepest"),
    Column("trades", "trades", "integer"),
    Column("open_at_end", "open at its end", "flag", "A position is marked there, and not carried on"),
    Column("verified", "verified", told="How the run was repeated bit for bit"),
)


def validation(run: Tables) -> Section | None:
    """Return curves, quarters and figures of the finalists, in and out of sample."""
    found = run.frame("validation", "name")
    if found is None:
        return None
    names = list(found["name"])
    blocks: list[Block] = []
    curves = run.frame("validation_curves", "name", "data", "time", "return")
    if curves is not None:
        blocks.append(_curves(curves, names))
    compared = run.frame("comparison", "name", "figure", "training", "test")
    if compared is not None:
        blocks.append(_beside(compared, names))
    quarters = run.frame("quarters", "name", "quarter", "total_return")
    if quarters is not None:
        blocks.append(_quarters(quarters, names))
        blocks.append(Table(QUARTERS, quarters.to_dict("records"), "Test quarters"))
    if compared is not None:
        blocks += [
            Table(COMPARED, _in_units(own), f"{name}: in sample beside out of sample")
            for name, own in compared.groupby("name", sort=False)
        ]
    if len(names) > MOST_CURVES:
        blocks.append(Prose(f"Charts show the first {MOST_CURVES} of {len(names)} finalists.", "note"))
    return Section(
        "validation",
        "Validation",
        "How do the finalists do on data that nothing was chosen or fitted on, and is that what training "
        "promised?",
        blocks,
    )


def _curves(curves: pd.DataFrame, names: list[str]) -> Chart:
    """Return growth over training and, from there on, over test."""
    drawn, time = {}, pd.Series(dtype=object)
    for name in names[:MOST_CURVES]:
        own = curves[curves["name"] == name].sort_values("time", kind="stable")
        drawn[name], time = (1.0 + own["return"]).cumprod().to_numpy(), own["time"]
    tests = curves[curves["data"] == "test"]["time"]
    return equity_chart(
        "Finalists over training and test data",
        time,
        drawn,
        "Right of the dotted line are test data: there a fresh account begins, drawn on from where training "
        "ended. Equal slopes are equal returns.",
        [tests.min()] if len(tests) else [],
        log=True,
    )


def _beside(compared: pd.DataFrame, names: list[str]) -> Chart:
    rows = [(name, figure) for name in names[:MOST_CURVES] for figure in DRAWN]
    own = compared.set_index(["name", "figure"])
    rows = [key for key in rows if key in own.index]
    picked = own.loc[rows]
    places = list(range(len(rows)))
    traces: list[Any] = []
    if {"expected_low", "expected_high"} <= set(picked):
        stems: list[Any] = [[], []]
        for place, low, high in zip(places, picked["expected_low"], picked["expected_high"], strict=True):
            stems[0] += [low, high, None]
            stems[1] += [place, place, None]
        traces.append(
            go.Scatter(
                x=stems[0],
                y=stems[1],
                mode="lines",
                line={"color": GREY, "width": 9},
                opacity=0.45,
                name="neighbourhood in training, 90 %",
                hoverinfo="skip",
            )
        )
    for column, title, colour, symbol in (
        ("training", "training", GREY, "circle-open"),
        ("test", "test", BLUE, "diamond"),
    ):
        bounds = {}
        if column == "test" and {"low", "high"} <= set(picked):
            bounds = {
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": picked["high"] - picked["test"],
                    "arrayminus": picked["test"] - picked["low"],
                    "color": colour,
                }
            }
        traces.append(
            go.Scatter(
                x=picked[column],
                y=places,
                mode="markers",
                name=title,
                hovertemplate="%{x:.2f}",
                marker={"color": colour, "symbol": symbol, "size": 11, "line": {"width": 2, "color": colour}},
                **bounds,
            )
        )
    labels = [f"{plain(name)}<br>{plain(_told(figure))}" for name, figure in rows]
    drawn = figure(
        traces,
        xaxis=axis("annualised Sharpe ratio"),
        yaxis=row_axis(labels),
    )
    return Chart(
        drawn,
        "Test beside training",
        "Grey bar: where the point and its neighbours stood in training, 5th to 95th percentile. A test mark "
        "left of it is worse than training led one to expect. Whiskers: 95 % bootstrap interval of the test "
        "figure.",
        140 + 52 * len(places),
    )


def _in_units(own: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows that have a figure, fractions in percent."""
    rows = own[own["training"].notna() | own["test"].notna()].to_dict("records")
    for row in rows:
        if str(row["figure"]).removeprefix("quarter.") in FRACTIONS:
            row |= {name: shown(row[name], "percent") for name in UNITS if name in row}
        if row["figure"] == KOLMOGOROV:
            row["percentile"] = f"p {shown(row.get('percentile'), 'p')}"
    return rows


def _told(figure: str) -> str:
    return {"matched_excess_sharpe": "sharpe beyond exposure"}.get(figure, figure)


def _quarters(quarters: pd.DataFrame, names: list[str]) -> Chart:
    colours = (BLUE, ORANGE, GREEN, PURPLE)
    traces = []
    for name, colour in zip(names[:MOST_CURVES], colours, strict=False):
        own = quarters[quarters["name"] == name]
        traces.append(
            go.Bar(
                x=own["quarter"].astype(str),
                y=own["total_return"],
                name=plain(name),
                marker={"color": colour},
                hovertemplate="%{x}: %{y:.1%}",
            )
        )
    drawn = figure(
        traces, xaxis=axis("test quarter", type="category"), yaxis=axis("return", tickformat=".0%")
    )
    return Chart(
        drawn, "Return of each test quarter", "Each from a fresh account; nothing is carried over.", 340
    )
