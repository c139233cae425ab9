"""From answers to the verdict: each finalist judged, the first that passes chosen, all of it written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from admf_ray.analysis.robustness import as_scores
from admf_ray.config.base import plain
from admf_ray.config.schema import PipelineConfig
from admf_ray.phases.analysis.skill import Skill
from admf_ray.phases.search import Search
from admf_ray.phases.validation.acceptance import Judged, first_accepted, judge
from admf_ray.phases.validation.case import TestCase
from admf_ray.phases.validation.choice import CHOICE, choice_text
from admf_ray.phases.validation.comparison import compared
from admf_ray.phases.validation.evidence import Evidence, rule_told, survival
from admf_ray.phases.validation.exam import Hall
from admf_ray.phases.validation.quarters import joins_told
from admf_ray.phases.validation.verdict import Candidate, Verdict
from admf_ray.phases.validation.written import write_validation
from admf_ray.phases.written import finite
from admf_ray.results.store import RunStore

__all__ = ["Judging"]


@dataclass(frozen=True)
class Judging:
    """What a verdict rests on, besides the test itself.

    Attributes
    ----------
    config : PipelineConfig
    store : RunStore
    search : Search
    hall : Hall
        Of training.
    trained : mapping of str to dict
        Answers there.
    evidence : mapping of str to Evidence
    left_out : dict of str to str
    objective : str
    maximize : bool
    """

    config: PipelineConfig
    store: RunStore
    search: Search
    hall: Hall
    trained: Mapping[str, Any]
    evidence: Mapping[str, Evidence]
    left_out: dict[str, str]
    objective: str
    maximize: bool

    def nothing(self) -> Verdict:
        """Return and write the verdict where there is nothing to test; the test data stay closed."""
        verdict = Verdict((), self.left_out, None, 0, 0.0, ("", ""), self._rule, float("nan"), {})
        write_validation(self.store, verdict, {}, {}, {}, (self.hall, self.hall))
        self.store.remove(CHOICE)  # of an earlier verdict
        return verdict

    def verdict(
        self,
        order: Sequence[TestCase],
        tested: Mapping[str, Any],
        hall: Hall,
        skill: Skill,
        looks: int,
        certificates: Mapping[str, dict[str, str]],
    ) -> Verdict:
        """Judge the finalists in their order and write the verdict, its tables and the choice."""
        k, bars, left_out, p = len(order), hall.bars, dict(self.left_out), skill.superior.spa_p
        candidates = []
        for rank, case in enumerate(order, 1):
            answer = tested[case.name]
            if "error" in answer:
                left_out[case.name] = answer["error"]
                continue
            certificate = certificates.get(case.name, {})
            judged = self._judged(answer, hall, p, k, looks, certificate)
            candidates.append(self._candidate(rank, case, answer, judged, certificate))
        chosen = first_accepted([one.name for one in candidates], [one.judged for one in candidates])
        days = bars.day[hall.full.start], bars.day[hall.full.stop - 1]
        first, last = (str(np.datetime64(int(day), "D")) for day in days)
        verdict = Verdict(
            tuple(candidates), left_out, chosen, looks, hall.full.n_bars / bars.bars_per_year, (first, last),
            self._rule, p, skill.counts, self.store.uri_of(CHOICE) if chosen else "",
        )  # fmt: skip
        names = () if self.search.classifier is None else self.search.classifier.names
        seed, halls = self._phase.validation.seed, (self.hall, hall)
        beside = {
            one.name: compared(self.trained[one.name], tested[one.name], halls, names, seed)
            for one in candidates
        }
        write_validation(self.store, verdict, self.trained, tested, beside, halls)
        if chosen:
            case = next(case for case in order if case.name == chosen)
            self._write_choice(case, verdict, tested[chosen]["hashes"], hall)
        else:
            self.store.remove(CHOICE)  # of an earlier verdict
        return verdict

    @property
    def _phase(self) -> Any:
        return self.config.phase_3_test

    @property
    def _rule(self) -> str:
        return rule_told(self._phase.final_selection)

    def _judged(
        self,
        answer: Mapping[str, Any],
        hall: Hall,
        p: float,
        k: int,
        looks: int,
        certificate: Mapping[str, str],
    ) -> Judged:
        same = all(one != "differs" for one in answer["verified"].values())
        verified = same and certificate.get("verdict", "PASS") == "PASS"
        return judge(hall.excess(answer), p, hall.bars.bars_per_year, k, looks, verified)

    def _candidate(
        self, rank: int, case: TestCase, answer: dict[str, Any], judged: Judged, certificate: dict[str, str]
    ) -> Candidate:
        near = np.array([self._score(one["metrics"]) for one in answer["neighbours"]])
        quarters = np.array([self._score(one) for one in answer["windows"].values()])
        aggregate = float(near[0])
        if self._phase.final_selection.aggregate_container_results:
            aggregate = float(np.median(np.concatenate([quarters, near])))
        return Candidate(
            rank, case.name, case.kind, case.told(), case.identity, self.evidence[case.name], judged,
            answer["metrics"], self.trained[case.name]["metrics"], aggregate, survival(near, self.maximize),
            float(np.median([self._score(one) for one in answer["noise"]])), self._score(answer["delay"]),
            joins_told(answer) if answer["windows"] else {}, answer["verified"], certificate, case.note,
        )  # fmt: skip

    def _score(self, metrics: Mapping[str, float]) -> float:
        values = np.array(metrics[self.objective]), np.array(metrics["trades"])
        return float(as_scores(*values, maximize=self.maximize))

    def _write_choice(self, case: TestCase, verdict: Verdict, hashes: Mapping[str, str], hall: Hall) -> None:
        one = next(one for one in verdict.candidates if one.name == case.name)
        mining, span = self.config.phase_1_mining, self.search.span
        trained = self.search.bars.slice(span.start, span.stop)
        data = {
            "training": plain(mining.data),
            "test": plain(self._phase.data),
            "regimes": plain(mining.regimes),
            "seed": mining.parameter_search.seed,
            "training_hash": self.search.bars.content_hash,
            "training_days": [str(day) for day in trained.dates],
            "test_hash": hall.bars.content_hash,
        }
        evidence = {**finite(one.row()), **{f"test_hash_{name}": value for name, value in hashes.items()}}
        text = choice_text(case, self.config.strategies, evidence, data)
        self.store.write_bytes(CHOICE, text.encode())
