"""What a replay is told to follow and what it leaves behind."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.events import FillEvent, OrderEvent
from admf_ray.engine.stack import Stack
from admf_ray.engine.trades import Trade
from admf_ray.market import Window

__all__ = ["ReplayResult", "Stage", "curve_returns"]

Floats = NDArray[np.float64]


def curve_returns(equity: Floats, cash: float) -> Floats:
    """Return simple returns bar by bar, the first on the initial cash; 0 once nothing is left."""
    before = np.concatenate([[cash], equity[:-1]])
    alive = before > 0
    return np.where(alive, equity / np.where(alive, before, 1.0) - 1.0, 0.0)


class Stage(NamedTuple):
    """The point that a replay follows from some bar on.

    Attributes
    ----------
    start : int
        First bar that is filled, marked and decided with it.
    stack : Stack
    row : float64 array (n_columns,)
    train : Window or None
        Bars that the strategy's `fit` may see.
    """

    start: int
    stack: Stack
    row: Floats
    train: Window | None = None


class ReplayResult(NamedTuple):
    """What a replay leaves behind.

    Attributes
    ----------
    window : Window
    time_ns : int64 array (n_bars,)
        The window's bars.
    equity, cash : float64 array (n_bars,)
        At each close.
    positions : float64 array (n_bars, n_symbols)
        Signed units at each close.
    symbols : tuple of str
    orders, fills : tuple of events
    trades : tuple of Trade
        Closed ones, then those still open.
    metrics : dict of str to float
    slice_sums : float64 array (n_slices, 2)
    regime_sums : float64 array (n_regimes + 1, 4)
        As the sweep's for ``full``; (0, 4) without labels.
    """

    window: Window
    time_ns: NDArray[np.int64]
    equity: Floats
    cash: Floats
    positions: Floats
    symbols: tuple[str, ...]
    orders: tuple[OrderEvent, ...]
    fills: tuple[FillEvent, ...]
    trades: tuple[Trade, ...]
    metrics: dict[str, float]
    slice_sums: Floats
    regime_sums: Floats
