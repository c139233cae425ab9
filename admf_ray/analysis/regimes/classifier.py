"""What every regime classifier is: names, numbers, and labels from past bars alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from admf_ray.market import Bars

__all__ = ["UNKNOWN", "RegimeClassifier", "index_returns"]

UNKNOWN = -1


@dataclass(frozen=True)
class RegimeClassifier(ABC):
    """A fitted classifier: frozen, picklable, safe to share.

    Parameters
    ----------
    kind : str
        ``trend_volatility`` or ``hidden_markov``.
    names : tuple of str
        Of the labels 0, 1, …; rising regimes first, then calm before wild.
    """

    kind: str
    names: tuple[str, ...]

    @property
    def n_regimes(self) -> int:
        """Number of regimes."""
        return len(self.names)

    def labels(self, bars: Bars) -> NDArray[np.int64]:
        """Return each bar's regime, known at its close, shape (n_bars,).

        Returns
        -------
        int64 array (n_bars,)
            -1 before enough history; read-only.

        Notes
        -----
        Filtered: the label at t is a function of the bars up to t and what was fitted, so later bars
        cannot change it. Several symbols have one label: that of `index_returns`.
        """
        found = self._label(index_returns(bars))
        found.setflags(write=False)
        return found

    @abstractmethod
    def _label(self, returns: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the labels of an index by its simple returns; ``returns[0]`` is no return."""


def index_returns(bars: Bars) -> NDArray[np.float64]:
    """Return what an equal-weight index of the symbols earns in each bar, shape (n_bars,).

    Notes
    -----
    The mean, over the symbols that trade at t and traded before, of close over last close less 1; 0 where
    there is none. Unlike the benchmark, which holds a symbol through its missing bars until its last, this
    needs no knowledge of whether a symbol trades again.
    """
    moves = np.full(bars.close.shape, np.nan)
    for s in range(bars.n_symbols):
        traded = np.flatnonzero(bars.tradable[:, s])
        close = bars.close[traded, s]
        moves[traded[1:], s] = close[1:] / close[:-1] - 1.0
    known = np.isfinite(moves)
    total = np.zeros(bars.n_bars)
    for s in range(bars.n_symbols):  # in order of symbols, so that the sum is the same for any number of bars
        total += np.where(known[:, s], moves[:, s], 0.0)
    return total / np.maximum(known.sum(axis=1), 1)
