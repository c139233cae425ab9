"""Regimes: where candidates earn, and what kinds of returns there are among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from admf_ray.report.blocks import Block, Chart, Column, Facts, Section, Table, shown
from admf_ray.report.style import DIVERGING, axis, figure, plain
from admf_ray.report.tables import Tables

__all__ = ["clusters", "regimes"]

MOST_ROWS = 20
FEWEST_BARS = 20  # in a regime whose figures set the colours
STATES = (
    Column("regime", "regime"),
    Column("bars", "bars", "integer", "Of the training span"),
    Column("balance", "share", "percent", "Of the classified bars"),
    Column("mean_run_bars", "mean run", "number", "Bars it lasts, in the mean"),
    Column("self_transition", "stays", "percent", "Chance that the next bar is in it too"),
)
BEST = (
    Column("regime", "regime"),
    Column("strategy", "strategy"),
    Column("parameters", "best there", told="By the robust score of its Sharpe ratio in that regime"),
    Column("sharpe", "sharpe", "number", "Annualised, in the regime"),
    Column("robust_sharpe", "robust", "number", "25th percentile over the neighbourhood"),
    Column("exposed_frac", "in the market", "percent", "Share of the regime's bars closed with a position"),
)
SHARED = (
    Column("point", "candidate"),
    Column("worst_regime", "worst regime", told="Of those with at least 20 bars"),
    Column("worst_sharpe", "sharpe there", "number", "Annualised"),
    Column("best_share", "best regime's share", "percent", "Of all winnings"),
    Column("trades_across", "trades across", "integer", "During which the regime changed"),
    Column("pnl_across", "their profit", "number", "Money"),
)
MEMBERS = (
    Column("cluster", "cluster", "integer", "Kind of returns, 0 the largest"),
    Column("members", "candidates", "integer"),
    Column("representative", "its medoid"),
    Column("correlation_clusters", "move with", told="Clusters by correlation that its members are in"),
)


def regimes(run: Tables) -> Section | None:
    """Return Sharpe ratios of candidates by regime, and what the classifier is worth."""
    found = run.frame("regimes", "kind", "strategy", "parameters", "regime", "sharpe")
    if found is None:
        return None
    blocks: list[Block] = []
    told = run.facts("analysis.json").get("regimes") or {}
    if "classifier" in told:
        agreement, unknown = told.get("agreement"), told.get("unknown_frac")
        items = [("classifier", str(told["classifier"]), "fitted on training data, never smoothed")]
        if isinstance(agreement, float):
            told_of = "kappa of fits on either half of the training span; 1: the same, 0: as by chance"
            items.append(("refits agree", shown(agreement, "number"), told_of))
        items.append(("unknown", shown(unknown, "percent"), "bars before there is enough history"))
        blocks.append(Facts(items))
    own = found[found["kind"] == "candidate"]
    if len(own):
        blocks.append(_map(own))
        lines = own.drop_duplicates(["strategy", "parameters"]).head(MOST_ROWS)
        rows = [{**row, "point": _name(row)} for row in lines.to_dict("records")]
        blocks.append(Table(SHARED, rows, "How much each candidate depends on a regime"))
    best = found[found["kind"] == "best"]
    if len(best):
        blocks.append(
            Table(BEST, best.to_dict("records"), "Best point of each strategy in each regime, in sample")
        )
    if told.get("regimes"):
        blocks.append(Table(STATES, told["regimes"], "The regimes"))
    return Section(
        "regimes",
        "Regimes",
        "Does it earn in every kind of market, or in one? A bar belongs to the regime known before it began.",
        blocks,
    )


def _name(row: dict[Any, Any]) -> str:
    return f"{row['strategy']}({row['parameters']})"


def _map(own: pd.DataFrame) -> Chart:
    own = own.assign(point=[_name(row) for row in own.to_dict("records")])
    names = list(dict.fromkeys(own["point"]))[:MOST_ROWS]
    if "bars" in own:
        own = own[own["bars"] > 0]
    states = list(dict.fromkeys(own["regime"]))
    wide = own.pivot_table(index="point", columns="regime", values="sharpe", aggfunc="first", observed=True)
    values = wide.reindex(index=names, columns=states).to_numpy(dtype=np.float64)
    bars = dict(zip(own["regime"], own["bars"], strict=True)) if "bars" in own else {}
    enough = values[:, [bars.get(one, FEWEST_BARS) >= FEWEST_BARS for one in states]]
    most = float(np.abs(enough[np.isfinite(enough)]).max(initial=1.0))
    texts = [[shown(one, "number") for one in row] for row in values.tolist()]
    heat = go.Heatmap(
        z=values,
        text=texts,
        texttemplate="%{text}",
        colorscale=DIVERGING,
        zmin=-most,
        zmax=most,
        xgap=1,
        ygap=1,
        colorbar={
            "title": {"text": "sharpe, annualised", "side": "right"},
            "thickness": 12,
            "outlinewidth": 0,
        },
        hovertemplate="%{z:.2f}<extra></extra>",
    )
    ticks = [f"{plain(one)}<br>{bars[one]:,.0f} bars" if one in bars else plain(one) for one in states]
    drawn = figure(
        [heat],
        xaxis=axis(
            "regime", tickvals=list(range(len(states))), ticktext=ticks, showgrid=False, zeroline=False
        ),
        yaxis=axis(
            "",
            tickvals=list(range(len(names))),
            ticktext=[plain(shown(one)) for one in names],
            autorange="reversed",
            showgrid=False,
            zeroline=False,
        ),
    )
    return Chart(
        drawn,
        f"Sharpe ratio of the best {len(names)} candidates by regime",
        "A row of one colour holds everywhere; one bright cell is a bet on that regime's return. Regimes "
        f"of fewer than {FEWEST_BARS} bars do not set the colours: few bars make wild figures.",
        150 + 26 * len(names),
    )


def clusters(run: Tables) -> Section | None:
    """Return the kinds of returns among candidates."""
    found = run.frame("clusters", "cluster", "strategy", "parameters")
    if found is None:
        return None
    rows = []
    for cluster, own in found.groupby("cluster"):
        row: dict[str, Any] = {"cluster": cluster, "members": len(own)}
        if "representative" in own and own["representative"].fillna(False).astype(bool).any():
            row["representative"] = _name(own[own["representative"].astype(bool)].iloc[0].to_dict())
        if "correlation_cluster" in own:
            row["correlation_clusters"] = ", ".join(
                str(one) for one in sorted(own["correlation_cluster"].unique())
            )
        rows.append(row)
    told = run.facts("analysis.json").get("clusters") or {}
    strength = (told.get("by_features") or {}).get("strength")
    pairs = [
        Column(name, name.replace("_", " "), "number" if isinstance(value, float) else "text")
        for name, value in (told.get("pairs") or [{}])[0].items()
    ]
    blocks: list[Block] = [Table(MEMBERS, rows, f"Structure: {strength}" if strength else "")]
    if pairs:
        blocks.append(Table(pairs, told["pairs"], "Clusters beside each other"))
    return Section(
        "clusters", "Kinds of returns", "How many different bets are there among the candidates?", blocks
    )
