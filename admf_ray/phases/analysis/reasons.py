"""What speaks for and against a finalist, in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from admf_ray.analysis.conclusion import p_told
from admf_ray.phases.analysis.overfitting import Luck
from admf_ray.phases.mined import Mined
from admf_ray.phases.walk import Walked

__all__ = ["reasons"]

SURE = 0.95
SURE_T = 2.0
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
    walked: Walked | None,
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
    walked : Walked or None
        What came of choosing like this in every training window.
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
        *_rule(walked),
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
        f"held through all {n} test windows it had a profit in {won}, the worst "
        f"{scores['worst_return']:+.1%} (it was chosen with them in view)",
    )


def _rule(walked: Walked | None) -> Iterator[Reason]:
    if walked is not None and not math.isnan(walked.oos_t):
        yield (
            walked.oos_t >= SURE_T,
            f"choosing like this in each training window returned {walked.stitched_return:+.1%} out of "
            f"sample, t {walked.oos_t:.2f}, profit in {walked.profitable_frac:.0%} of windows",
        )


def _regimes(scores: Mapping[str, float], regimes: tuple[str, str]) -> Iterator[Reason]:
    worst, share = scores["worst_regime"], scores["best_regime_share"]
    if not math.isnan(worst):
        yield worst > 0, f"Sharpe {worst:.2f} in its worst regime, {regimes[0]}"
    if share > MOST_IN_ONE:
        yield False, f"{share:.0%} of its winnings come from one regime, {regimes[1]}"


def _luck(scores: Mapping[str, float], luck: Luck) -> Iterator[Reason]:
    trials, effective = luck.trials.total, luck.on["excess"].effective
    skill, low, high = (scores[name] for name in ("sharpe_excess", "sharpe_excess_low", "sharpe_excess_high"))
    if not math.isnan(low):
        yield (
            low > 0,
            f"skill beyond exposure {skill:.2f}, 95 %: {low:+.2f} to {high:+.2f}, trials not counted",
        )
    needed, years = scores["min_backtest_years_excess"], scores["years"]
    if not math.isnan(needed):
        said = f"{needed:,.1f}" if math.isfinite(needed) else "any number of"
        yield (
            years > needed,
            f"{trials:,} trials without skill show as much in {said} years, here are {years:.1f}",
        )
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
    yield p <= 0.05, f"best of all points against exposure-matched buy and hold: SPA p {p_told(p)}"
    timing = scores["random_entry_p"]
    if not math.isnan(timing):
        yield timing <= 0.05, f"timing, against its positions at other times: random entry p {p_told(timing)}"


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
