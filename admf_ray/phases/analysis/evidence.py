"""What each candidate's own returns say of luck: significance, intervals, costs, timing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.bootstrap import sharpe_intervals
from admf_ray.analysis.overfitting.break_even import break_even
from admf_ray.analysis.overfitting.excess import matched_excess, shape
from admf_ray.analysis.overfitting.random_entry import random_entry
from admf_ray.analysis.overfitting.significance import (
    deflated_sharpe,
    minimum_backtest_bars,
    minimum_track_record_bars,
    probabilistic_sharpe,
)
from admf_ray.analysis.path_intervals import path_intervals
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.paths import returns_of
from admf_ray.phases.analysis.candidates import Candidate
from admf_ray.phases.analysis.overfitting import Luck

__all__ = ["Evidence", "weigh"]

Floats = NDArray[np.float64]

COST = ("broker.commission_frac", "broker.slippage_frac")
FIRST_BPS, HIGHEST_BPS = 1.0, 1_000.0
BPS_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Evidence:
    """One candidate's figures.

    Attributes
    ----------
    candidate : Candidate
    figures : dict of (statistic, basis) to (value, low, high)
        See `overfitting.STATISTICS`; bounds are NaN where there are none.
    """

    candidate: Candidate
    figures: dict[tuple[str, str], tuple[float, float, float]]

    def value(self, statistic: str, basis: str = "") -> float:
        """Return one figure."""
        return self.figures[statistic, basis][0]

    def rows(self) -> list[dict[str, Any]]:
        """Return its rows of the table ``overfitting``."""
        return [
            {
                "scope": "candidate", **self.candidate.key, "statistic": name, "basis": basis,
                "value": value, "low": low, "high": high,
            }
            for (name, basis), (value, low, high) in self.figures.items()
        ]  # fmt: skip


def weigh(candidates: Sequence[Candidate], luck: Luck, benchmark: Floats, seed: int) -> list[Evidence]:
    """Return what speaks for and against each candidate by itself.

    Parameters
    ----------
    candidates : sequence of Candidate
    luck : Luck
    benchmark : float64 array (n_bars,)
    seed : int
    """
    if not candidates:
        return []
    raw = np.stack([one.returns for one in candidates], axis=1)
    exposure = np.array([one.figure("mean_exposure") for one in candidates])
    series = {"excess": matched_excess(raw, exposure, benchmark), "raw": raw}
    year = candidates[0].conditions.bars.bars_per_year
    bounds = {
        basis: sharpe_intervals(own, block_bars=luck.block_bars, seed=seed) for basis, own in series.items()
    }
    paths = path_intervals(raw, bars_per_year=year, block_bars=luck.block_bars, seed=seed)
    found = []
    for i, one in enumerate(candidates):
        figures: dict[tuple[str, str], tuple[float, float, float]] = {}
        for basis, own in series.items():
            estimate, low, high = (float(each[i]) * math.sqrt(year) for each in bounds[basis])
            figures["sharpe", basis] = estimate, low, high
            for name, value in _significance(own[:, i], luck, basis, year).items():
                figures[name, basis] = value, math.nan, math.nan
        for name, around in paths.items():
            estimate, low, high = (float(each[i]) for each in around)
            figures[name, "raw"] = estimate, low, high
        for name, value in {**_costs(one), "random_entry_p": _timing(one, seed)}.items():
            figures[name, ""] = value, math.nan, math.nan
        found.append(Evidence(one, figures))
    return found


def _significance(returns: Floats, luck: Luck, basis: str, bars_per_year: float) -> dict[str, float]:
    seen, many = shape(returns), luck.on[basis]
    return {
        "psr": probabilistic_sharpe(seen),
        "dsr": deflated_sharpe(seen, many.trials, many.spread),
        "dsr_effective": deflated_sharpe(seen, many.effective, many.effective_spread),
        "min_track_record_years": minimum_track_record_bars(seen) / bars_per_year,
        "min_backtest_years": minimum_backtest_bars(many.trials, seen.sharpe) / bars_per_year,
    }


def _costs(one: Candidate) -> dict[str, float]:
    """Return the proportional cost at which the profit is gone, and the configured one, in basis points."""
    stack = one.subject.searched.stack
    if not set(COST) <= set(stack.columns):
        return {"break_even_bps": math.nan, "cost_bps": math.nan}
    commission, slippage = (stack.columns.index(name) for name in COST)
    fixed = float(one.row[slippage])

    def net_pnl(bps: float) -> float:
        row = one.row.copy()
        row[commission] = bps / 1e4
        row[slippage] = 0.0
        return net_of(one.conditions, stack, row)

    found = break_even(net_pnl, first=FIRST_BPS, highest=HIGHEST_BPS, tolerance=BPS_TOLERANCE)
    return {"break_even_bps": found.cost, "cost_bps": 1e4 * (float(one.row[commission]) + fixed)}


def net_of(conditions: Conditions, stack: Any, row: Floats) -> float:
    """Return a point's growth over the window ``full``, run again."""
    (path,) = next(returns_of(conditions, stack, row[None]))
    return float(np.prod(1.0 + path) - 1.0)


def _timing(one: Candidate, seed: int) -> float:
    """Return the p-value of the positions against circular shifts of them, costs included."""
    window, bars = one.result.window, one.conditions.bars
    start = one.conditions.windows[one.conditions.full].start
    held = np.nan_to_num(bars.close[max(start - 1, 0) : start + window.n_bars])
    close = held if start > 0 else np.vstack([held[:1], held])
    before = np.where(close[:-1] > 0, close[:-1], 1.0)
    moves = np.where((close[:-1] > 0) & (close[1:] > 0), close[1:] / before - 1.0, 0.0)
    units = {symbol: own.multiplier for symbol, own in zip(bars.symbols, bars.instruments, strict=True)}
    value = sum(abs(fill.qty) * fill.price * units[fill.symbol] for fill in one.result.fills)
    cost = one.result.metrics["commission"] + one.result.metrics["slippage"]
    return random_entry(one.weights, moves, cost / value if value > 0 else 0.0, seed=seed).p
