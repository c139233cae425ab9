"""Candidates: the points that are looked at one by one, chosen from the table and replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.robustness import as_scores, best_first
from admf_ray.engine.assembly import build_container, replay_in
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.outcome import ReplayResult, curve_returns
from admf_ray.phases.analysis.rows import Subject
from admf_ray.phases.mined import By
from admf_ray.space.parameters import parameters_text

__all__ = ["Candidate", "choose", "read"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BEST_FRAC = 0.6
EACH = 3
POOL_FRAC = 0.25
MOST_POOLED = 5_000
EACH_WINDOW = ("total_return", "trades")
FULL = ("bars", "annual_return", "max_drawdown", "exposure", "mean_exposure")
BY_REGIME = ("sharpe", "pnl", "exposed_bars")


@dataclass(frozen=True)
class Candidate:
    """A point that is looked at by itself.

    Attributes
    ----------
    subject : Subject
    place : int
        Its row; a point of the grid.
    result : ReplayResult
        Of the window ``full``, in a container of its own.
    returns : float64 array (n_bars,)
    conditions : Conditions
    figures : mapping of (name, window) to float
        Stored figures: `FULL` and the regimes' of ``full``, `EACH_WINDOW` and the objective of every window.
    """

    subject: Subject
    place: int
    result: ReplayResult
    returns: Floats
    conditions: Conditions
    figures: Mapping[tuple[str, str], float]

    @property
    def point_id(self) -> int:
        """Its number."""
        return int(self.subject.ids[self.place])

    @cached_property
    def row(self) -> Floats:
        """Its row of the stack."""
        return self.subject.searched.row(self.place)

    @property
    def parameters(self) -> dict[str, Any]:
        """The searched parameters."""
        return self.subject.searched.parameters(self.place)

    @property
    def name(self) -> str:
        """Strategy and parameters in one word, ``ma_crossover(fast=5, slow=40)``."""
        return f"{self.subject.label}({parameters_text(self.parameters)})"

    @property
    def key(self) -> dict[str, Any]:
        """What a table names it by."""
        strategy = self.subject.searched.stack.strategy.label()
        return {
            "point_id": self.point_id,
            "strategy": strategy,
            "source": self.subject.source,
            "parameters": parameters_text(self.parameters),
        }

    def figure(self, name: str, window: str = "full") -> float:
        """Return a stored figure."""
        return self.figures[name, window]

    def score(self, window: str) -> float:
        """Return its objective in a window, higher better; no trades: 0, failed: -inf."""
        searched = self.subject.searched
        both = (np.array([self.figure(name, window)]) for name in (searched.objective, "trades"))
        return float(as_scores(*both, maximize=searched.maximize)[0])

    @cached_property
    def weights(self) -> Floats:
        """Position value over equity at the last bar's close, held into each bar, (n_bars, n_symbols)."""
        r, window = self.result, self.conditions.windows[self.conditions.full]
        bars = self.conditions.bars
        close = np.nan_to_num(bars.close[window.start : window.stop])
        units = np.array([one.multiplier for one in bars.instruments])
        alive = np.where(r.equity > 0, r.equity, np.inf)
        held = r.positions * close * units / alive[:, None]
        return np.vstack([np.zeros((1, held.shape[1])), held[:-1]])


def choose(
    subjects: Sequence[Subject], by: By, n: int, chosen: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Return (subject, row) of the candidates, best first.

    Parameters
    ----------
    subjects : sequence of Subject
    by : {"robust_score", "objective"}
        What selection goes by.
    n : int
        How many; fewer where there are no more points that trade.
    chosen : sequence of (subject, row)
        What training windows selected; always candidates.

    Notes
    -----
    60 % are the best by that score over all strategies. Then come three of each strategy and what training
    windows selected, and for the rest, among the best quarter of the points, each time the one least
    correlated with those there, by its sums over slices: the best alone are often one bet. Points that
    never trade, and points with the same slice sums as one before, are left out. Ties in lattice order.
    """
    scores, owner, place, sums = [], [], [], []
    for k, one in enumerate(subjects):
        n_points = one.searched.n_points
        own = (
            one.searched.robust("full").robust_score if by == "robust_score" else one.searched.scores("full")
        )
        traded = one.searched.figure("fills", "full")[:n_points] > 0
        good = one.ok[one.ok < n_points]
        good = good[traded[good] & np.isfinite(own[good])]
        scores.append(own[good])
        owner.append(np.full(good.size, k))
        place.append(good)
        sums.append(one.sums[np.searchsorted(one.ok, good), :, 0])
    score, of, at, profile = (np.concatenate(column) for column in (scores, owner, place, sums))
    order = best_first(score)
    if not order.size:
        return []
    _, first = np.unique(profile[order], axis=0, return_index=True)
    order = order[np.sort(first)]
    must = order[_among(np.column_stack([of, at])[order], np.array(chosen).reshape(-1, 2))].tolist()
    best = [int(i) for i in order[: int(np.ceil(BEST_FRAC * n))]]
    each = [int(i) for k in range(len(subjects)) for i in order[of[order] == k][:EACH]]
    taken = list(dict.fromkeys([*best, *each, *must]))[: max(n, len(must))]
    pool = order[: min(max(int(POOL_FRAC * len(order)), n), MOST_POOLED)]
    taken += _diverse(profile, taken, pool[~np.isin(pool, taken)], n - len(taken))
    return [(int(of[i]), int(at[i])) for i in order[np.isin(order, taken)]]


def _among(pairs: Ints, wanted: Ints) -> NDArray[np.bool_]:
    """Tell which pairs of whole numbers from 0 are among those wanted, bool (n,)."""
    width = max(pairs[:, 1].max(), wanted[:, 1].max(initial=0)) + 1
    mine, its = (one[:, 0] * width + one[:, 1] for one in (pairs, wanted))
    return np.isin(mine, its)


def _diverse(profile: Floats, taken: list[int], pool: Ints, n: int) -> list[int]:
    """Return `n` of the pool, each the least like those before it."""
    if n <= 0 or not pool.size:
        return []
    unit = _unit(profile[pool])
    likeness = (unit @ _unit(profile[taken]).T).max(axis=1)
    found = []
    for _ in range(min(n, len(pool))):
        k = int(np.argmin(likeness))
        found.append(int(pool[k]))
        likeness = np.maximum(likeness, unit @ unit[k])
        likeness[k] = np.inf
    return found


def _unit(profile: Floats) -> Floats:
    """Return profiles less their means, at length 1."""
    rest = profile - profile.mean(axis=1, keepdims=True)
    size = np.sqrt((rest**2).sum(axis=1, keepdims=True))
    found: Floats = rest / np.where(size > 0, size, 1.0)
    return found


def read(
    conditions: Conditions, subjects: Sequence[Subject], places: Sequence[tuple[int, int]]
) -> list[Candidate]:
    """Return candidates with their stored figures and their replays over the window ``full``.

    Parameters
    ----------
    conditions : Conditions
    subjects : sequence of Subject
    places : sequence of (subject, row)

    Notes
    -----
    Figures are read for all candidates of a strategy together, a window at a time; each replay is in a
    container of its own.
    """
    figures: dict[tuple[int, int], dict[tuple[str, str], float]] = {at: {} for at in places}
    for k, one in enumerate(subjects):
        own = [place for of, place in places if of == k]
        if not own:
            continue
        searched = one.searched
        stored = replace(searched.figures, ids=one.ids[own])
        regimes = stored.context.regimes
        for window in conditions.windows:
            names = [searched.objective, *EACH_WINDOW]
            if window.name == "full":
                names += [*FULL, *(f"{name}@{regime}" for name in BY_REGIME for regime in regimes)]
            for name, column in stored.columns(list(dict.fromkeys(names)), window.name).items():
                for place, value in zip(own, column.tolist(), strict=True):
                    figures[k, place][name, window.name] = value
    return [_replayed(conditions, subjects[k], place, figures[k, place]) for k, place in places]


def _replayed(
    conditions: Conditions, subject: Subject, place: int, figures: Mapping[tuple[str, str], float]
) -> Candidate:
    stack = subject.searched.stack
    row = subject.searched.row(place)
    part = next(
        one for one in conditions.parts(stack.strategy.fit is not None) if conditions.full in one.columns
    )
    w = int(np.flatnonzero(part.columns == conditions.full)[0])
    with build_container(f"candidate_{stack.strategy.label()}", part.bars, stack, row) as box:
        box.initialize_scope()
        result = replay_in(
            box, stack, row, part.windows[w], part.trains[w], part.market, part.labels, part.n_regimes
        )
    cash = float(stack.part_values(row)[-1].initial_cash)
    return Candidate(subject, place, result, curve_returns(result.equity, cash), conditions, figures)
