"""The verdict in plain words, with the evidence it rests on; before validation, how far the run has come."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from admf_ray.report.blocks import Block, Column, Facts, Prose, Section, Table, shown
from admf_ray.report.overfitting import statistic
from admf_ray.report.tables import Tables
from admf_ray.space.parameters import parameters_text

__all__ = ["finalists", "verdict"]

USUAL_T = 2.0
CANDIDATES = (
    Column("rank", "order", "integer", "Fixed by training evidence before test data were opened"),
    Column("name", "finalist", "word"),
    Column("accepted", "accepted", "flag"),
    Column(
        "training_p",
        "training p",
        "p",
        "SPA over all trials, those composed for validation among them; at most 0.05 allowed",
    ),
    Column("test_p", "test p", "p", "One-sided, that the test return beyond exposure is luck"),
    Column("threshold", "allowed", "number", "0.05 / (2 × finalists × looks)"),
    Column("excess_sharpe", "skill", "number", "Annualised Sharpe ratio beyond exposure, on test data"),
    Column("test_sharpe", "test sharpe", "number", "Annualised"),
    Column("test_total_return", "test return", "percent"),
    Column("test_max_drawdown", "drawdown", "percent", "Deepest, on test data"),
    Column("drift_survival", "drift survival", "percent", "Neighbours with more than 0 and half its score"),
    Column(
        "certified",
        "certificate",
        told="Runs again in a fresh process, a dirty worker, another order: same bits",
    ),
    Column("reasons", "refused because", "long"),
)
FINALISTS = (
    Column("rank", "order", "integer"),
    Column("point", "finalist", "long"),
    Column("source", "source", told="grid, or the experiment whose variant it is"),
    Column("score", "score", "number", "What finalists are ordered by"),
    Column("for", "for it", "long"),
    Column("against", "against it", "long"),
)


def verdict(run: Tables) -> Section:
    """Return what is known now, and the evidence."""
    found = run.facts("verdict.json")
    question = "What may be believed of this run, in a few sentences."
    if not found:
        return Section("verdict", "Verdict", question, _before(run))
    sentences = [str(one) for one in found.get("sentences", ())]
    tone: Any = "good" if found.get("chosen") else "bad"
    blocks: list[Block] = [Prose(sentences[0] if sentences else "No verdict was written.", "lead")]
    blocks += [Prose(one, tone if k == 0 else "plain") for k, one in enumerate(sentences[1:])]
    evidence = _evidence(run)
    period = " to ".join(found.get("period", ()))
    if period.strip(" to"):
        looks = shown(found.get("looks"), "integer")
        evidence.insert(
            0, ("test data", period, f"{shown(found.get('years'), 'number')} years; looked at {looks} ×")
        )
    blocks.append(Facts(evidence))
    rows = found.get("candidates") or []
    if rows:
        chosen = [k for k, row in enumerate(rows) if row.get("name") == found.get("chosen")]
        shown_rows = [{**row, "threshold": _threshold(row)} for row in rows]
        blocks.append(Table(CANDIDATES, shown_rows, str(found.get("rule", "Finalists")), chosen))
    blocks += [
        Prose(f"{name} was not tested: {why}", "note") for name, why in (found.get("left_out") or {}).items()
    ]
    if found.get("trials_told"):
        blocks.append(Prose(f"The training p (SPA) is over {found['trials_told']}.", "note"))
    if found.get("choice"):
        blocks.append(
            Prose(f"The choice is written to {found['choice']}; admf-ray backtest and run accept it.", "note")
        )
    return Section("verdict", "Verdict", question, blocks)


def _threshold(row: dict[str, Any]) -> str:
    limit = row.get("threshold")
    return "–" if limit is None else f"{limit:.4f}"


def _before(run: Tables) -> list[Block]:
    """Return what can be said before test data have spoken."""
    analysed = run.store.exists("analysis.json")
    blocks: list[Block] = [Prose("Nothing is validated yet: test data have not been looked at.", "lead")]
    told = run.summary.get("walk_forward")
    if told:
        blocks.append(Prose(_walked(told), "plain"))
    else:
        blocks.append(Prose("There are no walk-forward windows: every figure here is in sample.", "bad"))
    if not analysed:
        blocks.append(
            Prose("Phase 2 has not run: luck, regimes and experiments are not looked into.", "plain")
        )
    blocks += [Prose(str(one), "note") for one in run.facts("analysis.json").get("remarks", ())]
    evidence = _evidence(run)
    return [*blocks, Facts(evidence)] if evidence else blocks


def _walked(told: dict[str, Any]) -> str:
    gain, t = told.get("continuous_return"), told.get("oos_t")
    sentence = (
        "Out of sample in training, one account that follows the chosen points returns "
        f"{shown(gain, 'percent')}, {shown(told.get('profitable_frac'), 'percent')} of test windows with a "
        "profit"
    )
    if t is None:
        return f"{sentence}."
    if t >= USUAL_T:
        return (
            f"{sentence}; t {shown(t, 'number')} is above 2, before drift and the number of trials are "
            "counted."
        )
    return f"{sentence}; t {shown(t, 'number')} is below 2: that is what luck does too."


def _evidence(run: Tables) -> list[tuple[str, str, str]]:
    """Return the figures that carry the verdict."""
    items: list[tuple[str, str, str]] = []
    told = run.summary.get("walk_forward") or {}
    if told:
        gain, t = shown(told.get("continuous_return"), "percent"), shown(told.get("oos_t"), "number")
        items.append(("walk-forward return", gain, f"one account, t {t}"))
        items.append(
            ("efficiency", shown(told.get("efficiency"), "number"), "out of sample over in sample, per bar")
        )
    luck = run.frame("overfitting", "scope", "statistic", "basis", "value")
    if luck is not None:
        p, pbo = statistic(luck, "spa_p"), statistic(luck, "pbo")
        if p is not None:
            tested = shown(statistic(luck, "points_tested"), "integer")
            items.append(
                (
                    "SPA p-value",
                    shown(p, "p"),
                    f"over {tested} trials of phases 1 and 2; 0.05 or less convinces",
                )
            )
        if pbo is not None:
            items.append(
                ("PBO", shown(pbo, "percent"), "best in sample below the median outside; luck: 50 %")
            )
    tests = run.frame("experiments", "hypothesis", "conclusion")
    if tests is not None:
        counts = tests["conclusion"].value_counts().to_dict()
        items.append(("experiments", f"{len(tests)}", ", ".join(f"{n} {word}" for word, n in counts.items())))
    return items


def finalists(run: Tables) -> Section | None:
    """Return who goes on to validation, in order, with what speaks for and against each."""
    found = run.frame("finalists", "rank", "strategy", "parameters")
    if found is None:
        return None
    rows: list[dict[Any, Any]] = []
    for row in found.sort_values("rank").to_dict("records"):
        point = f"{row['strategy']}({_varied(row['parameters'])})"
        reasons = {"for": _listed(row.get("reasons_for")), "against": _listed(row.get("reasons_against"))}
        rows.append({**row, "point": point, **reasons})
    return Section(
        "finalists",
        "Finalists",
        "Who goes on to validation, in an order that test data cannot change.",
        [Table(FINALISTS, rows, "Ordered by training evidence")],
    )


def _varied(text: Any) -> str:
    """Return a strategy's own parameters of the JSON that a finalist's are written as."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return str(text)
    return parameters_text(found, own=True)


def _listed(reasons: Any) -> str:
    return (
        ""
        if reasons is None or (isinstance(reasons, float) and pd.isna(reasons))
        else "\n".join(map(str, reasons))
    )
