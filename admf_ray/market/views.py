"""The past as a strategy may see it: bars up to now, and no way on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import DataError, closest
from admf_ray.market.bars import Bars

__all__ = ["BarView", "Prices"]

_COLUMNS = ("open", "high", "low", "close", "volume", "tradable")


class Prices(NamedTuple):
    """Columns of some bars: floats for one bar of one symbol, otherwise arrays.

    Attributes
    ----------
    open, high, low, close, volume
        Volume is NaN where it is not known.
    """

    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any


class _Column:
    """One column: the source, the past copied from it so far, and the past as strategies get it."""

    __slots__ = ("known", "past", "shown", "source")

    def __init__(self, source: NDArray[Any]) -> None:
        self.source = source
        self.known = 0
        self.past = np.zeros(source.shape, source.dtype)
        self.shown = self.past[:, 0] if source.shape[1] == 1 else self.past[:]
        self.shown.setflags(write=False)


class BarView:
    """The bars up to and including the present one.

    Parameters
    ----------
    bars : Bars
        All of them; the view begins before the first.

    Notes
    -----
    Columns are read-only float64 arrays of shape (n,) for one symbol and (n, n_symbols) for several, n the
    bars so far, history before the window included; NaN where a symbol has no bar. Arrays taken earlier stay
    as they were. The memory behind them (``.base`` too) holds only the past: rows are copied in when they
    have happened. The bars themselves are within reach only of who digs in private attributes; the causality
    probe is the proof that a strategy did not.
    """

    __slots__ = ("__weakref__", "_bar", "_bars", "_columns")

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._bar = -1
        self._columns: dict[str, _Column] = {}

    @property
    def bar(self) -> int:
        """Index of the present bar; -1 before the first."""
        return self._bar

    @property
    def n_bars(self) -> int:
        """Number of bars so far."""
        return self._bar + 1

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the symbols, in the order of the arrays' columns."""
        return self._bars.symbols

    @property
    def time_ns(self) -> int:
        """UTC nanoseconds of the present bar's close."""
        self._check_begun()
        return int(self._bars.time_ns[self._bar])

    @property
    def time(self) -> datetime:
        """The present bar's close in the exchange's zone, to the microsecond."""
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.time_ns // 1000)
        return moment.astimezone(ZoneInfo(self._bars.zone))

    @property
    def now(self) -> Prices:
        """The present bar: floats for one symbol, arrays (n_symbols,) for several."""
        self._check_begun()
        rows = (self[name][-1] for name in _COLUMNS[:5])
        return Prices(*map(float, rows)) if len(self.symbols) == 1 else Prices(*rows)

    @property
    def open(self) -> NDArray[np.float64]:
        """Opening prices so far."""
        return self["open"]

    @property
    def high(self) -> NDArray[np.float64]:
        """Highest prices so far."""
        return self["high"]

    @property
    def low(self) -> NDArray[np.float64]:
        """Lowest prices so far."""
        return self["low"]

    @property
    def close(self) -> NDArray[np.float64]:
        """Closing prices so far."""
        return self["close"]

    @property
    def volume(self) -> NDArray[np.float64]:
        """Units traded so far; NaN where not known."""
        return self["volume"]

    @property
    def tradable(self) -> NDArray[np.bool_]:
        """Whether a real bar stands there, so far."""
        return self["tradable"]

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column so far: a price, ``volume``, ``tradable``, or one of the user's own columns.

        Raises
        ------
        DataError
            No such column.
        """
        column = self._columns.get(name) or self._open(name)
        end = self._bar + 1
        if column.known < end:
            # filled only as far as time has come: there is no future in this memory to find
            column.past[column.known : end] = column.source[column.known : end]
            column.known = end
        return column.shown[:end]

    def history(self, n: int) -> Prices:
        """Return the last `n` bars, fewer when fewer have happened.

        Parameters
        ----------
        n : int
            At least 1.

        Raises
        ------
        DataError
            When `n` is below 1: there are no bars after the present one.
        """
        if n < 1:
            raise DataError(f"view.history: must be >= 1 bar, found {n}; later bars do not exist yet")
        return Prices(*(self[name][-n:] for name in _COLUMNS[:5]))

    def __len__(self) -> int:
        return self._bar + 1

    def __repr__(self) -> str:
        return f"BarView(bar {self._bar}, {', '.join(self.symbols[:5])})"

    def _advance(self, bar: int) -> None:
        """Make `bar` the present one; for the driver."""
        self._bar = bar

    def _open(self, name: str) -> _Column:
        """Begin to keep a column that nobody has asked for yet."""
        bars = self._bars
        if name not in _COLUMNS and name not in bars.extra:
            have = (*_COLUMNS, *bars.extra)
            raise DataError(
                f"view: no column {name!r}, found {', '.join(have)}{closest(name, have) or '; choose one'}"
            )
        source = getattr(bars, name) if name in _COLUMNS else bars.extra[name]
        if source is None:
            source = np.broadcast_to(np.nan, bars.close.shape)
        self._columns[name] = _Column(source)
        return self._columns[name]

    def _check_begun(self) -> None:
        if self._bar < 0:
            raise DataError("view: no bar has closed yet, found it asked for one; read it from on_bar")
