"""Experiments: the effect of each modification out of sample, with its interval."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from admf_ray.report.blocks import Block, Chart, Column, Section, Table
from admf_ray.report.style import BLUE, GREY, axis, figure, plain, row_axis
from admf_ray.report.tables import Tables

__all__ = ["experiments"]

COLUMNS = (
    Column("hypothesis", "hypothesis", "word"),
    Column("strategy", "strategy", "word"),
    Column(
        "conclusion",
        "conclusion",
        "word",
        told="Improves or harms where Holm's p is at most 0.025; else no evidence",
    ),
    Column(
        "effect", "effect", "number", "Variant's annualised Sharpe ratio less the baseline's, beyond exposure"
    ),
    Column("low", "from", "number", "Lower end of the 95 % interval of the effect"),
    Column("high", "to", "number", "Upper end"),
    Column("p_better", "p better", "p", "One-sided, of this hypothesis alone"),
    Column(
        "holm_better", "Holm better", "p", "After Holm's correction over all hypotheses the run ever recorded"
    ),
    Column("holm_worse", "Holm worse", "p", "The same for harm"),
    Column(
        "baseline_skill", "skill without", "number", "Sharpe ratio beyond exposure, stitched out of sample"
    ),
    Column("variant_skill", "skill with", "number"),
    Column("baseline_return", "return without", "percent", "Stitched out of sample"),
    Column("variant_return", "return with", "percent"),
    Column("baseline_trades", "trades without", "integer"),
    Column("variant_trades", "trades with", "integer"),
    Column("cost_effect_frac", "extra costs", "percent", "Of the initial cash, over the test windows"),
    Column(
        "required_years",
        "years needed",
        "number",
        "Of test data to find an effect of this size in 80 % of cases",
    ),
    Column("recorded", "written down", "word", told="When the hypothesis was first recorded"),
)
WINDOWS = (
    Column("window", "window", "word"),
    Column("baseline_return", "without", "percent", "Return of the test window"),
    Column("variant_return", "with", "percent"),
    Column("difference", "difference", "percent"),
    Column("baseline_trades", "trades without", "integer"),
    Column("variant_trades", "trades with", "integer"),
    Column("baseline_parameters", "chosen without"),
    Column("variant_parameters", "chosen with"),
)
REGIMES = (
    Column("hypothesis", "hypothesis", "word"),
    Column("regime", "regime", "word"),
    Column("bars", "bars", "integer", "Out-of-sample bars in it"),
    Column("baseline_sharpe", "sharpe without", "number", "Annualised"),
    Column("variant_sharpe", "sharpe with", "number"),
    Column("difference", "return difference", "percent"),
)


def experiments(run: Tables) -> Section | None:
    """Return every hypothesis with effect, interval and conclusion."""
    found = run.frame("experiments", "hypothesis", "conclusion")
    if found is None:
        return None
    blocks: list[Block] = []
    if {"effect", "low", "high"} <= set(found) and found["effect"].notna().any():
        blocks.append(_forest(found[found["effect"].notna()]))
    blocks.append(Table(COLUMNS, found.to_dict("records"), "Hypotheses"))
    windows = run.frame("experiment_windows", "hypothesis", "window")
    if windows is not None:
        blocks += [
            Table(WINDOWS, own.to_dict("records"), f"{name}: window by window, out of sample")
            for name, own in windows.groupby("hypothesis", sort=False)
        ]
    regimes = run.frame("experiment_regimes", "hypothesis", "regime")
    if regimes is not None:
        blocks.append(Table(REGIMES, regimes.to_dict("records"), "By regime known before each bar"))
    return Section(
        "experiments",
        "Experiments",
        "Is a strategy better with the modification, out of sample, than without? Both choose their "
        "parameters in every training window; what decides is the return beyond mean exposure × buy and "
        "hold.",
        blocks,
    )


def _forest(found: pd.DataFrame) -> Chart:
    traces: list[Any] = []
    rows = [
        ("", "beyond exposure (decides)", BLUE, "diamond"),
        ("raw_", "raw returns (shown)", GREY, "circle-open"),
    ]
    places = list(range(len(found)))
    for k, (prefix, name, colour, symbol) in enumerate(rows):
        if not {f"{prefix}effect", f"{prefix}low", f"{prefix}high"} <= set(found):
            continue
        effect = found[f"{prefix}effect"]
        traces.append(
            go.Scatter(
                x=effect,
                y=[place - 0.16 * (2 * k - 1) for place in places],
                mode="markers",
                name=name,
                marker={"color": colour, "symbol": symbol, "size": 10, "line": {"width": 2, "color": colour}},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": found[f"{prefix}high"] - effect,
                    "arrayminus": effect - found[f"{prefix}low"],
                    "color": colour,
                    "thickness": 1.6,
                },
                text=[plain(one) for one in found["hypothesis"]],
                hovertemplate="%{text}<br>%{x:.2f}",
            )
        )
    labels = [
        f"{plain(a)}<br><b>{plain(b)}</b>"
        for a, b in zip(found["hypothesis"], found["conclusion"], strict=True)
    ]
    drawn = figure(
        traces,
        xaxis=axis("difference of annualised Sharpe ratios, with − without"),
        yaxis=row_axis(labels),
    )
    return Chart(
        drawn,
        "Effect of each modification, 95 % interval",
        "An interval that holds 0 is no evidence, whatever its middle. Studentized stationary bootstrap "
        "(Ledoit and Wolf 2008); the conclusion uses Holm's correction over all hypotheses.",
        170 + 70 * len(places),
    )
