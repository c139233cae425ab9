"""What all points of a search are run under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.inputs import check_window, market_arrays, regime_rows, slice_cuts
from admf_ray.market import Bars, Window
from admf_ray.rules.metrics import METRICS, TAIL_METRICS
from admf_ray.rules.state import Market

__all__ = ["Conditions", "Part"]


@dataclass(frozen=True)
class Part:
    """Windows that see the same bars.

    Attributes
    ----------
    bars : Bars
    market : Market
        Of these bars.
    windows, trains : tuple of Window
        As indices of these bars; what `fit` sees for each window.
    columns : int array (n_windows,)
        Their places among all windows.
    labels : int64 array (n_bars,) or None
        Market regime at each close of these bars.
    n_regimes : int
    """

    bars: Bars
    market: Market
    windows: tuple[Window, ...]
    trains: tuple[Window, ...]
    columns: NDArray[np.intp]
    labels: NDArray[np.int64] | None
    n_regimes: int

    @cached_property
    def regimes(self) -> NDArray[np.int64]:
        """Regime each bar's return belongs to, see `inputs.regime_rows`; empty without labels."""
        return regime_rows(self.labels, self.n_regimes, self.bars.n_bars)

    @property
    def n_regime_rows(self) -> int:
        """Rows of regime sums; 0 without labels."""
        return 0 if self.labels is None else self.n_regimes + 1


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Bars, windows, warm-up and figures: what all points of a search have in common.

    Parameters
    ----------
    bars : Bars
        The whole history; windows are slices of it.
    market : Market
        `market_arrays(bars)`, made once where the data enter.
    windows : tuple of Window
    trains : tuple of Window
        For a strategy with `fit`: the bars it learns from, for each window.
    warmup : str
        ``history``: indicators see the bars before a window; ``none``: they start with it.
    tail : bool
        Also VaR, CVaR and tail ratio (``metrics: full``).
    labels : int64 array (n_bars,), optional
        Market regime at each close.
    n_regimes : int
        Number of regimes; labels are below it.

    Notes
    -----
    Pickles without what it computed itself; its arrays stay read-only.
    """

    bars: Bars
    market: Market
    windows: tuple[Window, ...]
    trains: tuple[Window, ...]
    warmup: Literal["history", "none"] = "history"
    tail: bool = False
    labels: NDArray[np.int64] | None = None
    n_regimes: int = 0

    @classmethod
    def of(
        cls, bars: Bars, windows: Sequence[Window], trains: Sequence[Window] | None = None, **options: Any
    ) -> Conditions:
        """Return conditions with the bars' market arrays; `trains` are the windows themselves by default."""
        own = tuple(windows if trains is None else trains)
        return cls(bars=bars, market=market_arrays(bars), windows=tuple(windows), trains=own, **options)

    def __post_init__(self) -> None:
        for window in (*self.windows, *self.trains):
            check_window(window, self.bars.n_bars)

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the figures, in order."""
        return METRICS + (TAIL_METRICS if self.tail else ())

    @property
    def full(self) -> int:
        """Place of the window named ``full``; -1 where there is none."""
        return next((w for w, window in enumerate(self.windows) if window.name == "full"), -1)

    @property
    def n_slices(self) -> int:
        """Slices of the window named ``full``; 0 where there is none."""
        return len(slice_cuts(self.windows[self.full], 16)) - 1 if self.full >= 0 else 0

    @property
    def n_regime_rows(self) -> int:
        """Rows of regime sums: one a regime and one for bars without; 0 without labels."""
        return 0 if self.labels is None else self.n_regimes + 1

    def parts(self, learns: bool) -> tuple[Part, ...]:
        """Return the windows by the bars they see.

        Parameters
        ----------
        learns : bool
            Whether the strategy has a `fit`, whose training bars must be there with ``warmup: none``.
        """
        return self._learning_parts if learns else self._parts

    @cached_property
    def _parts(self) -> tuple[Part, ...]:
        return self._cut([window.start for window in self.windows])

    @cached_property
    def _learning_parts(self) -> tuple[Part, ...]:
        return self._cut([min(w.start, t.start) for w, t in zip(self.windows, self.trains, strict=True)])

    def _cut(self, begins: Sequence[int]) -> tuple[Part, ...]:
        if self.warmup == "history":
            whole = np.arange(len(self.windows))
            return (
                Part(self.bars, self.market, self.windows, self.trains, whole, self.labels, self.n_regimes),
            )
        parts = []
        for w, (window, train, begin) in enumerate(zip(self.windows, self.trains, begins, strict=True)):
            bars = self.bars.slice(begin, window.stop)
            own, seen = (Window(one.name, one.start - begin, one.stop - begin) for one in (window, train))
            labels = None if self.labels is None else self.labels[begin : window.stop]
            market = market_arrays(bars)
            parts.append(Part(bars, market, (own,), (seen,), np.array([w]), labels, self.n_regimes))
        return tuple(parts)
