"""What an experiment's numbers say, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Conclusion", "conclude", "holm", "p_told"]

Floats = NDArray[np.float64]
Conclusion = Literal["improves", "no evidence", "harms", "no trades"]

LEVEL = 0.025


def holm(p_values: Sequence[float]) -> Floats:
    """Return p-values that stay true when the smallest of a family is picked.

    Parameters
    ----------
    p_values : sequence of float
        Of all hypotheses of the family, 1 for those that could not be tested.

    Returns
    -------
    float64 array (n_hypotheses,)
        Adjusted, in the same order.

    Notes
    -----
    Source: Holm (1979), "A simple sequentially rejective multiple test procedure"; computed by
    statsmodels.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    if not len(p_values):
        return np.empty(0)
    from statsmodels.stats.multitest import multipletests  # half a second, needed once a run

    return np.asarray(multipletests(p_values, method="holm")[1])


def p_told(p: float, digits: int = 3) -> str:
    """Return a p-value as sentences have it: never 0, which no test can show.

    Examples
    --------
    >>> p_told(0.0123), p_told(0.0002), p_told(0.0002, 4)
    ('0.012', 'below 0.001', '0.0002')
    """
    text = f"{p:.{digits}f}"
    return text if float(text) else f"below {10.0**-digits:.{digits}f}"


def conclude(trades: float, p_better: float, p_worse: float, *, level: float = LEVEL) -> Conclusion:
    """Return the word that follows from an experiment's numbers.

    Parameters
    ----------
    trades : float
        Out-of-sample trades of the variant.
    p_better, p_worse : float
        One-sided, each after `holm` over the family.
    level : float

    Returns
    -------
    {"improves", "no evidence", "harms", "no trades"}

    Examples
    --------
    >>> conclude(120, 0.01, 0.99), conclude(120, 0.4, 0.6), conclude(0, 1.0, 1.0)
    ('improves', 'no evidence', 'no trades')
    """
    if trades == 0:
        return "no trades"
    if p_better <= level:
        return "improves"
    return "harms" if p_worse <= level else "no evidence"
