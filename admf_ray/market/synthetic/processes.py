"""Markets without any edge: what luck looks like."""

from __future__ import annotations

import math

import numpy as np

from admf_ray.errors import ConfigError
from admf_ray.market.synthetic.market import YEAR_BARS, Market, build, positive

__all__ = ["fat_tails", "garch", "random_walk"]


def random_walk(
    n_bars: int = 2500,
    seed: int = 0,
    *,
    n_symbols: int = 1,
    annual_drift: float = 0.0,
    annual_volatility: float = 0.16,
    correlation: float = 0.0,
) -> Market:
    """Return geometric Brownian motion: normal log returns, nothing to find but the drift.

    Parameters
    ----------
    n_bars, n_symbols : int
        Size.
    seed : int
        Same seed, same bits.
    annual_drift : float
        Expected log return a year of 261 bars.
    annual_volatility : float
        Standard deviation of a year's log return.
    correlation : float
        Between any two symbols' returns, 0 to 1.

    Returns
    -------
    Market
        Truth: ``drift``, ``volatility`` of one bar.

    Raises
    ------
    ConfigError
        When a figure is out of range.
    """
    positive("random_walk", n_bars=n_bars, n_symbols=n_symbols, annual_volatility=annual_volatility)
    if not 0 <= correlation <= 1:
        raise ConfigError(
            f"random_walk.correlation: must lie within 0 and 1, found {correlation}; correct it"
        )
    rng = np.random.default_rng(seed)
    drift, sigma = annual_drift / YEAR_BARS, annual_volatility / math.sqrt(YEAR_BARS)
    common, own = rng.standard_normal((n_bars, 1)), rng.standard_normal((n_bars, n_symbols))
    noise = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own
    return build(rng, drift + sigma * noise, sigma, {"drift": drift, "volatility": sigma})


def garch(
    n_bars: int = 2500,
    seed: int = 0,
    *,
    alpha: float = 0.08,
    beta: float = 0.90,
    annual_drift: float = 0.0,
    annual_volatility: float = 0.16,
) -> Market:
    """Return GARCH(1,1) returns: volatility clusters, direction cannot be known.

    Parameters
    ----------
    n_bars, seed, annual_drift, annual_volatility
        As in `random_walk`; the volatility is the long-run one.
    alpha, beta : float
        Weight of the last squared shock and of the last variance; alpha + beta < 1.

    Returns
    -------
    Market
        Truth: ``drift``, ``sigma`` (n_bars,), the conditional volatility of each bar.

    Raises
    ------
    ConfigError
        When the variance would not be stationary.

    Notes
    -----
    variance[t] = omega + alpha * shock[t-1]**2 + beta * variance[t-1], started at its mean.
    Source: Bollerslev (1986), eq. 1.
    """
    positive("garch", n_bars=n_bars, annual_volatility=annual_volatility)
    if alpha < 0 or beta < 0 or alpha + beta >= 1:
        raise ConfigError(
            f"garch: alpha + beta must be below 1, both >= 0, found {alpha} and {beta}; lower one"
        )
    rng = np.random.default_rng(seed)
    drift, mean_variance = annual_drift / YEAR_BARS, annual_volatility**2 / YEAR_BARS
    omega = mean_variance * (1 - alpha - beta)
    normal = rng.standard_normal(n_bars)
    squares = (normal**2).tolist()
    variance, variances = mean_variance, [mean_variance]
    for square in squares[:-1]:
        variance = omega + (alpha * square + beta) * variance
        variances.append(variance)
    sigma = np.sqrt(np.array(variances))
    return build(rng, drift + sigma * normal, sigma, {"drift": drift, "sigma": sigma})


def fat_tails(
    n_bars: int = 2500,
    seed: int = 0,
    *,
    degrees_of_freedom: float = 4.0,
    annual_drift: float = 0.0,
    annual_volatility: float = 0.16,
) -> Market:
    """Return Student-t returns: independent, with tails that normal figures do not expect.

    Parameters
    ----------
    n_bars, seed, annual_drift, annual_volatility
        As in `random_walk`.
    degrees_of_freedom : float
        Above 2; the smaller, the fatter. Kurtosis is infinite up to 4.

    Returns
    -------
    Market
        Truth: ``drift``, ``volatility`` of one bar, ``degrees_of_freedom``.

    Raises
    ------
    ConfigError
        When the variance would be infinite.
    """
    positive("fat_tails", n_bars=n_bars, annual_volatility=annual_volatility)
    if degrees_of_freedom <= 2:
        raise ConfigError(f"fat_tails.degrees_of_freedom: must be > 2, found {degrees_of_freedom}; raise it")
    rng = np.random.default_rng(seed)
    drift, sigma = annual_drift / YEAR_BARS, annual_volatility / math.sqrt(YEAR_BARS)
    unit = rng.standard_t(degrees_of_freedom, n_bars) * math.sqrt(
        (degrees_of_freedom - 2) / degrees_of_freedom
    )
    truth = {"drift": drift, "volatility": sigma, "degrees_of_freedom": degrees_of_freedom}
    return build(rng, drift + sigma * unit, sigma, truth)
