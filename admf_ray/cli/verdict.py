"""The verdict as the command line prints it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from admf_ray.analysis.conclusion import p_told
from admf_ray.phases.validation.verdict import Verdict

__all__ = ["show_verdict"]

COLUMNS = (
    "",
    "finalist",
    "training",
    "test",
    "excess",
    "p",
    "drift",
    "quarters",
    "noise",
    "1 bar late",
    "same bits",
)


def show_verdict(verdict: Verdict, console: Console) -> None:
    """Print the finalists in their order, what was not tested, and the verdict's three sentences."""
    if verdict.candidates:
        console.print(f"\nvalidation on {verdict.period[0]} to {verdict.period[1]}; {verdict.rule}")
        table = Table(box=None, pad_edge=False, header_style="dim")
        for k, name in enumerate(COLUMNS):
            table.add_column(name, justify="left" if k in (1, 10) else "right", no_wrap=True)
        for one in verdict.candidates:
            joins = one.joins
            table.add_row(
                str(one.rank),
                one.name,
                _number(one.training["sharpe"]),
                _number(one.metrics["sharpe"]),
                _number(one.judged.excess_sharpe),
                p_told(one.judged.test_p),
                "-" if one.drift != one.drift else f"{one.drift:.0%}",
                f"{joins['profitable_quarters']}/{joins['n_quarters']}" if joins else "-",
                _number(one.noise),
                _number(one.delay),
                one.certificate.get("verdict", "not asked"),
            )
        console.print(table)
        console.print("Sharpe ratios; excess: beyond the same mean exposure to the market", style="dim")
        for one in verdict.candidates:
            console.print(f"{one.rank} {one.name}: {one.told}", style="dim", soft_wrap=True)
            if one.note:
                console.print(f"  {one.note}", style="dim", soft_wrap=True)
    for name, reason in verdict.left_out.items():
        console.print(f"not tested: {name}: {reason}", soft_wrap=True)
    if verdict.trials_told:
        told = (
            f"training p {p_told(verdict.training_p)}: superior predictive ability over {verdict.trials_told}"
        )
        console.print(told, style="dim", soft_wrap=True)
    console.print()
    for sentence in verdict.sentences:
        console.print(sentence, soft_wrap=True)
    if verdict.choice:
        console.print(f"choice: {verdict.choice}", soft_wrap=True)


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.2f}"
