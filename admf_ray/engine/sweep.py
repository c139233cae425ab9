"""The sweep: many points over many windows, compiled, metrics streamed, no per-trial arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.conditions import Part
from admf_ray.engine.inputs import Windows, check_points, check_session, market_arrays
from admf_ray.engine.loop import LIMIT_BYTES, Figures, sweep_into
from admf_ray.engine.stack import Stack
from admf_ray.errors import ComponentError, ConfigError
from admf_ray.market import Bars, Window
from admf_ray.rules.metrics import METRICS, TAIL_METRICS
from admf_ray.rules.regimes import REGIME_SUMS
from admf_ray.rules.state import Market

__all__ = ["SweepResult", "sweep"]

Floats = NDArray[np.float64]
Points = NDArray[np.intp]


@dataclass(frozen=True)
class SweepResult:
    """Metrics of every point and window.

    Attributes
    ----------
    windows : tuple of str
    metrics : tuple of str
    values : float64 array (n_points, n_windows, n_metrics)
    slice_sums : float64 array (n_points, n_windows, n_slices, 2)
        Sum and sum of squares of per-bar returns in each slice; only ``full`` has more than one.
    regime_sums : float64 array (n_points, n_regimes + 1, 4)
        REGIME_SUMS of ``full`` by the label known when each bar began, the last row where there was none;
        NaN where no window is named ``full``, (n_points, 0, 4) without labels.
    """

    windows: tuple[str, ...]
    metrics: tuple[str, ...]
    values: Floats
    slice_sums: Floats
    regime_sums: Floats

    def metric(self, name: str, window: str = "full") -> Floats:
        """Return one figure of every point, shape (n_points,).

        Raises
        ------
        ConfigError
            No such metric or window.
        """
        for what, word, have in (("metric", name, self.metrics), ("window", window, self.windows)):
            if word not in have:
                raise ConfigError(f"{what} '{word}': not computed; has {', '.join(have)}")
        return self.values[:, self.windows.index(window), self.metrics.index(name)]


class _Whole:
    """Keeps everything; a failure is the caller's."""

    def __init__(self, values: Floats, sums: Floats, regime_sums: Floats, control: NDArray[np.int64]) -> None:
        self.values, self.slice_sums, self.regime_sums, self.control = values, sums, regime_sums, control

    def at_work(self, points: Points, running: bool = False) -> None:
        pass

    def beat(self) -> None:
        pass

    def open(self, points: Points) -> Points:
        return points

    def keep(self, points: Points, columns: Points, figures: Figures, last: bool) -> None:
        if figures.split is not None:
            self.regime_sums[points] = figures.split
        self.values[np.ix_(points, columns)] = figures.metrics
        self.slice_sums[np.ix_(points, columns, np.arange(figures.slices.shape[2]))] = figures.slices

    def failed(self, points: Points, error: BaseException) -> None:
        raise error


def sweep(
    bars: Bars,
    stack: Stack,
    values: Floats,
    windows: Sequence[Window],
    *,
    threads: int = 1,
    tail: bool = False,
    limit_bytes: int = LIMIT_BYTES,
    control: NDArray[np.int64] | None = None,
    trains: Sequence[Window] | None = None,
    labels: NDArray[np.int64] | None = None,
    n_regimes: int = 0,
    market: Market | None = None,
) -> SweepResult:
    """Run every point over every window.

    Parameters
    ----------
    bars : Bars
        The whole history; windows are slices of it and indicators see all bars before.
    stack : Stack
    values : float64 array (n_points, n_columns)
        Points, as `Stack.vector` makes them.
    windows : sequence of Window
        The one named ``full`` is cut into 16 slices.
    threads : int
        Threads that share the points; the result does not depend on it.
    tail : bool
        Also VaR, CVaR and tail ratio (``metrics: full``).
    limit_bytes : int
        Most memory of prepared values at a time.
    trains : sequence of Window, optional
        For a strategy with `fit`: the bars it learns from, for each window; the window itself by default.
    labels : int64 array (n_bars,), optional
        Market regime at each close, -1 where unknown; splits ``full`` by regime.
    n_regimes : int
        Number of regimes; labels are below it.
    control : int64 array (2,), optional
        ``control[0] != 0`` set by anyone ends the run within a point;
        ``control[1]`` is the point at work, counted within its table.
    market : Market, optional
        `market_arrays` of the bars, where somebody has them already.

    Returns
    -------
    SweepResult

    Raises
    ------
    ComponentError
        The strategy is plain Python, or a rule does not compile.
    ConfigError
        Points, windows or labels do not fit the stack or the bars.
    """
    if not stack.strategy.is_compiled():
        raise ComponentError(f"{stack.strategy.label()}: has on_bar, so it runs in replay only; use replay")
    values = check_points(stack, values)
    check_session(stack, values, bars)
    market = market_arrays(bars) if market is None else market
    plan = Windows.build(windows, market)
    names = METRICS + (TAIL_METRICS if tail else ())
    n_rows = 0 if labels is None else n_regimes + 1
    whole = _Whole(
        np.full((len(values), len(windows), len(names)), np.nan),
        np.zeros((len(values), len(windows), plan.n_slices, 2)),
        np.full((len(values), n_rows, len(REGIME_SUMS)), np.nan),
        np.zeros(2, dtype=np.int64) if control is None else control,
    )
    columns = np.arange(len(windows))
    part = Part(bars, market, tuple(windows), tuple(trains or windows), columns, labels, n_regimes)
    sweep_into(
        whole,
        np.arange(len(values)),
        part,
        stack,
        values,
        threads=threads,
        tail=tail,
        limit_bytes=limit_bytes,
    )
    return SweepResult(plan.names, names, whole.values, whole.slice_sums, whole.regime_sums)
