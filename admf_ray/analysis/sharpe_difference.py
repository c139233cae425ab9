"""Is one return series' Sharpe ratio higher than another's over the same bars."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.bootstrap import block_length, long_run_variance, redrawn
from admf_ray.rules.compile import cached, kernel
from admf_ray.rules.metrics import NOISE

__all__ = ["SharpeDifference", "required_bars", "sharpe_difference"]

Floats = NDArray[np.float64]


# Influences count standard deviations: below this two series are one.
SAME = 1e-12


class SharpeDifference(NamedTuple):
    """How much higher the variant's Sharpe ratio is, and how sure that is.

    Attributes
    ----------
    effect : float
        Variant's per-bar Sharpe ratio less the baseline's; a series that does not vary has 0.
    error : float
        Standard error of the effect.
    low, high : float
        Bounds of the interval, equal tails.
    p_better, p_worse : float
        One-sided p-values of the variant being no better, and no worse.
    n_bars : int
    """

    effect: float
    error: float
    low: float
    high: float
    p_better: float
    p_worse: float
    n_bars: int


def sharpe_difference(
    variant: Floats,
    baseline: Floats,
    *,
    seed: int,
    block_bars: float | None = None,
    n_draws: int = 5000,
    confidence: float = 0.95,
) -> SharpeDifference:
    """Test the difference of two Sharpe ratios by a studentized bootstrap.

    Parameters
    ----------
    variant, baseline : float64 arrays (n_bars,)
        Per-bar returns over the same bars.
    seed : int
    block_bars : float, optional
        Mean block length; by default `block_length`'s of the effect's influences.
    n_draws : int
    confidence : float

    Returns
    -------
    SharpeDifference
        Equal series give effect 0, an interval of 0 and p-values of 1.

    Notes
    -----
    Source: Ledoit and Wolf (2008), "Robust performance hypothesis testing with the Sharpe ratio", their
    studentized bootstrap, with the stationary bootstrap in place of circular blocks: the standard error is
    that of `long_run_variance`; in a draw, that of its blocks' sums. p-values and interval come from the same
    draws: ``p_better = (1 + draws of t at least as high) / (1 + n_draws)``, and up to that rounding it is
    below ``(1 - confidence)/2`` where the interval is above 0. Both series are resampled together.
    """
    n = variant.size
    both = np.ascontiguousarray(np.stack([variant, baseline]))
    effect, influence = _influence(both)
    if not (np.abs(influence) > SAME).any():
        return SharpeDifference(effect, 0.0, effect, effect, 1.0, 1.0, n)
    block = block_length(influence) if block_bars is None else block_bars
    error = math.sqrt(float(long_run_variance(influence[:, None], block)[0]) / n)
    draws = np.empty(n_draws)
    run = cached(_studentized)
    for k, bars in enumerate(redrawn(n, block, n_draws, seed)):
        draws[k] = run(both, bars, effect)
    t = effect / error
    tail = (1.0 - confidence) / 2.0
    lowest, highest = np.quantile(draws, [tail, 1.0 - tail])
    return SharpeDifference(
        effect,
        error,
        effect - float(highest) * error,
        effect - float(lowest) * error,
        float(1 + (draws >= t).sum()) / (1 + n_draws),
        float(1 + (draws <= t).sum()) / (1 + n_draws),
        n,
    )


def required_bars(seen: SharpeDifference, *, level: float = 0.025, power: float = 0.8) -> float:
    """Return how many bars it would take to know an effect of this size.

    Parameters
    ----------
    seen : SharpeDifference
    level : float
        One-sided; divide it by the number of hypotheses of a family.
    power : float
        Probability of finding it.

    Returns
    -------
    float
        Not rounded; inf for an effect of 0. For a negative effect, the bars to know it is harmful.

    Notes
    -----
    ``n ((z(1 - level) + z(power)) error / effect)^2``: the standard error shrinks with the root of n.
    """
    if seen.effect == 0.0:
        return math.inf
    normal = NormalDist()
    wanted = normal.inv_cdf(1.0 - level) + normal.inv_cdf(power)
    return seen.n_bars * (wanted * seen.error / seen.effect) ** 2


def _influence(both: Floats) -> tuple[float, Floats]:
    """Return the difference of Sharpe ratios and each bar's influence on it (delta method)."""
    effect, influence = 0.0, np.zeros(both.shape[1])
    for series, sign in zip(both, (1.0, -1.0), strict=True):
        mean, square = series.mean(), (series**2).mean()
        variance = ((series - mean) ** 2).mean()
        if variance > NOISE * square:
            sd = math.sqrt(variance)
            effect += sign * mean / sd
            slopes = square / sd**3, -0.5 * mean / sd**3
            influence += sign * (slopes[0] * (series - mean) + slopes[1] * (series**2 - square))
    return float(effect), influence


@kernel
def _studentized(both: Floats, bars: NDArray[np.int64], effect: float) -> float:
    """Return a draw's effect less the seen one, over the draw's own standard error."""
    n = bars.size
    found = 0.0
    mean, square = np.zeros(2), np.zeros(2)
    by_return, by_square = np.zeros(2), np.zeros(2)
    for s in range(2):
        for t in range(n):
            r = both[s, bars[t]]
            mean[s] += r
            square[s] += r * r
        mean[s] /= n
        square[s] /= n
        variance = square[s] - mean[s] * mean[s]
        if variance > NOISE * square[s]:
            sign = 1.0 - 2.0 * s
            sd = np.sqrt(variance)
            found += sign * mean[s] / sd
            by_return[s] = sign * square[s] / (sd * sd * sd)
            by_square[s] = -0.5 * sign * mean[s] / (sd * sd * sd)
    whole, total = 0.0, 0.0
    for t in range(n):
        if t > 0 and bars[t] != (bars[t - 1] + 1) % both.shape[1]:
            total += whole * whole
            whole = 0.0
        for s in range(2):
            r = both[s, bars[t]]
            whole += by_return[s] * (r - mean[s]) + by_square[s] * (r * r - square[s])
    total += whole * whole
    return (found - effect) * n / np.sqrt(total) if total > 0.0 else 0.0
