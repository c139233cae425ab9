"""Instants and calendars: exchange-local days, dates a user writes, bars per year."""

from __future__ import annotations

import re
import zoneinfo
from datetime import date

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import ConfigError
from admf_ray.later import pd

__all__ = [
    "DAY_NS",
    "MINUTE_NS",
    "bars_between",
    "bars_per_year",
    "check_zone",
    "date_range",
    "instant_before",
    "local_calendar",
]

MINUTE_NS = 60_000_000_000
DAY_NS = 86_400_000_000_000

# What the field annualises with; a measured figure within 1 % of one of these is taken to be it.
_CONVENTIONS = (1.0, 4.0, 12.0, 52.0, 252.0, 261.0, 365.0)
_LONG_ENOUGH_DAYS = 300
_HOLE_DAYS = 31


def check_zone(zone: str, where: str = "zone") -> str:
    """Return an IANA zone name, refusing what is none.

    Parameters
    ----------
    zone : str
        A name such as ``America/New_York`` or ``UTC``.
    where : str
        What the error message begins with.

    Raises
    ------
    ConfigError
        When there is no such zone.
    """
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ConfigError(
            f"{where}: must be an IANA time zone, found {zone!r}; write e.g. 'America/New_York' or 'UTC'"
        ) from None
    return zone


def local_calendar(time_ns: NDArray[np.int64], zone: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the exchange-local day and minute of each bar's close.

    Parameters
    ----------
    time_ns : int64 array (n_bars,)
        UTC nanoseconds of the closes.
    zone : str
        Exchange zone.

    Returns
    -------
    day : int64 array (n_bars,)
        Local calendar days since 1970-01-01.
    minute : int64 array (n_bars,)
        Whole minutes of the wall clock since that day began, 0 to 1440.

    Notes
    -----
    A bar that closes at midnight belongs to the day it ends: its minute is 1440, not 0.
    """
    index = pd.DatetimeIndex(time_ns.view("M8[ns]"), tz="UTC").tz_convert(zone).tz_localize(None)
    local = np.asarray(index.as_unit("ns").asi8, dtype=np.int64)
    day = (local - 1) // DAY_NS
    return day, (local - day * DAY_NS) // MINUTE_NS


def date_range(text: str | date, where: str = "date") -> tuple[date, date]:
    """Return the first and last day that a date, month or year names.

    Parameters
    ----------
    text : str or date
        ``"2014"``, ``"2014-06"``, ``"2014-06-30"`` or a date.
    where : str
        What the error message begins with.

    Raises
    ------
    ConfigError
        When it is none of these.

    Examples
    --------
    >>> date_range("2014-02")
    (datetime.date(2014, 2, 1), datetime.date(2014, 2, 28))
    """
    if isinstance(text, date):
        day = date(text.year, text.month, text.day)
        return day, day
    match = re.fullmatch(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", str(text).strip())
    try:
        if match is None:
            raise ValueError
        year, month, dom = (int(part) if part else 0 for part in match.groups())
        if dom:
            return date(year, month, dom), date(year, month, dom)
        if month:
            first = date(year, month, 1)
            return first, (pd.Timestamp(first) + pd.offsets.MonthEnd(0)).date()
        return date(year, 1, 1), date(year, 12, 31)
    except ValueError:
        raise ConfigError(
            f"{where}: must be a year, month or date, found {text!r}; write '2014', '2014-06' or '2014-06-30'"
        ) from None


def instant_before(day: date, zone: str) -> int:
    """Return the UTC nanosecond at which a local day begins; bars of the day close after it."""
    stamp = pd.Timestamp(day).as_unit("ns").tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    return int(stamp.value)


def bars_between(
    time_ns: NDArray[np.int64], zone: str, start: str | date | None, end: str | date | None
) -> tuple[int, int]:
    """Return which bars close on the local days from `start` to `end`, both included, half open.

    Parameters
    ----------
    time_ns : int64 array (n_bars,)
        UTC nanoseconds of the closes, ascending.
    zone : str
        Exchange zone.
    start, end : str or date, optional
        As `date_range` takes them; open-ended when left out.

    Raises
    ------
    ConfigError
        When one is not a date, or `start` is after `end`.
    """
    first = None if start is None else date_range(start, "start")[0]
    last = None if end is None else date_range(end, "end")[1]
    if first is not None and last is not None and first > last:
        raise ConfigError(f"start: must not be after end, found {start} to {end}; swap them")
    low, high = 0, time_ns.size
    if first is not None:
        low = int(np.searchsorted(time_ns, instant_before(first, zone), side="right"))
    if last is not None:
        after = date.fromordinal(last.toordinal() + 1)
        high = int(np.searchsorted(time_ns, instant_before(after, zone), side="right"))
    return low, high


def bars_per_year(day: NDArray[np.int64]) -> float:
    """Estimate how many bars a year has, the factor of annualisation.

    Parameters
    ----------
    day : int64 array (n_bars,)
        Local calendar day of each bar, as `local_calendar` gives it.

    Returns
    -------
    float
        Mean bars on a trading day × trading days a year.

    Notes
    -----
    Trading days a year are counted over the span when it is 300 days or longer: (distinct days − 1)
    ÷ span × 365.25, whole when above 50; holes of more than 31 days (and 5 usual gaps) are no part of
    it. A count within 1 % of what the field uses (1, 4, 12, 52, 252, 261 weekdays, 365) becomes that
    figure, so one S&P year and twenty give the same 252, while the ECB's 256 fixes stay 256. A shorter
    span cannot be counted: its median gap of days decides (252, or 313 or 365 when weekend days trade;
    52; 12; 4; else 365.25 ÷ gap). One day alone is taken as 1 of 252.

    Examples
    --------
    >>> import numpy as np
    >>> weekdays = np.arange(1000) + np.arange(1000) // 5 * 2 + 4
    >>> bars_per_year(weekdays)
    261.0
    """
    days = np.unique(day)
    per_day = day.size / max(days.size, 1)
    if days.size < 2:
        return per_day * 252.0
    gaps = np.diff(days)
    gap = float(np.median(gaps))
    counted = gaps[gaps <= max(_HOLE_DAYS, 5 * gap)]
    if counted.sum() >= _LONG_ENOUGH_DAYS:
        count = float(counted.size / counted.sum() * 365.25)
    else:
        if gap <= 2.0:
            weekend = np.unique(days[(days + 3) % 7 >= 5] % 7).size
            count = (252.0, 313.0, 365.0)[weekend]
        else:
            count = 365.25 / gap
    for convention in _CONVENTIONS:
        if abs(count / convention - 1.0) <= 0.01:
            return per_day * convention
    return per_day * (float(round(count)) if count > 50 else count)
