"""Parameter values of many points as one table of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ParameterTable"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ParameterTable:
    """The searched parameters of points.

    Attributes
    ----------
    names : tuple of str (n_params,)
    values : float64 array (n_points, n_params)
        Words as their index. NaN where a point has no such parameter.
    words : tuple (n_params,)
        Per parameter, the words its index stands for; None for numbers.
    """

    names: tuple[str, ...]
    values: Floats
    words: tuple[tuple[str, ...] | None, ...]

    def cell(self, k: int, value: float) -> Any:
        """Return a value of parameter `k` as a table shows it: its word, or the number."""
        words = self.words[k]
        return float(value) if words is None else words[int(value)]

    def row(self, i: int) -> dict[str, Any]:
        """Return the parameters of point `i` by name; those it lacks are left out."""
        values = self.values[i]
        return {n: self.cell(k, values[k]) for k, n in enumerate(self.names) if not np.isnan(values[k])}
