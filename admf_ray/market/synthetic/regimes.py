"""Markets that change their nature, with the change known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import ConfigError
from admf_ray.market.synthetic.market import YEAR_BARS, Market, build, positive

__all__ = ["persistent_states", "regime_switching"]


def persistent_states(
    rng: np.random.Generator, n_bars: int, n_states: int, mean_run_bars: float
) -> NDArray[np.int64]:
    """Return a Markov chain that leaves its state with probability 1 ÷ mean_run_bars, evenly to the others.

    Parameters
    ----------
    rng : numpy Generator
        Source of the draws.
    n_bars, n_states : int
        Size; at least two states.
    mean_run_bars : float
        Mean length of a run, at least 1.
    """
    first = rng.integers(n_states)
    leaves = rng.random(n_bars) < 1.0 / mean_run_bars
    leaves[0] = False
    steps = np.where(leaves, rng.integers(1, n_states, n_bars), 0)
    return np.asarray((first + np.cumsum(steps)) % n_states, dtype=np.int64)


def regime_switching(
    n_bars: int = 2500,
    seed: int = 0,
    *,
    annual_drifts: Sequence[float] = (0.20, 0.0, -0.30),
    annual_volatilities: Sequence[float] = (0.10, 0.16, 0.35),
    mean_run_bars: float = 120.0,
) -> Market:
    """Return normal log returns whose drift and volatility follow a hidden Markov chain.

    Parameters
    ----------
    n_bars, seed
        As in `random_walk`.
    annual_drifts, annual_volatilities : sequence of float
        Of each regime, in order of label.
    mean_run_bars : float
        How long a regime lasts on average.

    Returns
    -------
    Market
        Truth: ``label`` int64 (n_bars,), the regime that made each bar's return; ``drifts`` and
        ``volatilities`` of one bar, by regime.

    Raises
    ------
    ConfigError
        When there are not two regimes or more, or the lists differ in length.

    Notes
    -----
    Source: Hamilton (1989), with uncorrelated returns within a regime.
    """
    positive("regime_switching", n_bars=n_bars)
    n_states = len(annual_drifts)
    if n_states < 2 or len(annual_volatilities) != n_states:
        raise ConfigError(
            f"regime_switching: needs >= 2 regimes with a drift and a volatility each, found {n_states} and "
            f"{len(annual_volatilities)}; give lists of equal length"
        )
    if mean_run_bars < 1:
        raise ConfigError(f"regime_switching.mean_run_bars: must be >= 1, found {mean_run_bars}; raise it")
    positive("regime_switching", annual_volatility=min(annual_volatilities))
    rng = np.random.default_rng(seed)
    label = persistent_states(rng, n_bars, n_states, mean_run_bars)
    drifts = np.asarray(annual_drifts, dtype=np.float64) / YEAR_BARS
    sigmas = np.asarray(annual_volatilities, dtype=np.float64) / math.sqrt(YEAR_BARS)
    returns = drifts[label] + sigmas[label] * rng.standard_normal(n_bars)
    return build(rng, returns, sigmas[label], {"label": label, "drifts": drifts, "volatilities": sigmas})
