"""What speaks for and against a finalist, in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from admf_ray.phases.analysis.overfitting import Luck
from admf_ray.phases.mined import Mined

__all__ = ["reasons"]

SURE = 0.95
FEW_TRADES = 30
PLATEAU, SPIKE = 0.7, 0.5
MOST_IN_ONE = 0.7
COST_ROOM, COST_TIGHT = 3.0, 1.5
WELL_BELOW_HALF = 0.3

Reason = tuple[bool, str]


def reasons(
    scores: Mapping[str, float],
    luck: Luck,
    mined: Mined,
    regimes: tuple[str, str],
    score: float,
    of: int,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (for, against): each a short sentence with its number.

    Parameters
    ----------
    scores : mapping of str to float
        See `ordering.Standing.scores`.
    luck : Luck
    mined : Mined
    regimes : (str, str)
        The worst regime, and the one that brought the most.
    score : float
        What it is ordered by.
    of : int
        Candidates it was ranked among.
    """
    found = [
        *_plateau(scores, mined),
        *_windows(scores, mined),
        *_regimes(scores, regimes),
        *_luck(scores, luck),
        *_costs(scores),
    ]
    if score < 0.5 and of > 2:
        found.append((False, f"in the lower half of {of} candidates by the weighed evidence"))
    good, bad = (tuple(text for ok, text in found if ok is side) for side in (True, False))
    return good, bad


def _plateau(scores: Mapping[str, float], mined: Mined) -> Iterator[Reason]:
    stable, kept = scores["stability"], scores["drift"]
    name = mined.objective
    if not math.isnan(stable):
        low = scores["robust_score"]
        near = f"{name} {scores['objective']:.2f}, lower quartile of its neighbourhood {low:.2f}"
        if stable >= PLATEAU:
            yield True, f"a plateau: {near}"
        elif stable < SPIKE:
            yield False, f"a spike: {near}"
    if not math.isnan(kept):
        yield kept >= PLATEAU, f"{kept:.0%} of its neighbours keep half of its {name} on training data"


def _windows(scores: Mapping[str, float], mined: Mined) -> Iterator[Reason]:
    share = scores["profitable_frac"]
    if math.isnan(share):
        return
    won, n = round(share * len(mined.folds)), len(mined.folds)
    yield (
        share > 0.5 and scores["consistency"] > 0.5,
        f"profit in {won} of {n} test windows, the worst {scores['worst_return']:+.1%}, "
        f"consistency {scores['consistency']:.2f}",
    )


def _regimes(scores: Mapping[str, float], regimes: tuple[str, str]) -> Iterator[Reason]:
    worst, share = scores["worst_regime"], scores["best_regime_share"]
    if not math.isnan(worst):
        yield worst > 0, f"Sharpe {worst:.2f} in its worst regime, {regimes[0]}"
    if share > MOST_IN_ONE:
        yield False, f"{share:.0%} of its winnings come from one regime, {regimes[1]}"


def _luck(scores: Mapping[str, float], luck: Luck) -> Iterator[Reason]:
    trials, effective = luck.trials.total, luck.on["excess"].effective
    dsr, other = scores["dsr_excess"], scores["dsr_effective_excess"]
    if not math.isnan(dsr):
        yield (
            min(dsr, other) >= SURE,
            f"deflated Sharpe of skill {dsr:.2f} over {trials:,} trials, {other:.2f} over {effective:,.0f} "
            f"effective ones (sure from {SURE})",
        )
    chance = luck.pbo_robust.pbo
    if not math.isnan(chance):
        said = f"what was selected this way was below the median elsewhere in {chance:.0%} of splits"
        yield chance < WELL_BELOW_HALF, said
    p = luck.superior["excess"].spa_p
    yield p <= 0.05, f"best of all points against exposure-matched buy and hold: SPA p {p:.3f}"
    timing = scores["random_entry_p"]
    if not math.isnan(timing):
        yield timing <= 0.05, f"{timing:.0%} of random shifts of its positions earn as much"


def _costs(scores: Mapping[str, float]) -> Iterator[Reason]:
    gone, paid, trades = scores["break_even_bps"], scores["cost_bps"], scores["trades"]
    if not math.isnan(gone):
        if math.isinf(gone):
            yield True, f"outlasts any cost tried, {paid:.1f} bps a fill are paid"
        elif paid == 0:
            yield False, f"no cost was configured; the profit is gone at {gone:.1f} bps a fill"
        elif gone >= COST_ROOM * paid or gone < COST_TIGHT * paid:
            yield gone >= COST_ROOM * paid, f"profit gone at {gone:.1f} bps a fill, {paid:.1f} are paid"
    if trades < FEW_TRADES:
        yield False, f"only {trades:.0f} closed trades"
