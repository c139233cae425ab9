"""Performance figures, streamed bar by bar in one pass; one formula each, used by sweep and replay.

Conventions: returns are simple and per bar, ``r = equity / previous - 1``; every bar of the window
counts, the first has return 0; the peak starts at the initial cash, so a first-bar loss is a
drawdown; the risk-free rate is 0 (interest on cash is earned in the account). Yearly figures use the
data set's `bars_per_year`. NaN where a figure is undefined.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy import nan

from admf_ray.rules.compile import kernel, rule

__all__ = ["METRICS", "TAIL_METRICS", "Moments", "finish", "measure", "rest", "start", "tail"]

METRICS = (
    "bars",
    "final_equity",
    "total_return",
    "annual_return",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "omega",
    "max_drawdown",
    "max_drawdown_bars",
    "skew",
    "kurtosis",
    "exposure",
    "mean_exposure",
    "turnover",
    "fills",
    "trades",
    "win_rate",
    "profit_factor",
    "expectancy",
    "average_win",
    "average_loss",
    "longest_losing_streak",
    "costs",
    "commission",
    "slippage",
    "financing",
    "alpha",
    "beta",
    "excess_return",
    "matched_excess_return",
    "matched_excess_sharpe",
    "realised",
    "halted",
)

TAIL_METRICS = ("var_5", "cvar_5", "tail_ratio")

# Bars taken in at a time: fits the first-level cache.
BLOCK = 1024

# Below this share of the mean square, a variance from power sums is rounding noise.
NOISE = 1e-10


class Moments(NamedTuple):
    """Running sums over a window; ``s`` within the slice, ``t`` over finished slices.

    Attributes
    ----------
    s1, s2, s3, s4, t1, t2, t3, t4 : float
        Sums of powers of the per-bar return.
    down1, down2 : float
        Sum and sum of squares of negative returns.
    cross : float
        Sum of return times benchmark return.
    exposure : float
        Sum of net exposure (signed position value over equity) at each close.
    peak, trough : float
        Highest equity so far and the lowest since.
    deepest, since, longest : float
        Worst finished drawdown (<= 0), last bar at the peak, most bars below a peak.
    """

    s1: float
    s2: float
    s3: float
    s4: float
    t1: float
    t2: float
    t3: float
    t4: float
    down1: float
    down2: float
    cross: float
    exposure: float
    peak: float
    trough: float
    deepest: float
    since: float
    longest: float


@rule
def start(cash):
    """Sums before the first bar of a window."""
    return Moments(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, cash, cash, 0.0, 0.0, 0.0)


@kernel
def measure(m, equity, net, places, benchmark, end, cuts, j, sums, returns, exposures):
    """Take in a run of bars; bars left out were flat and changed nothing.

    Parameters
    ----------
    m : Moments
    equity : float64 (n + 1,)
        Equity before the run, then at each close.
    net : float64 (n,)
        Signed position value at each close.
    places : int64 (at least n,)
        Index of each bar.
    benchmark : float64 (n_bars,)
        Buy-and-hold return of every bar of the data.
    end : int
        The run stops before this bar.
    cuts : int64 (n_slices + 1,)
        Slice boundaries.
    j : int
        Slice at work.
    sums : float64 (n_slices, 2)
        Sum and sum of squares of the returns of each slice that ends in the run; written.
    returns, exposures : float64 (at least n,)
        Scratch; `returns` holds the run's returns afterwards.

    Returns
    -------
    Moments, int, int
        The bars closed with a position, and the slice now at work.

    Notes
    -----
    The divisions stand in a loop of their own, which the compiler vectorises. Sums are added in bar
    order, so they are the same however the bars are split into runs.
    """
    n = net.size
    active = 0
    for i in range(n):
        r = equity[i + 1] / equity[i] - 1.0
        returns[i] = r if equity[i] > 0.0 else 0.0
        x = net[i] / equity[i + 1]
        exposures[i] = x if equity[i + 1] > 0.0 else 0.0
        active += net[i] != 0.0
    s1, s2, s3, s4 = m.s1, m.s2, m.s3, m.s4
    t1, t2, t3, t4 = m.t1, m.t2, m.t3, m.t4
    down1, down2, cross, exposure = m.down1, m.down2, m.cross, m.exposure
    peak, trough, deepest = m.peak, m.trough, m.deepest
    since, longest = m.since, m.longest
    begin = 0
    while j < len(cuts) - 1:
        stop = begin + np.searchsorted(places[begin:n], cuts[j + 1])
        # from 0 on: an index that may be negative costs a branch
        own, shown, at = returns[begin:stop], exposures[begin:stop], places[begin:stop]
        values = equity[begin + 1 : stop + 1]
        for i in range(own.size):
            r = own[i]
            square = r * r
            s1 += r
            s2 += square
            s3 += square * r
            s4 += square * square
            low = min(r, 0.0)
            down1 += low
            down2 += low * low
            cross += r * benchmark[np.uint64(at[i])]
            exposure += shown[i]
            value = values[i]
            if value >= peak:
                if trough < peak:
                    deepest = min(deepest, trough / peak - 1.0)
                    longest = max(longest, at[i] - 1.0 - since)
                peak = value
                trough = value
                since = float(at[i])
            elif value < trough:
                if trough == peak:
                    since = at[i] - 1.0
                trough = value
        begin = stop
        if cuts[j + 1] > end:
            break
        sums[j, 0], sums[j, 1] = s1, s2
        t1, t2, t3, t4 = t1 + s1, t2 + s2, t3 + s3, t4 + s4
        s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0
        j += 1
    m = Moments(
        s1,
        s2,
        s3,
        s4,
        t1,
        t2,
        t3,
        t4,
        down1,
        down2,
        cross,
        exposure,
        peak,
        trough,
        deepest,
        since,
        longest,
    )
    return m, active, j


@rule
def rest(m, end):
    """End the drawdown that is still open before bar `end`."""
    deepest, longest = m.deepest, m.longest
    if m.trough < m.peak:
        deepest = min(deepest, m.trough / m.peak - 1.0)
        longest = max(longest, end - 1.0 - m.since)
    return Moments(
        m.s1,
        m.s2,
        m.s3,
        m.s4,
        m.t1,
        m.t2,
        m.t3,
        m.t4,
        m.down1,
        m.down2,
        m.cross,
        m.exposure,
        m.peak,
        m.trough,
        deepest,
        m.since,
        longest,
    )


@rule
def _ratio(a, b):
    return a / b if b != 0.0 else nan


@rule
def _spread(n, sum1, sum2):
    """Sample standard deviation from power sums; 0 where it is rounding noise."""
    if n < 2.0:
        return 0.0
    variance = (sum2 - sum1 * sum1 / n) / (n - 1.0)
    return math.sqrt(variance) if variance > NOISE * sum2 / n else 0.0


@rule
def finish(m, account, n_bars, active, cash, equity, b1, b2, bars_per_year, row):
    """Write the figures of METRICS into `row`.

    Parameters
    ----------
    m : Moments
        After the last slice was added by `new_slice`.
    account : Account
        After the last bar.
    n_bars, active, cash, equity : float
        Bars in the window, bars closed with a position, initial cash, final equity.
    b1, b2 : float
        Sum and sum of squares of the benchmark's returns after the first bar.
    bars_per_year : float
        Annualisation factor.
    row : float64 (len(METRICS),)
        Written in place.

    Notes
    -----
    - ``volatility = s * sqrt(Y)`` with the n - 1 standard deviation `s`; ``sharpe = mean / s * sqrt(Y)``.
    - ``sortino = mean / sqrt(sum(min(r, 0)**2) / n) * sqrt(Y)`` (Sortino and Price, 1994).
    - ``calmar = annual_return / -max_drawdown`` (Young, 1991).
    - ``omega = sum(max(r, 0)) / sum(max(-r, 0))`` (Keating and Shadwick, 2002, threshold 0).
    - ``skew`` and ``kurtosis`` are moment ratios; kurtosis is raw, 3 for a normal.
    - ``exposure`` is the share of bars closed with a position, ``mean_exposure`` the mean signed one.
    - ``turnover`` is the value of all fills over the equity last marked, per year.
    - ``expectancy``, ``average_win``, ``average_loss`` are net money per closed trade.
    - ``beta = cov(r, b) / var(b)``, ``alpha = (mean(r) - beta * mean(b)) * Y`` (Jensen, 1968).
    - ``excess_return = (mean(r) - mean(b)) * Y``.
    - ``matched_excess_*`` judge ``r - mean_exposure * b``: skill beyond having been in the market.
    """
    n = float(n_bars)
    years = n / bars_per_year
    root = math.sqrt(bars_per_year)
    mean = m.t1 / n
    sd = _spread(n, m.t1, m.t2)
    growth = equity / cash
    annual = growth ** (1.0 / years) - 1.0 if growth > 0.0 else -1.0
    central2 = m.t2 / n - mean * mean
    central3 = m.t3 / n - 3.0 * mean * (m.t2 / n) + 2.0 * mean * mean * mean
    central4 = (
        m.t4 / n - 4.0 * mean * (m.t3 / n) + 6.0 * mean * mean * (m.t2 / n) - 3.0 * mean * mean * mean * mean
    )
    exposure = m.exposure / n
    mean_b = b1 / n
    variance_b = (b2 - b1 * b1 / n) / (n - 1.0) if n > 1.0 else 0.0
    cov = (m.cross - m.t1 * b1 / n) / (n - 1.0) if n > 1.0 else 0.0
    beta = cov / variance_b if variance_b > NOISE * b2 / n else nan
    matched1 = m.t1 - exposure * b1
    matched2 = m.t2 - 2.0 * exposure * m.cross + exposure * exposure * b2
    # a difference of large sums: only what stands above their rounding counts
    matched_sd = (
        _spread(n, matched1, matched2) if matched2 > NOISE * (m.t2 + exposure * exposure * b2) else 0.0
    )
    row[0] = n
    row[1] = equity
    row[2] = growth - 1.0
    row[3] = annual
    row[4] = sd * root
    row[5] = _ratio(mean, sd) * root
    row[6] = _ratio(mean, math.sqrt(m.down2 / n)) * root
    deepest = max(m.deepest, -1.0)  # an account that owes money has lost all of it, not more
    row[7] = _ratio(annual, -deepest)
    row[8] = _ratio(m.t1 - m.down1, -m.down1)
    row[9] = deepest
    row[10] = m.longest
    row[11] = central3 / (central2 * math.sqrt(central2)) if sd > 0.0 else nan
    row[12] = central4 / (central2 * central2) if sd > 0.0 else nan
    row[13] = active / n
    row[14] = exposure
    row[15] = account.turnover / years
    row[16] = account.fills
    row[17] = account.trades
    row[18] = _ratio(account.wins, account.trades)
    row[19] = _ratio(account.profit, account.loss)
    row[20] = _ratio(account.profit - account.loss, account.trades)
    row[21] = _ratio(account.profit, account.wins)
    row[22] = _ratio(-account.loss, account.losses)
    row[23] = account.longest_streak
    row[24] = account.commission + account.slippage + account.financing
    row[25] = account.commission
    row[26] = account.slippage
    row[27] = account.financing
    row[28] = (mean - beta * mean_b) * bars_per_year
    row[29] = beta
    row[30] = (mean - mean_b) * bars_per_year
    row[31] = matched1 / n * bars_per_year
    row[32] = _ratio(matched1 / n, matched_sd) * root
    row[33] = account.realised
    row[34] = account.halted


@kernel
def tail(returns, row):
    """Write TAIL_METRICS of one window's per-bar returns into `row`.

    Parameters
    ----------
    returns : float64 (n_bars,)
    row : float64 (3,)
        5 % quantile (linear), mean of the returns at or below it, and the 95 % quantile over it in size.
    """
    ordered = np.sort(returns)
    low, high = _quantile(ordered, 0.05), _quantile(ordered, 0.95)
    total, count = 0.0, 0
    for value in ordered:
        if value > low:
            break
        total += value
        count += 1
    row[0] = low
    row[1] = total / count if count > 0 else nan
    row[2] = abs(high) / abs(low) if low != 0.0 else nan


@kernel
def _quantile(ordered, q):
    place = q * (ordered.size - 1)
    below = math.floor(place)
    above = min(below + 1, ordered.size - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
