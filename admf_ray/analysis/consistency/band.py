"""How else the walk-forward curve could have gone: a band by resampling its returns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.walk_forward import NOISE

__all__ = ["Band", "confidence_band"]

Floats = NDArray[np.float64]

MOST_MARKS = 500
FEWEST_BARS = 10
PERCENTILES = (5.0, 50.0, 95.0)


class Band(NamedTuple):
    """Growth of one unit along a curve, and what resampled returns make of it.

    Attributes
    ----------
    bars : int64 array (n_marks,)
        Bars of the curve the band is given at, at most `MOST_MARKS` of them, the last one included.
    curve : float64 array (n_marks,)
        The curve itself, 1 before the first bar.
    low, middle, high : float64 arrays (n_marks,)
        5th, 50th and 95th percentile over paths, each mark by itself.
    block_bars : float
        Mean length of a resampled block.
    n_paths : int
    """

    bars: NDArray[np.int64]
    curve: Floats
    low: Floats
    middle: Floats
    high: Floats
    block_bars: float
    n_paths: int

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per mark."""
        names = self._fields[:5]
        columns = (column.tolist() for column in self[:5])
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def confidence_band(returns: Floats, *, n_paths: int = 1_000, seed: int = 0) -> Band:
    """Return the band of an equity curve by the stationary bootstrap.

    Parameters
    ----------
    returns : float64 array (n_bars,)
        Simple returns, n_bars >= 1.
    n_paths : int
    seed : int

    Notes
    -----
    Mean block length by the rule of Politis and White, at least 1 bar; 1 bar for fewer than 10 bars. The
    band holds 90 % of paths at each mark, not whole paths; it shows the luck of the order and of the draw,
    given that the future is like these returns. O(n_paths x n_bars), memory O(n_paths x n_marks).
    Source: Politis and Romano (1994), "The stationary bootstrap"; Politis and White (2004), "Automatic
    block-length selection for the dependent bootstrap", corrected by Patton, Politis and White (2009); both
    arch's.
    """
    from arch.bootstrap import StationaryBootstrap, optimal_block_length

    n = len(returns)
    growth: Floats = np.maximum(1.0 + returns, 0.0)
    marks = np.unique(np.linspace(0, n - 1, min(n, MOST_MARKS)).round().astype(np.int64))
    block = 1.0
    if n >= FEWEST_BARS and returns.var() > NOISE * (returns @ returns) / n:
        found = float(optimal_block_length(returns)["stationary"].iloc[0])
        block = max(found, 1.0) if np.isfinite(found) else 1.0
    paths = np.empty((n_paths, len(marks)))
    source = StationaryBootstrap(
        block,  # type: ignore[arg-type]  # a mean length: blocks end with probability 1 / block
        growth,
        seed=np.random.default_rng(seed),
    )
    for k, ((drawn,), _) in enumerate(source.bootstrap(n_paths)):
        paths[k] = np.cumprod(drawn)[marks]
    low, middle, high = np.percentile(paths, PERCENTILES, axis=0)
    curve = np.cumprod(growth, dtype=np.float64)[marks]
    return Band(marks, curve, low, middle, high, block, n_paths)
