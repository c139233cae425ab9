"""Drift: whether a finalist survives a step in its parameters, noise in prices, a bar of delay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from admf_ray.report.blocks import Block, Chart, Column, Section, Table
from admf_ray.report.style import BLUE, GREEN, GREY, INK, ORANGE, axis, figure, plain
from admf_ray.report.tables import Tables

__all__ = ["drift"]

KINDS = (
    ("drift", "parameters moved", BLUE, "circle"),
    ("noise", "prices with noise", ORANGE, "square"),
    ("delay", "one bar later", GREEN, "triangle-up"),
)
COLUMNS = (
    Column("name", "finalist", "word"),
    Column("data", "data", told="The training span, or test data"),
    Column("unperturbed", "as chosen", "number", "Its own figure"),
    Column("neighbours", "neighbours", "integer", "Drawn uniformly from its neighbourhood, seeded"),
    Column("survival", "survival", "percent", "Neighbours above 0 and at least half of its own"),
    Column("median", "median", "number", "Of the neighbours"),
    Column("worst", "worst", "number", "Of the neighbours"),
    Column("noise", "with noise", "number", "Median under prices moved by a tenth of their volatility"),
    Column("delay", "delayed", "number", "With every order one bar later"),
)


def drift(run: Tables) -> Section | None:
    """Return how each finalist stands perturbations."""
    found = run.frame("drift", "name", "data", "kind")
    if found is None:
        return None
    by = run.objective if run.objective in found else "sharpe"
    if by not in found:
        return None
    rows = [
        _row(own[by].astype(float), own["kind"], key)
        for key, own in found.groupby(["name", "data"], sort=False)
    ]
    blocks: list[Block] = [_strips(found, by), Table(COLUMNS, rows, f"{by} under perturbation")]
    return Section(
        "drift",
        "Drift",
        "Does it survive when its parameters, the prices or the execution are a little other than they were?",
        blocks,
    )


def _row(scores: pd.Series, kinds: pd.Series, key: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(("name", "data"), key, strict=True))
    own, near = scores[kinds == "unperturbed"], scores[kinds == "drift"].to_numpy()
    if len(own):
        row["unperturbed"] = float(own.iloc[0])
    if near.size:
        row |= {"neighbours": near.size, "median": float(np.nanmedian(near)), "worst": float(np.nanmin(near))}
    if near.size and len(own):
        row["survival"] = float(((near > 0) & (near >= 0.5 * row["unperturbed"])).mean())
    for kind in ("noise", "delay"):
        if (kinds == kind).any():
            row[kind] = float(scores[kinds == kind].median())
    return row


def _strips(found: pd.DataFrame, by: str) -> Chart:
    """Return a strip a finalist and data set: every perturbed figure, and the unperturbed one."""
    keys = list(dict.fromkeys(zip(found["name"], found["data"], strict=True)))
    place = {key: k for k, key in enumerate(keys)}
    at = np.array([place[key] for key in zip(found["name"], found["data"], strict=True)], dtype=np.float64)
    kinds = found["kind"].to_numpy()
    traces: list[Any] = []
    for k, (kind, title, colour, symbol) in enumerate(KINDS):
        own = kinds == kind
        if not own.any():
            continue
        told = [plain(one) for one in found["told"][own]] if "told" in found else None
        traces.append(
            go.Scatter(
                x=found[by][own],
                y=at[own] + 0.2 * (k - 1),
                mode="markers",
                name=title,
                text=told,
                marker={"color": colour, "symbol": symbol, "size": 8, "opacity": 0.75},
                hovertemplate="%{text}<br>%{x:.2f}",
            )
        )
    own = kinds == "unperturbed"
    traces.append(
        go.Scatter(
            x=found[by][own],
            y=at[own],
            mode="markers",
            name="as chosen",
            hovertemplate="%{x:.2f}",
            marker={"color": INK, "symbol": "line-ns-open", "size": 26, "line": {"width": 3}},
        )
    )
    half = np.where(found[by][own] > 0, 0.5 * found[by][own], np.nan)
    traces.append(
        go.Scatter(
            x=half,
            y=at[own],
            mode="markers",
            name="half of it: the survivors' bar",
            hoverinfo="skip",
            marker={"color": GREY, "symbol": "line-ns-open", "size": 26, "line": {"width": 1.5}},
        )
    )
    labels = [f"{plain(name)}<br>{plain(data)}" for name, data in keys]
    drawn = figure(
        traces,
        xaxis=axis(f"{plain(by)} over the whole span"),
        yaxis=axis(
            "",
            tickvals=list(range(len(keys))),
            ticktext=labels,
            range=[len(keys) - 0.4, -0.6],
            zeroline=False,
        ),
    )
    return Chart(
        drawn,
        "Perturbed finalists",
        "Marks that stay close to the thick bar say that the result does not hang on one value. Left of "
        "the thin bar a neighbour does not count as a survivor.",
        150 + 58 * len(keys),
    )
