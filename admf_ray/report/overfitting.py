"""Overfitting: how much of what was found luck alone would have found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from admf_ray.report.blocks import Block, Chart, Charts, Column, Facts, Prose, Section, Table, shown
from admf_ray.report.style import BLUE, GREY, INK, ORANGE, axis, figure
from admf_ray.report.tables import Tables

__all__ = ["overfitting", "statistic"]

RUN = (
    Column(
        "spa_p",
        "SPA p-value",
        "p",
        "Hansen: chance that luck alone shows a best point this good; small is good",
    ),
    Column(
        "reality_check_p", "reality check p", "p", "White: the same from unstudentized means; more cautious"
    ),
    Column(
        "pbo",
        "PBO",
        "percent",
        "splits in which the best in sample is below the median out of sample; luck: 50 %",
    ),
    Column("pbo_robust", "PBO, robust choice", "percent", "the same for selection by robust score"),
    Column(
        "loss_probability", "loses out of sample", "percent", "splits in which what is selected loses money"
    ),
    Column(
        "degradation_slope",
        "slope",
        "number",
        "out-of-sample Sharpe per unit in sample; ≤ 0: ranks do not carry over",
    ),
    Column(
        "trials",
        "trials counted",
        "integer",
        "distinct points backtested on these bars, earlier runs' included",
    ),
    Column(
        "points_tested",
        "points tested",
        "integer",
        "behind both p-values: grid, neighbours, variants; validation adds the strategies it composes",
    ),
    Column("effective_trials", "effective trials", "number", "independent bets that would be as diverse"),
    Column(
        "trial_spread",
        "spread of trials",
        "number",
        "standard deviation of the trials' annualised Sharpe ratios",
    ),
)
CANDIDATE = (
    Column("point", "candidate"),
    Column("source", "source", told="grid, or its experiment"),
    Column("sharpe", "sharpe", "number", "Annualised, over the training span, of the return beyond exposure"),
    Column("psr", "PSR", "percent", "Probability that the true Sharpe ratio is above 0"),
    Column(
        "dsr",
        "DSR",
        "percent",
        "That it is above what the best of so many lucky trials would show; 95 % convinces",
    ),
    Column("dsr_effective", "DSR, effective", "percent", "The same with the effective number of trials"),
    Column("min_track_record_years", "years for 95 %", "number", "Track record after which PSR reaches 95 %"),
    Column(
        "min_backtest_years",
        "years luck needs",
        "number",
        "Below so many, trials without skill show such a Sharpe",
    ),
    Column(
        "random_entry_p",
        "random entry p",
        "p",
        "p-value of its timing: how often circular shifts of its positions return as much",
    ),
    Column(
        "break_even_bps",
        "break-even",
        "number",
        "Proportional cost per fill, basis points, that takes all profit",
    ),
    Column("cost_bps", "cost set", "number", "The configured proportional cost per fill, basis points"),
)
MOST_BINS = 40
MOST_DOTS = 3_000


def statistic(frame: pd.DataFrame, name: str) -> float | None:
    """Return a figure of the run, of exposure-matched excess where there is one; None where there is none."""
    own = frame[(frame["scope"] == "run") & (frame["statistic"] == name)]
    for basis in ("excess", "", "raw"):
        found = own[own["basis"].fillna("") == basis]["value"]
        if len(found):
            return float(found.iloc[0])
    return None


def overfitting(run: Tables) -> Section | None:
    """Return PBO, SPA, deflated Sharpe ratios, one sentence each."""
    found = run.frame("overfitting", "scope", "statistic", "basis", "value")
    splits = run.frame("pbo", "logit", "inside", "outside")
    if found is None and splits is None:
        return None
    blocks: list[Block] = []
    if found is not None:
        figures = {one.name: statistic(found, one.name) for one in RUN}
        blocks.append(Facts.of(RUN, {name: figure for name, figure in figures.items() if figure is not None}))
        if "trials_told" in run.facts("analysis.json"):
            blocks.append(Prose(f"{run.facts('analysis.json')['trials_told']}.", "note"))
    if splits is not None:
        blocks.append(Charts([_logits(splits), _degradation(splits, _root(run))]))
    if found is not None:
        rows = _candidates(found)
        if rows:
            blocks.append(Table(CANDIDATE, rows, "Candidates by themselves, in sample, trials counted"))
    return Section(
        "overfitting",
        "Overfitting",
        "How much of what was found would luck alone have found, given everything that was tried? Skill "
        "means the return beyond mean exposure × buy and hold.",
        blocks,
    )


def _root(run: Tables) -> float:
    return float(np.sqrt(next((one.get("bars_per_year") or 1.0 for one in run.contexts), 1.0)))


def _logits(splits: pd.DataFrame) -> Chart:
    logits = splits["logit"].to_numpy(dtype=np.float64)
    logits = logits[np.isfinite(logits)]
    counts, edges = np.histogram(logits, bins=min(MOST_BINS, max(len(np.unique(logits)), 1)))
    middle = (edges[1:] + edges[:-1]) / 2
    share = counts / max(counts.sum(), 1)
    traces = [
        go.Bar(
            x=middle[side],
            y=share[side],
            width=np.diff(edges)[side] * 0.92,
            name=name,
            marker={"color": colour},
            hovertemplate="logit %{x:.2f}: %{y:.1%} of splits",
        )
        for side, name, colour in (
            (middle <= 0, "below the median out of sample", ORANGE),
            (middle > 0, "above it", BLUE),
        )
    ]
    line = {
        "type": "line",
        "x0": 0,
        "x1": 0,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": INK, "width": 1.5},
    }
    below = float((logits <= 0).mean()) if logits.size else float("nan")
    drawn = figure(
        traces,
        xaxis=axis("logit of the selected point's rank out of sample"),
        yaxis=axis("share of splits", tickformat=".0%"),
        shapes=[line],
        bargap=0,
    )
    return Chart(
        drawn,
        f"PBO {shown(below, 'percent')} over {len(logits):,} splits",
        "The bars are halved in every way; the best point of one half is ranked in the other. Mass left of "
        "the line is overfitting. On one data set without any edge the figure may be anywhere.",
        380,
    )


def _degradation(splits: pd.DataFrame, root: float) -> Chart:
    own = splits[np.isfinite(splits["inside"]) & np.isfinite(splits["outside"])]
    x, y = own["inside"].to_numpy() * root, own["outside"].to_numpy() * root
    some = slice(None, None, max(1, -(-len(own) // MOST_DOTS)))
    dots = {"color": BLUE, "size": 4, "opacity": 0.35}
    traces: list[Any] = [
        go.Scatter(
            x=x[some],
            y=y[some],
            mode="markers",
            name="splits",
            marker=dots,
            showlegend=False,
            hovertemplate="in %{x:.2f}, out %{y:.2f}<extra></extra>",
        )
    ]
    if len(own) > 2 and np.ptp(x) > 0:
        slope, offset = np.polyfit(x, y, 1)
        ends = np.array([x.min(), x.max()])
        traces.append(
            go.Scatter(
                x=ends,
                y=offset + slope * ends,
                mode="lines",
                line={"color": ORANGE, "width": 2.5},
                name=f"least squares, slope {shown(float(slope), 'number')}",
            )
        )
        traces.append(
            go.Scatter(x=ends, y=ends, mode="lines", line={"color": GREY, "dash": "dot"}, name="nothing lost")
        )
    drawn = figure(
        traces,
        xaxis=axis("annualised Sharpe ratio in sample"),
        yaxis=axis("annualised Sharpe ratio out of sample"),
    )
    return Chart(
        drawn,
        "What is selected, in sample and out of sample",
        "One dot a split. Dots below 0 lose out of sample; a falling line says that the better it looked, "
        "the worse it did.",
        380,
    )


def _candidates(found: pd.DataFrame) -> list[dict[str, Any]]:
    own = found[found["scope"] == "candidate"]
    if not len(own) or not {"strategy", "parameters"} <= set(own):
        return []
    wide: dict[Any, dict[str, Any]] = {}
    for row in own.to_dict("records"):
        key = (row["strategy"], row["parameters"], row.get("source"))
        line = wide.setdefault(key, {"point": f"{key[0]}({key[1]})", "source": key[2]})
        if row["basis"] in ("excess", "", None) or row["statistic"] not in line:
            line[row["statistic"]] = row["value"]
    return list(wide.values())
