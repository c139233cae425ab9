"""What ``admf-ray run`` shows of phase 2."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from admf_ray.cli.mined import table_of
from admf_ray.phases.analysis.coordinator import Analysed
from admf_ray.phases.analysis.overfitting import STATISTICS, Luck
from admf_ray.phases.analysis.skill import told

__all__ = ["plain_analysis", "show_analysis"]

SHOWN = (
    ("trials", ""), ("effective_trials", "excess"), ("pbo", "raw"), ("pbo_robust", "raw"),
    ("degradation_slope", "raw"), ("loss_probability", "raw"), ("spa_p", "excess"), ("spa_p", "raw"),
    ("reality_check_p", "excess"), ("reality_check_p", "raw"),
)  # fmt: skip
BASES = {
    "excess": "return less mean exposure x buy and hold",
    "raw": "return as it is, drift included",
    "": "",
}
COUNTS = ("trials", "effective_trials")
SHORT = 20


def show_analysis(analysed: Analysed, console: Console, bars_per_year: float) -> None:
    """Print what the tools, the experiments and the statistics say, then the finalists."""
    facts = analysed.found.facts
    console.rule("analysis, on training data alone", style="dim")
    for remark in analysed.found.remarks:
        console.print(f"note: {remark}", style="dim", soft_wrap=True)
    if facts.get("sensitivity"):
        _sensitivity(analysed, console)
    if facts.get("clusters"):
        _clusters(facts["clusters"], console)
    if facts.get("consistency"):
        _consistency(facts["consistency"], console)
    if facts.get("regimes"):
        _regimes(facts["regimes"], console)
    if analysed.experiments:
        console.print("\nexperiments: each side selects in every training window; what follows is compared")
        for one in analysed.experiments:
            console.print(f"  {one.sentence()}", soft_wrap=True)
            if one.detail():
                console.print(f"    {one.detail()}", style="dim", soft_wrap=True)
    _luck(analysed.luck, console, bars_per_year)
    _finalists(analysed, console)


def plain_analysis(analysed: Analysed, bars_per_year: float) -> dict[str, Any]:
    """Return phase 2 as plain data, for ``--json``."""
    return {
        "experiments": [{**one.row(), "sentence": one.sentence()} for one in analysed.experiments],
        "overfitting": analysed.luck.rows(bars_per_year),
        "finalists": [
            {
                "rank": one.rank, "point_id": one.point_id, "strategy": one.strategy, "source": one.source,
                "parameters": dict(one.parameters), "score": one.score, "scores": dict(one.scores),
                "reasons_for": list(one.reasons_for), "reasons_against": list(one.reasons_against),
            }
            for one in analysed.finalists
        ],
        "remarks": analysed.found.remarks,
        **{k: v for k, v in analysed.found.facts.items() if k != "experiments"},
    }  # fmt: skip


def _sensitivity(analysed: Analysed, console: Console) -> None:
    console.print("\nsensitivity: what each parameter decides (fall of held-out R2 when it is shuffled)")
    table = table_of("strategy", "parameter", ">values", ">importance", ">chosen", ">highest", "edge")
    for row in analysed.found.tables["sensitivity"].to_pylist():
        table.add_row(
            row["strategy"], row["parameter"], str(row["searched_values"]), _number(row["importance"]),
            row["chosen"], row["highest"], row["edge"] and f"{row['edge']}: better may lie beyond",
        )  # fmt: skip
    console.print(table)
    for one in analysed.found.facts["sensitivity"]:
        if one["importance_remark"]:
            console.print(f"  {one['strategy']}: {one['importance_remark']}", style="dim", soft_wrap=True)
        if one["spikes_frac"] > 0:
            console.print(
                f"  {one['strategy']}: {one['spikes_frac']:.0%} of the best points are spikes: their "
                "neighbours keep less than half"
            )
    console.print("  chosen: best by robust score; highest: best by the objective", style="dim")


def _clusters(facts: Mapping[str, Any], console: Console) -> None:
    kinds, moves = facts["by_features"], facts["by_correlation"]
    console.print(
        f"\nclusters of {facts['candidates']} candidates ({facts['distinct']} with returns of their own): "
        + (
            f"{kinds['groups']} kinds of returns ({kinds['strength']}, silhouette {kinds['silhouette']:.2f})"
            if kinds["strength"] != "none"
            else "one kind of returns"
        )
        + (
            f", {moves['groups']} groups that move together (silhouette {moves['silhouette']:.2f})"
            if moves["strength"] != "none"
            else ", which all move together or not at all"
        )
    )
    table = table_of(">group", ">members", ">sharpe", ">correlation", ">near duplicates", "stands for it")
    for row in facts["correlation_clusters"]:
        table.add_row(
            str(row["cluster"]), str(row["members"]), _number(row["sharpe"]),
            _number(row["mean_correlation"]),
            str(row["near_duplicates"]), str(row["representative"]),
        )  # fmt: skip
    console.print(table)
    if facts["pairs"] and facts["pairs"][0]["gain"] > 0:
        best = facts["pairs"][0]
        console.print(
            f"  {best['cluster']} and {best['other']} complement each other most: correlation "
            f"{best['correlation']:.2f}, together {best['gain']:+.2f} Sharpe over the better one, in sample"
        )


def _consistency(facts: Mapping[str, Any], console: Console) -> None:
    rule, ends = facts["rule"], facts["ends"]
    console.print(
        f"\nconsistency of the selection rule over {facts['windows']} windows: profit in "
        f"{rule['profitable_frac']:.0%}, worst {rule['worst_return']:+.1%}, {rule['distinct_choices']} "
        f"different points chosen, drift {rule['drift']:.0%} of the searched range a window, "
        f"score {rule['score']:.2f} of 1",
        soft_wrap=True,
    )
    console.print(
        f"  the walk-forward curve ends at {ends['curve']:.2f}; its own returns in other orders end between "
        f"{ends['low']:.2f} and {ends['high']:.2f} in 90 % of cases",
        soft_wrap=True,
    )


def _regimes(facts: Mapping[str, Any], console: Console) -> None:
    agreement = facts["agreement"]
    agrees = (
        "too short to refit on halves"
        if not math.isfinite(agreement)
        else f"refits on either half agree by kappa {agreement:.2f}"
    )
    console.print(f"\nregimes ({facts['classifier']}): {agrees}, {facts['unknown_frac']:.0%} of bars unknown")
    table = table_of(
        "regime", ">bars", ">share", ">lasts bars", ">stays", ">robust sharpe", "best robust point there"
    )
    for row in facts["regimes"]:
        best = row["best"]
        told = row["bars"] >= SHORT
        table.add_row(
            row["regime"], f"{row['bars']:,}", _percent(row["balance"]), _number(row["mean_run_bars"], 0),
            _percent(row["self_transition"]), _number(best["robust_sharpe"]) if told else "-",
            f"{best['strategy']}({best['parameters']})" if told else "too few bars",
        )  # fmt: skip
    console.print(table)


def _luck(luck: Luck, console: Console, bars_per_year: float) -> None:
    console.print("\nis it luck: every trial counted")
    values = {(row["statistic"], row["basis"]): row["value"] for row in luck.rows(bars_per_year)}
    table = table_of("statistic", ">value", "meaning")
    for name, basis in SHOWN:
        value = values[name, basis]
        text = f"{value:,.0f}" if name in COUNTS else _number(value, 3 if name.endswith("_p") else 2)
        if name == "trials":
            meaning = f"distinct points tried on these bars, {luck.trials.before:,} of them by earlier runs"
        else:
            meaning = STATISTICS[name]
        head = name.replace("_", " ") + (f", {basis}" if name.endswith("_p") else "")
        table.add_row(head, text, meaning)
    console.print(table)
    console.print("  " + "; ".join(f"{k}: {v}" for k, v in BASES.items() if k), style="dim", soft_wrap=True)
    console.print(f"  the p-values are over {told(luck.skill.counts)}", style="dim", soft_wrap=True)
    console.print(f"  {luck.trials_told}", style="dim", soft_wrap=True)


def _finalists(analysed: Analysed, console: Console) -> None:
    if not analysed.finalists:
        console.print("\nno finalists: no candidate earns something over the training span and around it")
        return
    console.print("\nfinalists, ordered by training evidence before any test data are opened")
    console.print(
        "  evidence: weighed mean of the ranks among the candidates in robust score, consistency, drift of "
        "parameters and worst regime; it orders, it proves nothing",
        style="dim",
        soft_wrap=True,
    )
    for one in analysed.finalists:
        from_where = "" if one.source == "grid" else f" from experiment {one.source}"
        console.print(f"{one.rank}. {one.varied}{from_where}, evidence {one.score:.2f} of 1", style="bold")
        for sign, reasons in (("+", one.reasons_for), ("-", one.reasons_against)):
            for reason in reasons:
                console.print(f"   {sign} {reason}", soft_wrap=True)


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.0%}"
