"""What a compiled stack is given: market arrays, benchmark sums, indicator tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.components.tracing import Graph
from admf_ray.engine.plan import trace
from admf_ray.engine.stack import Stack, Structure
from admf_ray.errors import ComponentError, ConfigError, ResourceError
from admf_ray.market import Bars, Window
from admf_ray.rules.compile import kernel
from admf_ray.rules.state import DELISTED, SESSION_END, Market

__all__ = [
    "Table",
    "Windows",
    "check_points",
    "check_session",
    "check_window",
    "market_arrays",
    "market_flags",
    "regime_rows",
    "slice_cuts",
    "tables",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def market_arrays(bars: Bars) -> Market:
    """Return the bars as the read-only arrays that rules look at.

    Notes
    -----
    The benchmark holds every listed symbol with equal weight, rebalanced at each close. A symbol whose
    last bar comes before the data's end is marked to be liquidated at that bar's close.
    """
    close_out = np.zeros(bars.close.shape, dtype=np.uint8)
    ends = session_ends(bars)
    if ends is not None:
        close_out[ends[:, None] & bars.tradable] = np.uint8(SESSION_END)
    for s, last in enumerate(bars.last):
        if 0 <= last < bars.n_bars - 1:
            close_out[last, s] = np.uint8(DELISTED)
    instruments = bars.instruments
    arrays: list[NDArray[Any]] = [
        bars.open,
        bars.high,
        bars.low,
        bars.close,
        bars.tradable.astype(np.uint8),
        close_out,
        bars.day.astype(np.float64),
        benchmark_returns(bars),
        np.array([i.multiplier for i in instruments]),
        np.array([i.tick for i in instruments]),
        np.array([i.lot for i in instruments]),
        np.full(bars.n_symbols, 1.0 / bars.n_symbols),
    ]
    if bars.n_symbols == 1:
        arrays = [array.reshape(-1) for array in arrays]
    for array in arrays:
        array.setflags(write=False)
    columns = dict(zip(Market._fields, arrays, strict=False))
    return Market(**columns, bars_per_year=float(bars.bars_per_year))


def session_ends(bars: Bars) -> NDArray[np.bool_] | None:
    """Return where a session's last bar closes, shape (n_bars,); None where no session end is declared.

    Notes
    -----
    A day that ends early ends with its last bar: exchanges announce such days.
    """
    if bars.session_end_minute is None:
        return None
    last_of_day = np.append(bars.day[1:] != bars.day[:-1], False)
    return np.asarray((bars.minute_of_day == bars.session_end_minute) | last_of_day)


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


def benchmark_returns(bars: Bars) -> Floats:
    """Return the buy-and-hold return of each bar, mean over the symbols then listed, shape (n_bars,)."""
    filled = bars.close.copy()
    for s in range(bars.n_symbols):
        has_bar = np.isfinite(filled[:, s])
        place = np.maximum.accumulate(np.where(has_bar, np.arange(bars.n_bars), 0))
        filled[:, s] = filled[place, s]
    moves = np.full(filled.shape, np.nan)
    moves[1:] = filled[1:] / filled[:-1] - 1.0
    listed = np.isfinite(moves) & (np.arange(bars.n_bars)[:, None] <= bars.last)
    count = listed.sum(axis=1)
    total = np.where(listed, moves, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), 0.0)


def market_flags(bars: Bars, market: Market) -> dict[str, bool]:
    """Return the flags that the data set themselves."""
    return {
        "SINGLE": bars.n_symbols == 1,
        "GAPS": not bool(bars.tradable.all()),
        "CLOSES": bool((market.close_out == DELISTED).any()),
    }


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


def regime_rows(labels: Ints | None, n_regimes: int, n_bars: int) -> Ints:
    """Return the regime each bar's return belongs to: the label known when the bar began.

    Parameters
    ----------
    labels : int64 array (n_bars,) or None
        At each close, -1 where unknown.
    n_regimes, n_bars : int

    Returns
    -------
    int64 array (n_bars,)
        ``labels[t - 1]``, `n_regimes` where unknown; read-only, empty without labels.

    Raises
    ------
    ConfigError
        Another shape or other labels: compiled code would write foreign memory.
    """
    if labels is None:
        rows = np.empty(0, dtype=np.int64)
    elif labels.shape != (n_bars,) or labels.min() < -1 or labels.max() >= n_regimes:
        raise ConfigError(
            f"labels: must be {n_bars}, one a bar, from -1 to {n_regimes - 1}, found shape {labels.shape}, "
            f"{labels.min(initial=0)} to {labels.max(initial=0)}; make them with a regime classifier"
        )
    else:
        known = np.where(labels < 0, n_regimes, labels)
        rows = np.concatenate([[n_regimes], known[:-1]]).astype(np.int64)
    rows.setflags(write=False)
    return rows


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


@dataclass(frozen=True)
class Table:
    """Prepared values of some points.

    Attributes
    ----------
    points : int64 array (n,)
        Which points.
    rows : float64 array (n_rows, n_bars, n_symbols)
    first : int64 array (n_rows, n_symbols)
        First bar at which each row is known; n_bars if never.
    ix : int64 array (n, n_prepared)
        Row of each prepared value of each point.
    """

    points: NDArray[np.intp]
    rows: Floats
    first: Ints
    ix: Ints


def tables(
    stack: Stack,
    structure: Structure,
    values: Floats,
    points: NDArray[np.intp],
    bars: Bars,
    train: Window | None,
    limit_bytes: int,
    beat: Callable[[], None] | None = None,
    train_bars: Bars | None = None,
) -> Iterator[Table]:
    """Yield the points in order, in runs whose prepared values fit the memory limit.

    Parameters
    ----------
    train : Window or None
        Bars that `fit` may see, for strategies that learn.
    limit_bytes : int
        Most memory of one table.
    beat : callable, optional
        Called after each thing prepared.
    train_bars : Bars, optional
        That `train` is a range of; `bars` by default.
    """
    row_bytes = bars.n_bars * bars.n_symbols * 8
    capacity = max(limit_bytes // row_bytes, 1)
    if stack.strategy.fit is not None:
        from admf_ray.engine.fitting import fitted_tables  # it makes Tables too

        if train is None:
            raise ComponentError(f"{stack.strategy.label()}: learns, so it needs a training window; give one")
        yield from fitted_tables(stack, structure, values, points, bars, train, capacity, beat, train_bars)
        return
    graph = Graph()
    nodes = trace(stack, structure, values[points], graph)
    begin = 0
    while begin < len(points):
        end = _fitting_end(nodes, begin, capacity)
        distinct, inverse = np.unique(nodes[begin:end], return_inverse=True)
        ix = np.ascontiguousarray(inverse.reshape(end - begin, -1), dtype=np.int64)
        rows = graph.compute([int(i) for i in distinct], bars, beat)
        yield Table(points[begin:end], flat(rows), first_known(rows), ix)
        begin = end


def _fitting_end(nodes: Ints, begin: int, capacity: int) -> int:
    """Return the furthest end such that ``nodes[begin:end]`` has at most `capacity` distinct values."""
    end = len(nodes)
    while end - begin > 1 and len(np.unique(nodes[begin:end])) > capacity:
        end = begin + (end - begin) // 2
    if len(np.unique(nodes[begin:end])) > capacity:
        raise ResourceError(
            f"prepared values: one point needs {nodes.shape[1]} columns, found room for {capacity}; "
            "raise the memory limit"
        )
    return end


def flat(rows: Floats) -> Floats:
    """Return the rows of one symbol without the symbol axis."""
    return rows[:, :, 0] if rows.shape[2] == 1 else rows


def first_known(rows: Floats) -> Ints:
    """Return the first bar at which each row is finite, shape (n_rows, n_symbols); n_bars if never."""
    known = np.isfinite(rows)
    found = known.argmax(axis=1).astype(np.int64)
    found[~known.any(axis=1)] = rows.shape[1]
    return found
