"""Plateaus and peaks: robust score beside the raw objective over the two most important parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from admf_ray.report.blocks import Block, Charts, Column, Prose, Section, Table, shown
from admf_ray.report.heatmaps import Mapped, heatmaps, lines_of, word
from admf_ray.report.tables import Tables

__all__ = ["neighbourhood"]

BEST = 10
SENSITIVITY = (
    Column("parameter", "parameter"),
    Column("searched_values", "values", "integer", "Distinct values searched"),
    Column("chosen", "chosen", told="Value at the best point by robust score"),
    Column("highest", "raw optimum", told="Value at the best point by the objective itself"),
    Column(
        "edge",
        "on the edge",
        told="The chosen value is the lowest or highest searched: better may lie beyond",
    ),
    Column("importance", "importance", "number", "Fall of held-out R² when the parameter is shuffled"),
    Column("importance_spread", "±", "number", "Standard deviation of it over shuffles"),
    Column("r2", "R²", "number", "Held out, of the model behind the importances; near 0 they say little"),
)


def neighbourhood(run: Tables) -> Section | None:
    """Return each strategy's heatmaps and best points over the training span."""
    if not run.contexts or not run.store.exists("index.parquet"):
        return None
    needed = ("point_id", "strategy", "score", "robust_score")
    judged = run.frame("neighborhood", *needed, window="full")
    told = run.frame("sensitivity", "strategy", "parameter")
    blocks: list[Block] = []
    if judged is None:
        blocks.append(Prose("Neighbourhoods were not tested: nothing here tells a plateau from luck.", "bad"))
    for context in run.contexts:
        mapped = _mapped(run, context, judged)
        if mapped is None:
            blocks.append(Prose(f"{context['strategy']}: no point has a score.", "bad"))
            continue
        own = None if told is None else told[told["strategy"] == context["strategy"]]
        blocks += _strategy(mapped, own)
    return Section(
        "plateaus",
        "Plateaus and peaks",
        "A score worth trading stands among neighbours that score as well; one that stands alone is luck. "
        "In sample, over the whole training span: a map, not yet evidence.",
        blocks,
    )


def _mapped(run: Tables, context: dict[str, Any], judged: pd.DataFrame | None) -> Mapped | None:
    points = run.points(context, run.objective, "trades")
    grid = points[~points["off_grid"].astype(bool)]
    if judged is not None:
        own = judged[judged["strategy"] == context["strategy"]]
        grid = grid.merge(own.drop(columns=["strategy", "window"]), on="point_id", how="inner")
    else:
        grid = grid.assign(score=grid[run.objective])
    scores = grid["score"].to_numpy(dtype=np.float64)
    if not np.isfinite(scores).any():
        return None
    near = run.mining.get("parameter_search", {}).get("neighborhood_testing", {})
    return Mapped(
        context["strategy"],
        list(context["varied"]),
        run.objective,
        grid.reset_index(drop=True),
        points,
        int(near.get("radius", 1)),
        judged is not None,
    )


def _strategy(one: Mapped, told: pd.DataFrame | None) -> list[Block]:
    importance = None
    if told is not None and "importance" in told:
        importance = dict(zip(told["parameter"], told["importance"].fillna(0.0), strict=True))
    blocks: list[Block] = [Prose(_sentence(one), "plain")]
    if len(one.varied) == 1:
        blocks.append(lines_of(one))
    elif len(one.varied) > 1:
        blocks += [Charts(row) for row in heatmaps(one, importance)]
    if told is not None and len(told):
        blocks.append(
            Table(SENSITIVITY, told.to_dict("records"), f"{one.strategy}: what each parameter decides")
        )
    order = np.argsort(-np.nan_to_num(one.robust, nan=-np.inf), kind="stable")[:BEST]
    best = one.grid.iloc[order].to_dict("records")
    best = [{**row, **{name: word(row[name]) for name in one.varied}} for row in best]
    by = "robust score" if one.judged else one.objective
    blocks.append(Table(_columns(one), best, f"{one.strategy}: best {len(best)} points by {by}, in sample"))
    return blocks


def _sentence(one: Mapped) -> str:
    """Return what the chosen point and the raw optimum are, and how each stands among its neighbours."""
    raw = (
        f"{one.strategy}: the highest {one.objective} is {shown(one.value(one.peak), 'number')} at "
        f"{one.name(one.peak)}"
    )
    if not one.judged:
        return f"{raw}."
    if one.peak == one.chosen:
        return (
            f"{raw}; it is also the best by robust score ({shown(float(one.robust[one.chosen]), 'number')})."
        )
    return (
        f"{raw}, where a neighbourhood's lower quartile keeps "
        f"{shown(float(one.robust[one.peak]), 'number')}. The best by robust score is "
        f"{one.name(one.chosen)}: {one.objective} {shown(one.value(one.chosen), 'number')}, robust "
        f"{shown(float(one.robust[one.chosen]), 'number')}."
    )


def _columns(one: Mapped) -> list[Column]:
    return [
        *(Column(name, name, "text") for name in one.varied),
        Column(
            "robust_score",
            "robust score",
            "number",
            f"25th percentile of {one.objective} over the neighbourhood",
        ),
        Column(one.objective, one.objective, "number", "Over the training span"),
        Column("stability", "stability", "number", "Median neighbour over the point itself, 0 to 1"),
        Column("degradation", "degradation", "percent", "1 less mean of the neighbours over the point"),
        Column("trades", "trades", "integer", "Round trips"),
    ]
