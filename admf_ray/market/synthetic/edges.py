"""Markets in which something can be earned, and how much is known."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import ConfigError
from admf_ray.market.synthetic.market import YEAR_BARS, Market, build, positive
from admf_ray.market.synthetic.regimes import persistent_states

__all__ = ["planted_crossing", "planted_mean_reversion", "planted_spike", "planted_trend"]


def planted_trend(
    n_bars: int = 2500,
    seed: int = 0,
    *,
    net_sharpe: float = 1.5,
    cost_frac: float = 0.0005,
    mean_run_bars: float = 60.0,
    annual_volatility: float = 0.16,
) -> Market:
    """Return a market with trends up and down, worth a stated net Sharpe to who sees them perfectly.

    Parameters
    ----------
    n_bars, seed, annual_volatility
        As in `random_walk`; the volatility is that around the trend.
    net_sharpe : float
        Expected annual Sharpe ratio (261 bars) of the ideal follower after costs.
    cost_frac : float
        Cost of trading, as a fraction of the value traded; a reversal trades twice the position.
    mean_run_bars : float
        Mean length of a trend, at least 1.

    Returns
    -------
    Market
        Truth: ``position`` float64 (n_bars,), −1 or 1, what the ideal follower decides at each close and
        holds over the next bar; ``drift`` of one bar along the trend; ``net_sharpe``; ``cost_frac``.

    Raises
    ------
    ConfigError
        When a figure is out of range.

    Notes
    -----
    simple return[t+1] = drift * position[t] + sigma * noise. The ideal follower earns drift − 2·q·cost a
    bar, where q = 1 ÷ mean_run_bars, with variance sigma² + 4·cost²·q·(1 − q); drift is solved from that.
    Opens equal the close before, so that filling at the next open takes nothing away. A strategy that
    has to detect the trend from prices earns less.
    """
    positive("planted_trend", n_bars=n_bars, annual_volatility=annual_volatility)
    if mean_run_bars < 1 or cost_frac < 0:
        raise ConfigError(
            f"planted_trend: needs mean_run_bars >= 1 and cost_frac >= 0, found {mean_run_bars} "
            f"and {cost_frac}; correct them"
        )
    rng = np.random.default_rng(seed)
    sigma, q = annual_volatility / math.sqrt(YEAR_BARS), 1.0 / mean_run_bars
    drift = _drift(net_sharpe, sigma, cost_frac, q)
    position = 2.0 * persistent_states(rng, n_bars, 2, mean_run_bars) - 1.0
    returns = sigma * rng.standard_normal(n_bars)
    returns[1:] += drift * position[:-1]
    truth = {"position": position, "drift": drift, "net_sharpe": net_sharpe, "cost_frac": cost_frac}
    return build(rng, np.log1p(np.maximum(returns, -0.9)), sigma, truth, gap_frac=0.0)


def planted_crossing(
    n_bars: int = 2500,
    seed: int = 0,
    *,
    net_sharpe: float = 1.5,
    cost_frac: float = 0.0002,
    fast_bars: int = 8,
    slow_bars: int = 30,
    annual_volatility: float = 0.16,
) -> Market:
    """Return a market whose drift follows the crossing of two means of its closes: an edge with a plateau.

    Parameters
    ----------
    n_bars, seed, annual_volatility
        As in `random_walk`; the volatility is that around the drift.
    net_sharpe : float
        Expected annual Sharpe ratio (261 bars), after costs, of who holds the sign of the fast mean less the
        slow one. Who uses other lengths holds the same position on most bars, so earns nearly as much.
    cost_frac : float
        Cost of trading, as a fraction of the value traded; a reversal trades twice the position.
    fast_bars, slow_bars : int
        Lengths of the means, of which the fast one is shorter.

    Returns
    -------
    Market
        Truth: ``position`` float64 (n_bars,), −1 or 1, decided at each close for the next bar, 0 before the
        slow mean is known; ``drift`` of one bar along it; ``net_sharpe``; ``cost_frac``.

    Raises
    ------
    ConfigError
        When a figure is out of range.

    Notes
    -----
    simple return[t+1] = drift * position[t] + sigma * noise. The drift is that of `planted_trend`, where the
    share of bars that reverse depends on the drift itself and is taken from the path, three times over.
    """
    positive("planted_crossing", n_bars=n_bars, annual_volatility=annual_volatility, fast_bars=fast_bars)
    if slow_bars <= fast_bars or cost_frac < 0:
        raise ConfigError(
            f"planted_crossing: needs slow_bars > fast_bars and cost_frac >= 0, found {slow_bars}, "
            f"{fast_bars} and {cost_frac}; correct them"
        )
    rng = np.random.default_rng(seed)
    sigma = annual_volatility / math.sqrt(YEAR_BARS)
    shocks = sigma * rng.standard_normal(n_bars)
    drift = _drift(net_sharpe, sigma, cost_frac, 0.0)
    for _ in range(3):
        returns, position = _followed(shocks, drift, fast_bars, slow_bars)
        q = float(np.mean(np.diff(position[slow_bars - 1 :]) != 0)) if n_bars > slow_bars else 0.0
        drift = _drift(net_sharpe, sigma, cost_frac, q)
    returns, position = _followed(shocks, drift, fast_bars, slow_bars)
    truth = {"position": position, "drift": drift, "net_sharpe": net_sharpe, "cost_frac": cost_frac}
    return build(rng, np.log1p(returns), sigma, truth, gap_frac=0.0)


def _drift(net_sharpe: float, sigma: float, cost_frac: float, q: float) -> float:
    """Return the drift of one bar that is worth a net Sharpe to who reverses on a share q of the bars."""
    spread = math.sqrt(sigma**2 + 4 * cost_frac**2 * q * (1 - q))
    return net_sharpe / math.sqrt(YEAR_BARS) * spread + 2 * q * cost_frac


def _followed(
    shocks: NDArray[np.float64], drift: float, fast: int, slow: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return simple returns that follow the crossing of their own means, and the position of each close."""
    returns, positions, sums = [], [], [0.0]
    close, position = 1.0, 0.0
    for t, shock in enumerate(shocks.tolist()):
        returns.append(max(drift * position + shock, -0.9))
        close *= 1.0 + returns[-1]
        sums.append(sums[-1] + close)
        if t + 1 >= slow:
            near, far = (sums[-1] - sums[-1 - n] for n in (fast, slow))
            position = 1.0 if near / fast > far / slow else -1.0
        positions.append(position)
    return np.array(returns), np.array(positions)


def planted_mean_reversion(
    n_bars: int = 2500,
    seed: int = 0,
    *,
    net_sharpe: float = 1.5,
    cost_frac: float = 0.0002,
    half_life_bars: float = 10.0,
    annual_volatility: float = 0.16,
) -> Market:
    """Return a market that overshoots a fair value and comes back, worth a stated net Sharpe.

    Parameters
    ----------
    n_bars, seed, annual_volatility
        As in `random_walk`; the volatility is that of all returns together.
    net_sharpe : float
        Expected annual Sharpe ratio (261 bars), after costs, of who knows the fair value and is always
        long below and short above it.
    cost_frac : float
        Cost of trading, as a fraction of the value traded.
    half_life_bars : float
        After which half of a deviation is gone.

    Returns
    -------
    Market
        Truth: ``position`` float64 (n_bars,), −1 or 1, decided at each close for the next bar;
        ``deviation`` float64 (n_bars,), log of price ÷ fair value; ``net_sharpe``; ``cost_frac``.

    Raises
    ------
    ConfigError
        When so short a half-life and so high a Sharpe do not fit into the volatility.

    Notes
    -----
    log price = random walk + x, x[t+1] = phi·x[t] + noise with standard deviation s. The follower earns
    (1 − phi)·s·√(2/π) a bar and flips with probability arccos(phi)/π; s is solved from that. The variance
    of the costs is left out (below 1 % of the whole at usual costs). Opens equal the close before.
    """
    positive(
        "planted_mean_reversion",
        n_bars=n_bars,
        annual_volatility=annual_volatility,
        half_life_bars=half_life_bars,
    )
    rng = np.random.default_rng(seed)
    sigma, phi = annual_volatility / math.sqrt(YEAR_BARS), 0.5 ** (1.0 / half_life_bars)
    ratio, cost = net_sharpe / math.sqrt(YEAR_BARS), 2 * cost_frac * math.acos(phi) / math.pi
    square = ratio**2 * (sigma**2 * (1 + ratio**2) - cost**2)
    gross = (cost + math.sqrt(max(square, 0.0))) / (1 + ratio**2)
    size = gross / ((1 - phi) * math.sqrt(2 / math.pi))
    rest = sigma**2 - 2 * (1 - phi) * size**2
    if rest < 0:
        raise ConfigError(
            f"planted_mean_reversion.net_sharpe: {net_sharpe} does not fit a half-life of {half_life_bars} "
            f"bars at costs of {cost_frac}; lower it or shorten the half-life"
        )
    shocks = rng.standard_normal((2, n_bars))
    noise = (size * math.sqrt(1 - phi**2) * shocks[0]).tolist()
    value, deviations = size * float(rng.standard_normal()), []
    start = value
    for one in noise:
        value = phi * value + one
        deviations.append(value)
    deviation = np.array(deviations)
    returns = math.sqrt(rest) * shocks[1] + np.diff(deviation, prepend=start)
    position = np.where(deviation > 0, -1.0, 1.0)
    truth = {"position": position, "deviation": deviation, "net_sharpe": net_sharpe, "cost_frac": cost_frac}
    return build(rng, returns, sigma, truth, gap_frac=0.0)


def planted_spike(
    n_bars: int = 2500,
    seed: int = 0,
    *,
    lag: int = 37,
    sharpe: float = 3.0,
    lucky_bars: int | None = None,
    annual_volatility: float = 0.16,
) -> Market:
    """Return noise in which one isolated parameter looks good by luck, and then no more.

    Parameters
    ----------
    n_bars, seed, annual_volatility
        As in `random_walk`.
    lag : int
        The parameter: holding, over bar t + 1, the sign of the return of bar t + 1 − lag pays; for every
        other lag the same rule finds noise.
    sharpe : float
        Expected annual Sharpe ratio (261 bars, no costs) of that rule over the lucky bars.
    lucky_bars : int, optional
        How many bars the luck lasts; 70 % of them when left out. Afterwards the rule's expectation is 0.

    Returns
    -------
    Market
        Truth: ``lag``, ``lucky_bars``, ``sharpe``, and ``position`` float64 (n_bars,), what the rule with
        that lag decides at each close (0 while it has no return to look at).

    Raises
    ------
    ConfigError
        When the lag is not within the lucky bars.

    Notes
    -----
    log return[t] = echo * sign(log return[t − lag]) + sigma * noise over the lucky bars. The neighbours'
    expectation is 0, their Sharpe ratios scatter by 1 ÷ √years; multiples of the lag keep a trace of the
    echo, far below it. Opens equal the close before.
    """
    positive("planted_spike", n_bars=n_bars, annual_volatility=annual_volatility, lag=lag)
    lucky = int(0.7 * n_bars) if lucky_bars is None else lucky_bars
    if not lag < lucky <= n_bars:
        raise ConfigError(f"planted_spike.lag: must be below the {lucky} lucky bars, found {lag}; lower it")
    rng = np.random.default_rng(seed)
    sigma = annual_volatility / math.sqrt(YEAR_BARS)
    echo = sharpe / math.sqrt(YEAR_BARS) * sigma
    returns = sigma * rng.standard_normal(n_bars)
    for start in range(lag, lucky, lag):
        stop = min(start + lag, lucky)
        returns[start:stop] += echo * np.sign(returns[start - lag : stop - lag])
    position = np.zeros(n_bars)
    position[lag - 1 :] = np.sign(returns[: n_bars - lag + 1])
    truth = {"lag": lag, "lucky_bars": lucky, "sharpe": sharpe, "position": position}
    return build(rng, returns, sigma, truth, gap_frac=0.0)
