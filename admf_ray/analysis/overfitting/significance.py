"""How sure a Sharpe ratio is: probabilistic and deflated Sharpe ratios, and the bars they would need."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from admf_ray.analysis.overfitting.excess import Shape

__all__ = [
    "deflated_sharpe",
    "expected_maximum_sharpe",
    "minimum_backtest_bars",
    "minimum_track_record_bars",
    "probabilistic_sharpe",
]

NORMAL = NormalDist()


def probabilistic_sharpe(seen: Shape, threshold: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio is above a threshold.

    Parameters
    ----------
    seen : Shape
    threshold : float
        Per bar.

    Returns
    -------
    float
        NaN where the Sharpe ratio is undefined.

    Notes
    -----
    ``Phi((SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1)/4 SR^2))``. Source: Bailey and López de
    Prado (2012), "The Sharpe ratio efficient frontier", probabilistic Sharpe
    ratio.

    Examples
    --------
    >>> probabilistic_sharpe(Shape(0.1, 0.0, 3.0, 100), threshold=0.1)
    0.5
    """
    if math.isnan(seen.sharpe):
        return math.nan
    return NORMAL.cdf((seen.sharpe - threshold) * math.sqrt((seen.n_bars - 1) / _spread(seen)))


def minimum_track_record_bars(seen: Shape, threshold: float = 0.0, confidence: float = 0.95) -> float:
    """Return the bars after which `probabilistic_sharpe` reaches a confidence, all else staying as seen.

    Parameters
    ----------
    seen : Shape
    threshold : float
        Per bar.
    confidence : float
        Above 0.5.

    Returns
    -------
    float
        Not rounded; inf where the Sharpe ratio is not above the threshold; NaN where it is undefined.

    Notes
    -----
    Source: Bailey and López de Prado (2012), minimum track record length.
    """
    ahead = seen.sharpe - threshold
    if ahead <= 0.0:
        return math.inf
    return 1.0 + _spread(seen) * (NORMAL.inv_cdf(confidence) / ahead) ** 2


def expected_maximum_sharpe(n_trials: float, trial_spread: float) -> float:
    """Return the best Sharpe ratio to expect among trials without skill.

    Parameters
    ----------
    n_trials : float
        >= 1; an effective number need not be whole.
    trial_spread : float
        Standard deviation of the trials' per-bar Sharpe ratios.

    Returns
    -------
    float
        Per bar; 0 for one trial.

    Notes
    -----
    ``spread ((1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e)))``, ``g`` Euler's constant, ``Z`` the normal quantile;
    not below 0. Source: Bailey and López de Prado (2014), "The deflated Sharpe ratio", eq. 1.
    """
    if n_trials <= 1.0:
        return 0.0
    first = NORMAL.inv_cdf(1.0 - 1.0 / n_trials)
    second = NORMAL.inv_cdf(1.0 - 1.0 / (n_trials * math.e))
    return trial_spread * max((1.0 - np.euler_gamma) * first + np.euler_gamma * second, 0.0)


def deflated_sharpe(seen: Shape, n_trials: float, trial_spread: float) -> float:
    """Return the probability that a selected point's true Sharpe ratio is above what luck alone selects.

    Parameters
    ----------
    seen : Shape
        Of the selected point.
    n_trials, trial_spread : float
        As in `expected_maximum_sharpe`: either all points and their standard deviation, or
        `effective_trials` and `effective_trials_spread`.

    Returns
    -------
    float
        `probabilistic_sharpe` against `expected_maximum_sharpe`; for one trial, against 0.

    Notes
    -----
    Source: Bailey and López de Prado (2014), eq. 2.
    """
    return probabilistic_sharpe(seen, expected_maximum_sharpe(n_trials, trial_spread))


def minimum_backtest_bars(n_trials: float, sharpe: float) -> float:
    """Return the bars below which trials without skill are expected to show this Sharpe ratio.

    Parameters
    ----------
    n_trials : float
    sharpe : float
        Per bar.

    Returns
    -------
    float
        Not rounded; inf for a Sharpe ratio <= 0.

    Notes
    -----
    The n at which `expected_maximum_sharpe` with spread ``1/sqrt(n)`` equals it. Source: Bailey, Borwein,
    López de Prado and Zhu (2014), "Pseudo-mathematics and financial charlatanism", minimum backtest
    length, in bars.
    """
    if sharpe <= 0.0:
        return math.inf
    return (expected_maximum_sharpe(n_trials, 1.0) / sharpe) ** 2


def _spread(seen: Shape) -> float:
    """Variance of the Sharpe ratio's estimate, times n - 1."""
    return 1.0 - seen.skew * seen.sharpe + (seen.kurtosis - 1.0) / 4.0 * seen.sharpe**2
