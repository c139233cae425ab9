"""Calendar quarters of a span, each a window of its own, and what cutting there changes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from admf_ray.market import Bars, Window

__all__ = ["joins_told", "quarters_of"]


def quarters_of(bars: Bars, span: Window) -> tuple[Window, ...]:
    """Return the calendar quarters (local days) that a span touches, named ``2018Q1`` and so on.

    Notes
    -----
    The first and the last may be parts of a quarter.
    """
    months = bars.day[span.start : span.stop].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    quarter = months // 3
    edges = np.concatenate([[0], np.flatnonzero(np.diff(quarter)) + 1, [span.n_bars]])
    return tuple(
        Window(
            f"{1970 + int(quarter[a]) // 4}Q{int(quarter[a]) % 4 + 1}",
            span.start + int(a),
            span.start + int(b),
        )
        for a, b in pairwise(edges)
    )


def joins_told(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the quarters chained beside the continuous run, and why they differ.

    Parameters
    ----------
    answer : dict
        Of `examine`, its windows being quarters.
    """
    windows = list(answer["windows"].values())
    chained = float(np.prod([1.0 + one["total_return"] for one in windows]) - 1.0)
    continuous = float(answer["metrics"]["total_return"])
    open_joins = sum(bool(one["open_at_end"]) for one in windows[:-1])
    return {
        "chained_return": chained,
        "continuous_return": continuous,
        "difference": continuous - chained,
        "profitable_quarters": sum(one["total_return"] > 0 for one in windows),
        "n_quarters": len(windows),
        "why": (
            f"{open_joins} of {len(windows) - 1} joins found a position open: it is marked there, and the "
            f"next quarter begins flat and enters when its strategy next wants a weight"
        ),
    }
