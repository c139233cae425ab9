"""The hidden Markov classifier: normal returns whose mean and volatility follow an unseen chain."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.regimes.classifier import UNKNOWN, RegimeClassifier
from admf_ray.components.indicators import rolling_std
from admf_ray.errors import DataError
from admf_ray.rules.compile import cached, kernel

__all__ = ["HiddenMarkov", "fit_hidden_markov", "forward"]

Floats = NDArray[np.float64]

STARTS = 8
MAX_STEPS = 200
# Of a likelihood of some thousands; further steps move no label.
TOLERANCE = 1e-3
VOLATILITY_BARS = 20
# A start whose states would be left sooner finds mixtures of single bars, not regimes.
STAY = (0.9, 0.99)
# Share of the variance of all returns that a state must have: fewer is a state of equal returns.
LEAST_VARIANCE = 1e-3


@dataclass(frozen=True)
class HiddenMarkov(RegimeClassifier):
    """The most probable state given the returns up to now.

    Parameters
    ----------
    means, sigmas : tuple of float (n_states,)
        Of one bar's simple return in each state.
    transition : tuple of tuples of float (n_states, n_states)
        ``transition[i][j]``: probability of state j after state i.

    Notes
    -----
    Every state is equally probable before the first return. The first bar has no return, so no label.
    Source: Hamilton (1989), "A new approach to the economic analysis of nonstationary time series and the
    business cycle", whose filter this is; without autoregression, as Rydén, Teräsvirta and Åsbrink (1998),
    "Stylized facts of daily return series and the hidden Markov model".
    """

    means: tuple[float, ...]
    sigmas: tuple[float, ...]
    transition: tuple[tuple[float, ...], ...]

    def probabilities(self, returns: Floats) -> Floats:
        """Return the filtered probability of each state after each return, shape (n, n_states)."""
        return np.asarray(
            cached(forward)(
                np.ascontiguousarray(returns),
                np.array(self.means),
                np.array(self.sigmas),
                np.array(self.transition),
            )
        )

    def _label(self, returns: Floats) -> NDArray[np.int64]:
        known = self.probabilities(returns[1:]).argmax(axis=1)
        return np.concatenate([[UNKNOWN], known]).astype(np.int64)


@kernel
def forward(returns, means, sigmas, transition):  # type: ignore[no-untyped-def]  # numba types it
    """Return the forward probabilities, normalised at each return, shape (n, n_states).

    Notes
    -----
    Densities relative to the largest, so that no return underflows. Source: Rabiner (1989), "A tutorial on
    hidden Markov models", eqs. 19-20 and 91.
    """
    n, k = returns.size, means.size
    out = np.empty((n, k))
    before = np.full(k, 1.0 / k)
    density = np.empty(k)
    for t in range(n):
        for j in range(k):
            z = (returns[t] - means[j]) / sigmas[j]
            density[j] = -0.5 * z * z - np.log(sigmas[j])
        top = density.max()
        total = 0.0
        for j in range(k):
            out[t, j] = before[j] * np.exp(density[j] - top)
            total += out[t, j]
        if total > 0.0:
            for j in range(k):
                out[t, j] /= total
        else:  # the one state that could have made this return was impossible
            out[t] = before
        for j in range(k):
            before[j] = 0.0
            for i in range(k):
                before[j] += out[t, i] * transition[i, j]
    return out


def fit_hidden_markov(returns: Floats, n_states: int, seed: int) -> HiddenMarkov:
    """Return the likeliest of several fits by expectation maximisation.

    Parameters
    ----------
    returns : float64 array (n_bars,)
        As `index_returns`, of the training bars; at least two different ones.
    n_states, seed : int

    Raises
    ------
    DataError
        Every start lost a state.

    Notes
    -----
    Starts differ in their states' volatilities, which are quantiles of the trailing ones, and in how long
    states last. hmmlearn's small prior on variances keeps a state from shrinking onto one return. States
    are ordered by the sign of their mean, rising first, then by volatility: a mean's size is too uncertain
    to order by, its volatility is not.
    """
    own = returns[1:]
    centre, scale = float(own.mean()), float(own.std())
    x = (own - centre) / scale
    rng = np.random.default_rng(seed)
    fits = [_fit_from(x, *_start(x, n_states, rng)) for _ in range(STARTS)]
    score, means, sigmas, transition = max(fits, key=lambda one: one[0])
    if score == -np.inf:
        raise DataError(
            f"regimes: hidden_markov of {n_states} states needs states that all occur, found none in "
            f"{STARTS} starts; lower regimes.n_states"
        )
    means, sigmas = centre + scale * means, scale * sigmas
    order = np.lexsort((sigmas, means < 0.0))
    means, sigmas, transition = means[order], sigmas[order], transition[np.ix_(order, order)]
    names = ["down" if mean < 0.0 else "up" for mean in means]
    return HiddenMarkov(
        "hidden_markov",
        tuple(f"{name}_{names[: k + 1].count(name)}" for k, name in enumerate(names)),
        tuple(means.tolist()),
        tuple(sigmas.tolist()),
        tuple(tuple(row) for row in transition.tolist()),
    )


def _start(x: Floats, n_states: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Draw means, variances and transitions to start from."""
    spread = rolling_std(x, VOLATILITY_BARS)
    spread = np.quantile(spread[np.isfinite(spread)], np.sort(rng.random(n_states)))
    stay = rng.uniform(*STAY, n_states)[:, None]
    transition = np.where(np.eye(n_states) > 0, stay, (1.0 - stay) / (n_states - 1))
    return rng.normal(0.0, 0.1, n_states), np.maximum(spread**2, LEAST_VARIANCE), transition


def _fit_from(
    x: Floats, means: Floats, variances: Floats, transition: Floats
) -> tuple[float, Floats, Floats, Floats]:
    """Return log likelihood, means, standard deviations and transitions after the last step."""
    from hmmlearn.hmm import GaussianHMM  # a second, needed once a run

    # it logs when the prior on variances makes the likelihood fall a little at the end
    logging.getLogger("hmmlearn.base").setLevel(logging.ERROR)
    k = means.size
    model = GaussianHMM(k, "diag", n_iter=MAX_STEPS, tol=TOLERANCE, params="tmc", init_params="")
    model.startprob_ = np.full(k, 1.0 / k)
    model.means_, model.covars_, model.transmat_ = means[:, None], variances[:, None], transition
    model.fit(x[:, None])
    sigmas = np.sqrt(np.maximum(model.covars_.reshape(-1), LEAST_VARIANCE))
    rows = model.transmat_.sum(axis=1)
    usable = np.isfinite(model.means_).all() and np.allclose(rows, 1.0)  # a state never left has no row
    score = float(model.score(x[:, None])) if usable else -np.inf
    return score, model.means_.reshape(-1), sigmas, model.transmat_
