"""How much each parameter decides, and whether that can be said at all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Importance", "permutation_importance"]

Floats = NDArray[np.float64]

MOST_POINTS = 4_000
FEWEST_POINTS = 20
N_TREES = 100
LEAF_POINTS = 2
N_SHUFFLES = 10
# A model that explains less of points it has not seen says nothing about the parameters.
LEAST_R2 = 0.1


class Importance(NamedTuple):
    """What a model of the scores rests on.

    Attributes
    ----------
    mean, spread : float64 arrays (n_params,)
        By how much R² falls when the parameter's values are shuffled, and its standard deviation over
        shuffles; NaN where not `explains`.
    r2 : float
        R² on points held out; NaN where no model was fitted.
    explains : bool
        Whether `r2` is at least `LEAST_R2`.
    n_fitted, n_held_out : int
        Points the model learned from, and was judged on.
    sampled : bool
        Whether these are a sample of the points.
    remark : str
        Why importance is not given; empty where it is.
    """

    mean: Floats
    spread: Floats
    r2: float
    explains: bool
    n_fitted: int
    n_held_out: int
    sampled: bool
    remark: str


def permutation_importance(values: Floats, score: Floats, seed: int = 0) -> Importance:
    """Return the permutation importance of each parameter for the scores' ranks.

    Parameters
    ----------
    values : float64 array (n_points, n_params)
        No NaN.
    score : float64 array (n_points,)
        Points whose score is not finite are left out.
    seed : int

    Notes
    -----
    Extremely randomised trees are fitted to a random half of at most `MOST_POINTS` points and judged on
    the other half, which on a grid lies between them: R² is that of interpolation. Ranks, so that a few
    extreme scores do not decide. Where constraints tie parameters together, shuffling one makes points
    that were never searched, and what they share is counted for each. The order of points does not matter.
    Source: Breiman (2001), "Random forests", section 10; Geurts, Ernst and Wehenkel (2006), "Extremely
    randomized trees"; both scikit-learn's.
    """
    from scipy.stats import rankdata
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.inspection import permutation_importance as shuffled
    from sklearn.metrics import r2_score

    known = np.isfinite(score)
    x, y = values[known], score[known]
    n, n_params = x.shape
    if n < FEWEST_POINTS:
        return _untold(n_params, f"{n} points with a score; importance needs {FEWEST_POINTS}")
    if (y == y[0]).all():
        return _untold(n_params, "all scores are equal")
    ranks = rankdata(y) / n
    # one order whatever order the points came in
    canonical = np.lexsort((ranks, *x.T[::-1]))
    random = np.random.default_rng(seed)
    places = canonical[random.permutation(n)[:MOST_POINTS]]
    half = len(places) // 2
    fitted, held = places[:half], places[half:]
    if (ranks[held] == ranks[held[0]]).all():
        return _untold(n_params, "all scores held out are equal")
    state = int(random.integers(2**31))
    model = ExtraTreesRegressor(N_TREES, min_samples_leaf=LEAF_POINTS, n_jobs=1, random_state=state)
    model.fit(x[fitted], ranks[fitted])
    r2 = float(r2_score(ranks[held], model.predict(x[held])))
    sampled = len(places) < n
    if r2 < LEAST_R2:
        remark = f"the parameters explain R² {r2:.2f} of scores held out, less than {LEAST_R2}"
        return Importance(*_nothing(n_params), r2, False, half, len(held), sampled, remark)
    found = shuffled(model, x[held], ranks[held], n_repeats=N_SHUFFLES, random_state=state, n_jobs=1)
    mean, spread = found.importances_mean, found.importances_std
    return Importance(mean, spread, r2, True, half, len(held), sampled, "")


def _nothing(n_params: int) -> tuple[Floats, Floats]:
    return np.full(n_params, np.nan), np.full(n_params, np.nan)


def _untold(n_params: int, remark: str) -> Importance:
    return Importance(*_nothing(n_params), float("nan"), False, 0, 0, False, remark)
