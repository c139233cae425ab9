"""The verdict: what was tested, in which order, what was chosen, and why, in a table and three sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from admf_ray.analysis.conclusion import p_told
from admf_ray.phases.analysis.skill import told
from admf_ray.phases.validation.acceptance import Judged, power_told
from admf_ray.phases.validation.evidence import Evidence

__all__ = ["Candidate", "Verdict"]


@dataclass(frozen=True)
class Candidate:
    """One finalist with all that is known of it.

    Attributes
    ----------
    rank : int
        1 is the first; fixed before test data were opened.
    name, kind, told, identity : str
    evidence : Evidence
        Of training.
    judged : Judged
    metrics, training : dict of str to float
        Figures over the test period and over the training span.
    aggregate : float
        The objective that stands for it: the median over test quarters and drift, or the continuous run's.
    drift : float
        Survival of its neighbours on test data; NaN where they were not tested.
    noise, delay : float
        Median objective under noisy prices, and the objective one bar later.
    joins : dict
        See `quarters.joins_told`; empty without quarters.
    verified : dict of str to str
        How each run was verified.
    certificate : dict of str to str
        See `certificate.certified`; empty where none was asked for.
    note : str
    """

    rank: int
    name: str
    kind: str
    told: str
    identity: str
    evidence: Evidence
    judged: Judged
    metrics: dict[str, float]
    training: dict[str, float]
    aggregate: float
    drift: float
    noise: float
    delay: float
    joins: dict[str, Any]
    verified: dict[str, str]
    certificate: dict[str, str] = field(default_factory=dict)
    note: str = ""

    def row(self) -> dict[str, Any]:
        """Return it as a flat row."""
        figures = (
            "total_return",
            "annual_return",
            "sharpe",
            "max_drawdown",
            "volatility",
            "trades",
            "mean_exposure",
        )
        return {
            "rank": self.rank,
            "name": self.name,
            "kind": self.kind,
            "told": self.told,
            "identity": self.identity,
            "accepted": self.judged.accepted,
            **{f"train_{name}": value for name, value in self.evidence._asdict().items()},
            "training_p": self.judged.training_p,
            "test_p": self.judged.test_p,
            "threshold": self.judged.threshold,
            "excess_sharpe": self.judged.excess_sharpe,
            **{f"training_{name}": self.training[name] for name in figures},
            **{f"test_{name}": self.metrics[name] for name in figures},
            "aggregate": self.aggregate,
            "drift_survival": self.drift,
            "noise_objective": self.noise,
            "delay_objective": self.delay,
            "chained_return": self.joins.get("chained_return", float("nan")),
            "verified": all(one != "differs" for one in self.verified.values()),
            "certified": self.certificate.get("verdict", ""),
            "reasons": "; ".join(self.judged.reasons),
            "note": self.note,
        }


@dataclass(frozen=True)
class Verdict:
    """What phase 3 says.

    Attributes
    ----------
    candidates : tuple of Candidate
        In their order.
    left_out : dict of str to str
        Test strategies that there was nothing to test of.
    chosen : str or None
        Name of the accepted one.
    looks : int
    years : float
        Length of the test period.
    period : tuple of str
        Its first and last day.
    rule : str
        How finalists were ordered.
    training_p : float
    trials : mapping of str to int
        What it is over: see `Skill.counts`.
    choice : str
        Where the choice is written; empty where there is none.
    """

    candidates: tuple[Candidate, ...]
    left_out: dict[str, str]
    chosen: str | None
    looks: int
    years: float
    period: tuple[str, str]
    rule: str
    training_p: float
    trials: Mapping[str, int]
    choice: str = ""

    @property
    def trials_told(self) -> str:
        """What the training p-value is over, in a line; empty where nothing was tested."""
        return told(self.trials) if self.trials else ""

    @property
    def sentences(self) -> tuple[str, str, str]:
        """The verdict in three sentences: the choice, the reason, what the test could see."""
        k = len(self.candidates)
        begin, end = self.period
        if not k:
            return (
                "Nothing was tested.",
                " ".join(self.left_out.values()) + ".",
                "The test data stay unseen.",
            )
        limit = self.candidates[0].judged.threshold
        third = f"Mind that {power_told(self.years, limit)}."
        seen = f"looked at {self.looks} time{'s' if self.looks > 1 else ''}"
        if self.chosen is None:
            first = f"None of these: of {k} finalists, none is accepted on {begin} to {end}, {seen}."
            best = self.candidates[0]
            return (
                first,
                f"The first, {best.name}, is refused because {' and '.join(best.judged.reasons)}.",
                third,
            )
        one = next(one for one in self.candidates if one.name == self.chosen)
        first = (
            f"Accepted: {one.name} ({one.told}), number {one.rank} of {k} finalists on {begin} to {end}, "
            f"{seen}."
        )
        second = (
            f"Its return beyond its exposure has a Sharpe ratio of {one.judged.excess_sharpe:.2f} "
            f"(p {p_told(one.judged.test_p, 4)}, at most {limit:.4f} allowed) after p "
            f"{p_told(self.training_p)} over {sum(self.trials.values()):,} trials in training."
        )
        return first, second, third

    def plain(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return {
            "chosen": self.chosen,
            "sentences": list(self.sentences),
            "looks": self.looks,
            "period": list(self.period),
            "years": self.years,
            "rule": self.rule,
            "training_p": self.training_p,
            "trials": dict(self.trials),
            "trials_told": self.trials_told,
            "left_out": dict(self.left_out),
            "choice": self.choice,
            "candidates": [
                {
                    **one.row(),
                    "joins": one.joins,
                    "verified_runs": one.verified,
                    "certificate": one.certificate,
                    "refused_because": list(one.judged.reasons),
                }
                for one in self.candidates
            ],
        }
