"""Whether a finalist is accepted: evidence of skill in training and on test data, counting every look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.overfitting.excess import shape
from admf_ray.analysis.overfitting.significance import probabilistic_sharpe

__all__ = ["LEVEL", "Judged", "first_accepted", "judge", "power", "power_told", "threshold"]

Floats = NDArray[np.float64]
LEVEL = 0.05
NORMAL = NormalDist()


class Judged(NamedTuple):
    """One finalist's judgement.

    Attributes
    ----------
    accepted : bool
    test_p : float
        One-sided, that the test period's exposure-matched excess is luck.
    threshold : float
        What it must not exceed.
    excess_sharpe : float
        Annual Sharpe ratio of that excess; NaN where it does not vary.
    training_p : float
        Of superior predictive ability, over all trials.
    reasons : tuple of str
        What speaks against it; empty when accepted.
    """

    accepted: bool
    test_p: float
    threshold: float
    excess_sharpe: float
    training_p: float
    reasons: tuple[str, ...]


def threshold(n_finalists: int, looks: int) -> float:
    """Return the p-value a finalist must reach: 0.05 / (2 x finalists x looks).

    Examples
    --------
    >>> threshold(2, 1)
    0.0125
    """
    return LEVEL / (2.0 * n_finalists * looks)


def judge(
    excess: Floats, training_p: float, bars_per_year: float, n_finalists: int, looks: int, verified: bool
) -> Judged:
    """Judge one finalist.

    Parameters
    ----------
    excess : float64 array (n_bars,)
        Test returns less mean exposure times the benchmark's.
    training_p : float
    bars_per_year : float
    n_finalists, looks : int
    verified : bool
        Whether all its runs were verified; one that was not is never accepted.

    Notes
    -----
    p is one less the probabilistic Sharpe ratio of the excess against 0: skew and fat tails count. 1 where
    the excess does not vary. Source: Bailey and López de Prado (2012), probabilistic Sharpe ratio.
    """
    seen = shape(excess)
    probability = probabilistic_sharpe(seen)
    p = 1.0 if math.isnan(probability) else 1.0 - probability
    limit = threshold(n_finalists, looks)
    reasons = []
    if math.isnan(seen.sharpe):
        reasons.append("its test returns beyond its exposure do not vary: it did not trade")
    elif p > limit:
        reasons.append(
            f"test p {p:.4f} is above {limit:.4f} (0.05 / (2 x {n_finalists} "
            f"finalist{'s' * (n_finalists > 1)} x {looks} look{'s' * (looks > 1)}))"
        )
    if not training_p <= LEVEL:
        reasons.append(f"training p {training_p:.3f} over all trials is above {LEVEL}")
    if not verified:
        reasons.append("a run could not be repeated bit for bit")
    return Judged(not reasons, p, limit, seen.sharpe * math.sqrt(bars_per_year), training_p, tuple(reasons))


def first_accepted(names: Sequence[str], found: Sequence[Judged]) -> str | None:
    """Return the first finalist in order that is accepted; None where none is."""
    return next((name for name, one in zip(names, found, strict=True) if one.accepted), None)


def power(sharpe: float, years: float, level: float) -> float:
    """Return how likely a test at a level finds a true annual Sharpe ratio.

    Notes
    -----
    ``Phi(S sqrt(years) - z(1 - level))``: normal returns, independent bars.

    Examples
    --------
    >>> round(power(1.5, 1.0, 0.05), 2), round(power(2.0, 1.0, 0.05), 2)
    (0.44, 0.64)
    """
    return NORMAL.cdf(sharpe * math.sqrt(years) - NORMAL.inv_cdf(1.0 - level))


def power_told(years: float, level: float) -> str:
    """Return the test's power in a sentence."""
    half = -NORMAL.inv_cdf(level) / math.sqrt(years)
    first, second = power(1.5, years, level), power(2.0, years, level)
    return (
        f"{years:.1f} test years find a true Sharpe ratio of 1.5 with probability {first:.0%} and of 2 with "
        f"{second:.0%}; it takes {half:.1f} to be found every other time"
    )
