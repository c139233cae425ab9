"""Windows as the compiled loop takes them: bars, slices of bars, sums of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.inputs.checks import check_window
from admf_ray.market import Window
from admf_ray.rules.compile import kernel
from admf_ray.rules.state import Market

__all__ = ["Windows", "slice_cuts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """Windows as the compiled loop takes them.

    Attributes
    ----------
    names : tuple of str
    cuts : int64 array
        Slice boundaries of all windows, one after the other.
    offsets : int64 array (n_windows + 1,)
        Where each window's cuts begin.
    b1, b2 : float64 array (n_windows,)
        Sum and sum of squares of the benchmark's returns after each window's first bar.
    n_slices : int
        Most slices of any window.
    """

    names: tuple[str, ...]
    cuts: Ints
    offsets: Ints
    b1: Floats
    b2: Floats
    n_slices: int

    @property
    def full(self) -> int:
        """Index of the window named ``full``; -1 where there is none."""
        return self.names.index("full") if "full" in self.names else -1

    @classmethod
    def build(cls, windows: Sequence[Window], market: Market, slices: int = 16) -> Windows:
        """Cut the window named ``full`` into equal slices (the remainder in front), keep the rest whole."""
        cuts: list[int] = []
        offsets = [0]
        sums = []
        for window in windows:
            check_window(window, market.benchmark.size)
            cuts += slice_cuts(window, slices if window.name == "full" else 1)
            offsets.append(len(cuts))
            sums.append(_benchmark_sums(market.benchmark, window.start, window.stop))
        edges = np.array(cuts, dtype=np.int64)
        counts = np.diff(offsets) - 1
        return cls(
            tuple(w.name for w in windows),
            edges,
            np.array(offsets, dtype=np.int64),
            np.array([s[0] for s in sums]),
            np.array([s[1] for s in sums]),
            int(counts.max()) if len(counts) else 1,
        )


def slice_cuts(window: Window, slices: int) -> list[int]:
    """Return slice boundaries of a window: a front remainder (possibly none), then equal slices."""
    width = window.n_bars // slices
    if slices == 1 or width == 0:
        return [window.start, window.stop]
    front = window.n_bars - width * slices
    edges = [window.start + front + width * k for k in range(slices + 1)]
    return [window.start, *edges] if front else [window.start, window.start, *edges[1:]]


@kernel
def _benchmark_sums(benchmark: Floats, start: int, stop: int) -> tuple[float, float]:
    total, squares = 0.0, 0.0
    for t in range(start + 1, stop):
        total += benchmark[t]
        squares += benchmark[t] * benchmark[t]
    return total, squares
