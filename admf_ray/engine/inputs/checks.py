"""What is refused before compiled code sees it: that checks no bounds and would read foreign memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.stack import Stack
from admf_ray.errors import ConfigError
from admf_ray.market import Bars, Window

__all__ = ["check_points", "check_session", "check_window"]

Floats = NDArray[np.float64]


def check_points(stack: Stack, values: Any) -> Floats:
    """Return points as a contiguous float64 array, shape (n_points, n_columns).

    Raises
    ------
    ConfigError
        Another shape: compiled code would read foreign memory.
    """
    rows = np.ascontiguousarray(values, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(stack.columns):
        raise ConfigError(
            f"{stack.strategy.label()}: points must have shape (n_points, {len(stack.columns)}), found "
            f"{rows.shape}; make them with Stack.values"
        )
    return rows


def check_window(window: Window, n_bars: int) -> None:
    """Refuse a window that is empty or reaches outside the bars: compiled code would read foreign memory.

    Raises
    ------
    ConfigError
        Naming the window.
    """
    if not 0 <= window.start < window.stop <= n_bars:
        raise ConfigError(
            f"window '{window.name}': must lie within 0 and {n_bars} and hold a bar, found {window.start} "
            f"to {window.stop}; correct it"
        )


def check_session(stack: Stack, values: Floats, bars: Bars) -> None:
    """Refuse points that ask to be flat at a session end which nobody declared.

    Raises
    ------
    ConfigError
        The data has no session end.
    """
    name = "risk.flat_at_session_end"
    if bars.session_end_minute is not None or name not in stack.columns:
        return
    if (values[:, stack.columns.index(name)] != 0.0).any():
        raise ConfigError(
            "risk.flat_at_session_end: must know when sessions end, found no session_end with the data; "
            "load it with session_end: '16:00'"
        )
