"""From the configuration's test strategies to points: everything left open is settled on training data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.robustness import Robustness, as_scores, robustness
from admf_ray.components.registry import find
from admf_ray.config.spaces import fixed_of, stack_of
from admf_ray.config.validation import TestStrategyConfig
from admf_ray.phases.analysis.finalist import Finalist
from admf_ray.phases.mined import Mined, PointAt, Searched
from admf_ray.phases.search import Search
from admf_ray.phases.validation.case import Member, TestCase
from admf_ray.phases.validation.netting import Setting, run_case

__all__ = ["Resolved", "resolve"]

Floats = NDArray[np.float64]
FEWEST_TRADES = 30
MARKET_HANDLER = "HistoricalDataHandler"


class Resolved(NamedTuple):
    """What is tested, and what is not.

    Attributes
    ----------
    cases : tuple of TestCase
        In the configuration's order.
    left_out : dict of str to str
        Test strategies that there is nothing to test of, with the reason.
    """

    cases: tuple[TestCase, ...]
    left_out: dict[str, str]


@dataclass(frozen=True)
class _Training:
    """What test strategies are made of: phase 1's points, and phase 2's finalists where there are any."""

    search: Search
    mined: Mined
    finalists: Sequence[Finalist]

    def best(self, strategy: str | None = None) -> PointAt:
        """Return the point that selection prefers over the whole training span, of one strategy or all."""
        found = self.mined
        scores = found.scores("full", found.select_by)
        for k, one in enumerate(found.searched):
            if strategy is not None and one.stack.strategy is not find(strategy):
                begin = sum(other.n_points for other in found.searched[:k])
                scores[begin : begin + one.n_points] = -np.inf
        return found.place(int(np.argmax(np.where(np.isnan(scores), -np.inf, scores))))

    def picked(self, strategy: str | None = None) -> PointAt:
        """Return where the global pick stands: phase 2's first finalist of the grid, or phase 1's best."""
        for one in self.finalists:
            if one.source == "grid" and strategy in (None, one.strategy):
                for k, searched in enumerate(self.mined.searched):
                    own = searched.figures.ids[: searched.n_points]
                    at = np.flatnonzero(own == one.point_id)
                    if searched.stack.strategy.label() == one.strategy and at.size:
                        return PointAt(k, int(at[0]))
        return self.best(strategy)

    def pick(self, strategy: str | None = None) -> Member:
        """Return the global pick."""
        return self.member(self.picked(strategy))

    def member(self, at: PointAt) -> Member:
        one = self.mined.searched[at.strategy]
        return Member.of(one.stack, one.row(at.point))


def resolve(search: Search, mined: Mined, finalists: Sequence[Finalist] = ()) -> Resolved:
    """Return the configuration's test strategies as points.

    Parameters
    ----------
    search : Search
    mined : Mined
        Phase 1's points, complete.
    finalists : sequence of Finalist
        Phase 2's, in order; none where it has not been run.
    """
    training = _Training(search, mined, finalists)
    assert search.config.phase_3_test is not None
    cases, left_out = [], {}
    for one in search.config.phase_3_test.test_strategies:
        found = _MAKERS[one.kind](training, one)
        if isinstance(found, str):
            left_out[one.name] = found
        else:
            cases.append(found)
    return Resolved(tuple(cases), left_out)


def _filtered(training: _Training, one: TestStrategyConfig) -> TestCase:
    """Add components to the pick; its parameters stay, so that nothing more is searched."""
    pick = training.pick(one.strategy)
    components = (*training.search.config.phase_1_mining.container_components, *one.add_components)
    stack, settings = stack_of(pick.stack.strategy, components)
    row = stack.vector({**settings, **{k: v for k, v in pick.parameters().items() if k in stack.columns}})
    return TestCase(
        one.name, "filtered", Member.of(stack, row), note="the pick's parameters, nothing refitted"
    )


def _fixed(training: _Training, one: TestStrategyConfig) -> TestCase:
    return TestCase(one.name, "fixed", Member.of(*fixed_of(training.search.config, one)))


def _discovered(training: _Training, one: TestStrategyConfig) -> TestCase | str:
    """Take the first finalist that is an accepted experiment's variant."""
    for found in training.finalists:
        if found.source != "grid" and one.strategy in (None, found.strategy):
            stack = found.components.build()
            member = Member.of(stack, stack.vector(found.parameters))
            return TestCase(one.name, "discovered", member, note=f"experiment {found.source}")
    return "phase 2 accepted no modification, so there is nothing to test in its place"


def _ensemble(training: _Training, one: TestStrategyConfig) -> TestCase:
    places = [training.picked(name) for name in one.members]
    members = tuple(training.member(at) for at in places)
    kind = one.weights or "equal"
    raw = np.ones(len(members))
    if kind == "stability":
        raw = np.array([_stability(training.mined, at) for at in places])
    elif kind == "inverse_volatility":
        spread = np.array([training.mined.value(at, "full", "volatility") for at in places])
        raw = np.where(spread > 0, 1.0 / np.where(spread > 0, spread, 1.0), 0.0)
    note = f"{kind} weights, from training data"
    if not raw.sum() > 0:
        raw, note = np.ones(len(members)), f"{kind} weights are all 0 in training: equal ones"
    weights = tuple(float(w) for w in raw / raw.sum())
    return TestCase(one.name, "ensemble", members[0], members, weights, note=note)


def _stability(mined: Mined, at: PointAt) -> float:
    return mined.judgement(at, "full").get("stability", 0.0)


def _adaptive(training: _Training, one: TestStrategyConfig) -> TestCase | str:
    """Map each regime to the point that was best in it; few trades there: the global pick."""
    search, pick = training.search, training.pick(one.strategy)
    if search.classifier is None:
        return "no regimes were classified, so there is nothing to adapt to"
    chosen, notes = [], []
    for k, name in enumerate(search.classifier.names):
        best = _best_in(training, name, one.strategy)
        trades = 0 if best is None else _trades_in(search, best, k)
        if best is None or trades < FEWEST_TRADES:
            notes.append(f"{name}: the pick, {trades} trades are fewer than {FEWEST_TRADES}")
            best = pick
        chosen.append(best)
    members = tuple(dict.fromkeys([*chosen, pick]))
    by_regime = tuple(members.index(member) for member in (*chosen, pick))
    return TestCase(one.name, "adaptive", pick, members, (), by_regime, "; ".join(notes))


def _best_in(training: _Training, regime: str, strategy: str | None) -> Member | None:
    """Return the point with the best lower quartile of the regime's Sharpe ratio around it."""
    best: tuple[float, Member] | None = None
    for one in training.mined.searched:
        if strategy is not None and one.stack.strategy is not find(strategy):
            continue
        scores = _robust_in(one, regime).robust_score[:, 0]
        k = int(np.argmax(np.where(np.isnan(scores), -np.inf, scores)))
        if np.isfinite(scores[k]) and (best is None or scores[k] > best[0]):
            best = float(scores[k]), Member.of(one.stack, one.row(k))
    return None if best is None else best[1]


def _robust_in(one: Searched, regime: str) -> Robustness:
    scores = as_scores(one.figure(f"sharpe@{regime}", "full"), one.figure("trades", "full"))
    return robustness(scores[:, None], one.points.index, one.n_points)


def _trades_in(search: Search, member: Member, regime: int) -> int:
    """Return how many trades a point entered in a regime, over the training span."""
    case = TestCase("mapped", "fixed", member)
    result = run_case(case, Setting(search.bars, search.span, handler=MARKET_HANDLER)).result
    labels = search.conditions.labels
    assert labels is not None
    entries = np.array([trade.entry_bar for trade in result.trades], dtype=np.int64)
    return int((labels[np.maximum(entries - 1, 0)] == regime).sum())


_MAKERS = {
    "adaptive": _adaptive,
    "filtered": _filtered,
    "discovered": _discovered,
    "ensemble": _ensemble,
    "fixed": _fixed,
}
