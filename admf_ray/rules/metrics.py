"""Performance figures; one formula each, used by sweep and replay.

Conventions: returns are simple and per bar, ``r = equity / previous - 1``; every bar of the window
counts, the first has return 0; the peak starts at the initial cash, so a first-bar loss is a
drawdown; the risk-free rate is 0 (interest on cash is earned in the account). Yearly figures use the
data set's `bars_per_year`. NaN where a figure is undefined.
"""

from __future__ import annotations

import math

import numpy as np
from numpy import nan

from admf_ray.rules.compile import kernel, rule

__all__ = ["METRICS", "NOISE", "TAIL_METRICS", "finish", "tail"]

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

# Below this share of the mean square, a variance from power sums is rounding noise.
NOISE = 1e-10


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
