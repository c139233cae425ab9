"""Windows: which bars train, which bars test, in walk-forward order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from admf_ray.errors import ConfigError, DataError
from admf_ray.later import pd
from admf_ray.market.bars import Bars

__all__ = ["Fold", "Length", "Window", "full_window", "parse_length", "walk_forward"]

Mode = Literal["rolling", "anchored"]
_UNITS = {"D": "days", "W": "weeks", "M": "months", "Y": "years"}
# The first trading day of a month falls on its 1st to 4th (a holiday, then a weekend).
_MONTH_OPENS_BY = 4


@dataclass(frozen=True)
class Window:
    """A half-open range of bars, ``start <= t < stop``.

    Parameters
    ----------
    name : str
        What results call it: ``full``, ``train_0``, ``test_0``, …
    start, stop : int
        First bar, and the bar after the last.

    Notes
    -----
    A window is a slice: account, position and strategy memory are fresh at its first bar, while
    indicators see all bars before it, which are its warm-up.
    """

    name: str
    start: int
    stop: int

    @property
    def n_bars(self) -> int:
        """Number of bars."""
        return self.stop - self.start


@dataclass(frozen=True)
class Fold:
    """A training window and the test window that follows it.

    Parameters
    ----------
    index : int
        Position in walk-forward order, from 0.
    train, test : Window
        Where parameters are selected, and where they are reported.
    """

    index: int
    train: Window
    test: Window


@dataclass(frozen=True)
class Length:
    """A stretch of time as the user wrote it.

    Parameters
    ----------
    count : int
        How many, at least 1.
    unit : {"bars", "days", "weeks", "months", "years"}
        Of what.
    """

    count: int
    unit: str = "bars"

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.count} {self.unit}"

    def times(self, k: int) -> pd.DateOffset:
        """Return `k` of it as one calendar stretch, so that month ends do not drift."""
        return pd.DateOffset(**{self.unit: k * self.count})  # type: ignore[arg-type]  # a word for each unit


def parse_length(value: int | str | Length, where: str = "length") -> Length:
    """Read a length in bars or in calendar units.

    Parameters
    ----------
    value : int, str or Length
        ``252`` or ``"252"`` bars; ``"90D"`` days, ``"2W"`` weeks, ``"6M"`` months, ``"1Y"`` years.
    where : str
        The key, for the error message.

    Raises
    ------
    ConfigError
        When it is neither, or below 1.

    Examples
    --------
    >>> str(parse_length("1Y")), str(parse_length(252))
    ('1 years', '252 bars')
    """
    if isinstance(value, Length):
        return value
    match = None if isinstance(value, bool) else re.fullmatch(r"\s*(-?\d+)\s*([DWMYdwmy]?)\s*", str(value))
    if match is None:
        raise ConfigError(
            f"{where}: must be bars or a calendar length, found {value!r}; write 252, '90D', '6M' or '1Y'"
        )
    count, unit = int(match[1]), match[2].upper()
    if count < 1:
        raise ConfigError(f"{where}: must be >= 1 {_UNITS.get(unit, 'bar')}, found {value}; raise it")
    return Length(count, _UNITS.get(unit, "bars"))


def full_window(bars: Bars) -> Window:
    """Return the window of all bars, computed for every point beside its walk-forward windows."""
    return Window("full", 0, bars.n_bars)


def walk_forward(
    bars: Bars,
    training_window: int | str | Length,
    test_window: int | str | Length,
    step_size: int | str | Length,
    mode: Mode = "rolling",
    purge_bars: int = 0,
    embargo_bars: int = 0,
) -> tuple[Fold, ...]:
    """Cut bars into walk-forward folds.

    Parameters
    ----------
    bars : Bars
        Only their time axis is used, so no price can move a window.
    training_window, test_window, step_size : int, str or Length
        Bars, or calendar lengths as `parse_length` reads them.
    mode : {"rolling", "anchored"}
        A training window of fixed length, or one that always starts at bar 0.
    purge_bars : int
        Bars taken from the end of each training window, whose outcomes reach into the test.
    embargo_bars : int
        Bars between training and test windows that belong to neither; the test keeps its length.

    Returns
    -------
    tuple of Fold
        At least one. With lengths in bars: floor((n − train − embargo − test) ÷ step) + 1 folds.

    Raises
    ------
    ConfigError
        When a length, mode, purge or embargo is out of range.
    DataError
        When the bars are too short for one fold, or a calendar window holds no bar.

    Notes
    -----
    Calendar windows hold whole local days and are counted from one origin, so they do not drift: the
    first bar's day, or the first of its month where that day is the month's first trading day and all
    lengths are months or years; data from 2014-01-02 then make calendar years. The last test window
    counts as complete when the bars reach its end but for a weekend or holidays.

    Examples
    --------
    >>> prices = [1.0] * 1000
    >>> folds = walk_forward(Bars.from_arrays(prices, prices, prices, prices), 500, 100, 100)
    >>> len(folds), folds[4].train, folds[4].test
    (5, Window(name='train_4', start=400, stop=900), Window(name='test_4', start=900, stop=1000))
    """
    train, test, step = (
        parse_length(value, f"walk_forward.{name}")
        for name, value in (
            ("training_window", training_window),
            ("test_window", test_window),
            ("step_size", step_size),
        )
    )
    if mode not in ("rolling", "anchored"):
        raise ConfigError(f"walk_forward.mode: must be rolling or anchored, found {mode!r}; choose one")
    for name, value in (("purge_bars", purge_bars), ("embargo_bars", embargo_bars)):
        if value < 0:
            raise ConfigError(f"walk_forward.{name}: must be >= 0, found {value}; 0 turns it off")
    axis = _Axis(bars, (train, test, step))
    folds: list[Fold] = []
    while True:
        index = len(folds)
        begin = axis.origin if index == 0 else axis.after(axis.origin, step, index)
        cut = axis.after(begin, train)
        test_begin = axis.shifted(cut, embargo_bars)
        end = axis.after(test_begin, test)
        if not axis.reaches(end):
            break
        start = 0 if mode == "anchored" else begin.bar
        folds.append(
            Fold(
                index,
                Window(f"train_{index}", start, cut.bar - purge_bars),
                Window(f"test_{index}", test_begin.bar, end.bar),
            )
        )
        for window, edge in ((folds[-1].train, begin), (folds[-1].test, test_begin)):
            if window.n_bars < 1:
                raise DataError(
                    f"walk_forward: {window.name} must hold at least 1 bar, found none near "
                    f"{edge.day.date()}; use longer windows or a smaller purge"
                )
    if not folds:
        first, last = bars.dates
        raise DataError(
            f"walk_forward: one fold needs {train} to train and {test} to test, found {bars.n_bars} bars "
            f"({first} to {last}); shorten the windows or give more data"
        )
    return tuple(folds)


@dataclass(frozen=True)
class _Edge:
    """A boundary between bars: its index, and the calendar day it stands for."""

    bar: int
    day: pd.Timestamp


class _Axis:
    """The bars' time axis, on which bar counts and calendar lengths are both walked.

    An edge beyond the end stands at bar n + 1, however far off it is, and nothing after it is reached.
    """

    def __init__(self, bars: Bars, lengths: tuple[Length, ...]) -> None:
        self._day = bars.day
        self._n = bars.n_bars
        days = np.unique(self._day)
        gap = int(np.median(np.diff(days))) if days.size > 1 else 1
        self._slack_days = max(_MONTH_OPENS_BY, gap)
        day = pd.Timestamp(bars.dates[0])
        if day.day <= _MONTH_OPENS_BY and all(one.unit in ("months", "years") for one in lengths):
            day = day.replace(day=1)
        self.origin = _Edge(0, day)

    def _day_of(self, bar: int) -> pd.Timestamp:
        if bar < self._n:
            return pd.Timestamp(0) + pd.Timedelta(days=int(self._day[bar]))
        return pd.Timestamp(0) + pd.Timedelta(days=int(self._day[-1]) + 1)

    def after(self, edge: _Edge, length: Length, times: int = 1) -> _Edge:
        if length.unit == "bars":
            return self.shifted(edge, length.count * times)
        if edge.bar > self._n:
            return edge
        try:
            day = edge.day + length.times(times)
            since = (day - pd.Timestamp(0)).days
        except (OverflowError, ValueError):  # further than a calendar goes
            return _Edge(self._n + 1, edge.day)
        return _Edge(int(np.searchsorted(self._day, since)), day)

    def shifted(self, edge: _Edge, bars: int) -> _Edge:
        if bars == 0 or edge.bar > self._n:
            return edge
        bar = edge.bar + bars
        return _Edge(self._n + 1, edge.day) if bar > self._n else _Edge(bar, self._day_of(bar))

    def reaches(self, edge: _Edge) -> bool:
        if edge.bar < self._n:
            return True
        if edge.bar > self._n:
            return False
        return (edge.day - self._day_of(self._n - 1)).days <= self._slack_days
