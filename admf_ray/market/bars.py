"""Bars: frozen columns of prices that every container may read and none may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf_ray.errors import DataError
from admf_ray.market.arrays import business_days, digest, frozen, nanoseconds, two_dimensional
from admf_ray.market.checks import check_bars, raise_errors
from admf_ray.market.clock import bars_between, bars_per_year, check_zone, local_calendar
from admf_ray.market.instruments import Instrument
from admf_ray.market.structure import check_structure
from admf_ray.market.symbols import named, places_of
from admf_ray.market.table import PRICES

__all__ = ["Bars"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Bars:
    """Bars of one or many symbols on one time axis.

    Parameters
    ----------
    symbols : tuple of str
        Sorted, unique; the columns of every array.
    time_ns : int64 array (n_bars,)
        UTC nanoseconds of each bar's close, strictly increasing.
    open, high, low, close : float64 array (n_bars, n_symbols)
        Prices; NaN where the symbol has no bar (not yet listed, ended, missing).
    volume : float64 array (n_bars, n_symbols) or None
        Units traded, when known.
    tradable : bool array (n_bars, n_symbols)
        Whether a real bar stands there: not missing and not forward-filled.
    extra : mapping of str to float64 array (n_bars, n_symbols)
        Further point-in-time columns of the user's file.
    instruments : tuple of Instrument
        One per symbol, in the order of `symbols`, all in one currency.
    zone : str
        Exchange zone, in which days and times of day are meant.
    bars_per_year : float
        Annualisation factor; 0 asks for `clock.bars_per_year`. Parts cut from bars keep the factor.
    notes : tuple of str
        Facts a user should know about these data.
    counts : mapping of str to int
        Rows dropped or forward-filled because the user said so.
    session_end_minute : int or None
        Local minute of the day at which sessions end, where it was declared.

    Raises
    ------
    DataError
        When shapes disagree, symbols are not sorted and unique, or time does not strictly increase.

    Notes
    -----
    Every array is C-contiguous and read-only; a writable or foreign-typed one is copied. The values
    are checked where data enter (`load_bars`, `Bars.from_arrays`), not here. Pickling keeps arrays
    read-only and leaves cached columns behind. Safe to share between threads.
    """

    symbols: tuple[str, ...]
    time_ns: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats | None
    tradable: NDArray[np.bool_]
    extra: Mapping[str, Floats] = field(default_factory=dict)
    instruments: tuple[Instrument, ...] = ()
    zone: str = "UTC"
    bars_per_year: float = 0.0
    notes: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    session_end_minute: int | None = None

    def __post_init__(self) -> None:
        put = self.__dict__.__setitem__
        put("symbols", tuple(self.symbols))
        put("time_ns", frozen(self.time_ns, np.int64))
        for name in PRICES:
            put(name, frozen(getattr(self, name), np.float64))
        if self.volume is not None:
            put("volume", frozen(self.volume, np.float64))
        put("tradable", frozen(self.tradable, np.bool_))
        put(
            "extra",
            MappingProxyType({name: frozen(self.extra[name], np.float64) for name in sorted(self.extra)}),
        )
        put("instruments", tuple(self.instruments) or tuple(Instrument(name) for name in self.symbols))
        put("notes", tuple(self.notes))
        put("counts", MappingProxyType(dict(self.counts)))
        check_zone(self.zone)
        check_structure(self)
        put("bars_per_year", float(self.bars_per_year) or bars_per_year(self.day))

    @classmethod
    def from_arrays(
        cls,
        open: ArrayLike,
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        volume: ArrayLike | None = None,
        *,
        time_ns: ArrayLike | None = None,
        symbols: Sequence[str] | str | None = None,
        tradable: ArrayLike | None = None,
        extra: Mapping[str, ArrayLike] | None = None,
        instruments: Sequence[Instrument] | None = None,
        zone: str = "UTC",
        bars_per_year: float = 0.0,
        notes: Sequence[str] = (),
        counts: Mapping[str, int] | None = None,
        session_end_minute: int | None = None,
    ) -> Bars:
        """Build bars from arrays, in any order of symbols, and check every value.

        Parameters
        ----------
        open, high, low, close, volume : array (n_bars,) or (n_bars, n_symbols)
            Columns; one dimension means one symbol.
        time_ns : int64 array (n_bars,), optional
            UTC nanoseconds or a datetime64 array; business days from 2000-01-03, closing 16:00 in
            `zone`, when left out.
        symbols : sequence of str or str, optional
            Names of the columns; ``S0``, ``S1``, … zero-padded when left out.
        tradable : bool array, optional
            Default: where all four prices are present.
        extra, instruments, zone, bars_per_year, notes, counts, session_end_minute
            As in the class.

        Raises
        ------
        DataError
            When the structure or a tradable value is unfit (see `check_bars`).

        Examples
        --------
        >>> Bars.from_arrays([1.0, 2.0], [2.0, 3.0], [1.0, 2.0], [2.0, 2.5])
        Bars(1 symbol S0, 2 bars 2000-01-03 to 2000-01-04, 252 a year)
        """
        columns = {
            name: two_dimensional(value, name)
            for name, value in (("open", open), ("high", high), ("low", low), ("close", close))
        }
        n_bars, n_symbols = columns["close"].shape
        names = named(symbols, n_symbols)
        order = sorted(range(n_symbols), key=lambda k: names[k])

        def arranged(value: ArrayLike, name: str, kind: type = np.float64) -> NDArray[Any]:
            array = two_dimensional(value, name, kind)
            moved = array.shape[1] == n_symbols and order != list(range(n_symbols))
            return array[:, order] if moved else array

        finite = np.logical_and.reduce(
            [np.isfinite(one) for one in columns.values() if one.shape == (n_bars, n_symbols)]
        )
        bars = cls(
            symbols=tuple(names[k] for k in order),
            time_ns=business_days(n_bars, zone) if time_ns is None else nanoseconds(time_ns),
            open=arranged(open, "open"),
            high=arranged(high, "high"),
            low=arranged(low, "low"),
            close=arranged(close, "close"),
            volume=None if volume is None else arranged(volume, "volume"),
            tradable=arranged(finite if tradable is None else tradable, "tradable", np.bool_),
            extra={name: arranged(value, name) for name, value in (extra or {}).items()},
            instruments=tuple(sorted(instruments or (), key=lambda one: one.symbol)),
            zone=zone,
            bars_per_year=bars_per_year,
            notes=tuple(notes),
            counts=counts or {},
            session_end_minute=session_end_minute,
        )
        raise_errors(check_bars(bars))
        return bars

    @property
    def n_bars(self) -> int:
        """Number of bars."""
        return self.time_ns.size

    @property
    def n_symbols(self) -> int:
        """Number of symbols."""
        return len(self.symbols)

    @cached_property
    def _calendar(self) -> tuple[Integers, Integers]:
        day, minute = local_calendar(self.time_ns, self.zone)
        return frozen(day, np.int64), frozen(minute, np.int64)

    @property
    def day(self) -> Integers:
        """Local calendar day of each bar, days since 1970-01-01, shape (n_bars,)."""
        return self._calendar[0]

    @property
    def minute_of_day(self) -> Integers:
        """Local minutes since `day` began, 0 to 1440, shape (n_bars,)."""
        return self._calendar[1]

    @cached_property
    def weekday(self) -> Integers:
        """Local weekday of each bar, 0 for Monday, shape (n_bars,)."""
        return frozen((self.day + 3) % 7, np.int64)

    @cached_property
    def first(self) -> Integers:
        """Index of each symbol's first tradable bar, n_bars when it has none, shape (n_symbols,)."""
        return frozen(np.where(self.tradable.any(0), self.tradable.argmax(0), self.n_bars), np.int64)

    @cached_property
    def last(self) -> Integers:
        """Index of each symbol's last tradable bar, -1 when it has none, shape (n_symbols,)."""
        back = self.n_bars - 1 - self.tradable[::-1].argmax(0)
        return frozen(np.where(self.tradable.any(0), back, -1), np.int64)

    @cached_property
    def content_hash(self) -> str:
        """Hexadecimal digest of everything that can change a result; notes and counts cannot."""
        facts = (
            self.symbols,
            self.instruments,
            self.zone,
            self.bars_per_year,
            self.session_end_minute,
            sorted(self.extra),
            self.n_bars,
        )
        columns = [getattr(self, name) for name in PRICES]
        columns += [] if self.volume is None else [self.volume]
        columns += [self.extra[name] for name in sorted(self.extra)]
        return digest((facts, self.volume is None), [self.time_ns, self.tradable], columns)

    def slice(self, start: int, stop: int) -> Bars:
        """Return bars `start` to `stop` (half open) as views of the same memory.

        Raises
        ------
        DataError
            When the range is empty or reaches outside the bars.
        """
        if not 0 <= start < stop <= self.n_bars:
            raise DataError(
                f"bars.slice: must lie within 0 and {self.n_bars}, found {start} to {stop}; correct it"
            )
        return self._cut(np.s_[start:stop], self.symbols, self.instruments)

    def between(self, start: str | date | None = None, end: str | date | None = None) -> Bars:
        """Return the bars of the local days from `start` to `end`, both included.

        Parameters
        ----------
        start, end : str or date, optional
            A date, a month or a whole year (``"2014"``); open-ended when left out.

        Raises
        ------
        ConfigError
            When one is not a date, or `start` is after `end`.
        DataError
            When no bar lies between them.
        """
        low, high = bars_between(self.time_ns, self.zone, start, end)
        if low >= high:
            raise DataError(
                f"bars: no bar lies between {start or 'the beginning'} and {end or 'the end'}, found data "
                f"from {self.dates[0]} to {self.dates[1]}; choose dates within"
            )
        return self.slice(low, high)

    def select(self, symbols: Sequence[str] | str) -> Bars:
        """Return only the named symbols, without the bars at which none of them stands.

        Raises
        ------
        DataError
            When a symbol is not there.
        """
        wanted = sorted({symbols} if isinstance(symbols, str) else set(symbols))
        columns = np.array(places_of(wanted, self.symbols), dtype=np.int64)
        rows = np.flatnonzero(np.isfinite(self.close[:, columns]).any(1))
        index = np.ix_(rows, columns)
        return self._cut(index, tuple(wanted), tuple(self.instruments[k] for k in columns), rows)

    def _cut(
        self, index: Any, symbols: tuple[str, ...], instruments: tuple[Instrument, ...], rows: Any = None
    ) -> Bars:
        return replace(
            self,
            symbols=symbols,
            instruments=instruments,
            time_ns=self.time_ns[index if rows is None else rows],
            volume=None if self.volume is None else self.volume[index],
            tradable=self.tradable[index],
            extra={name: array[index] for name, array in self.extra.items()},
            **{name: getattr(self, name)[index] for name in PRICES},
        )

    @property
    def dates(self) -> tuple[date, date]:
        """First and last local date."""
        first, last = (date.fromordinal(719_163 + int(self.day[k])) for k in (0, -1))
        return first, last

    def __repr__(self) -> str:
        """Return one line that says what is in the bars."""
        shown = ", ".join(self.symbols[:5]) + (", …" if self.n_symbols > 5 else "")
        plural = "s" if self.n_symbols > 1 else ""
        return (
            f"Bars({self.n_symbols} symbol{plural} {shown}, {self.n_bars} bars {self.dates[0]} to "
            f"{self.dates[1]}, {self.bars_per_year:g} a year)"
        )

    def __getstate__(self) -> dict[str, Any]:
        names = self.__dataclass_fields__
        state = {name: self.__dict__[name] for name in names}
        state["_calendar"] = self._calendar  # mapped by those who read it, not made by each
        return {**state, "extra": dict(self.extra), "counts": dict(self.counts)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for value in (*state.values(), *state["extra"].values(), *state["_calendar"]):
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
        state["extra"] = MappingProxyType(state["extra"])
        state["counts"] = MappingProxyType(state["counts"])
        self.__dict__.update(state)
