"""What a stamp means: from the text or number in a file to the UTC nanosecond of the bar's close."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import ConfigError, DataError
from admf_ray.later import pd
from admf_ray.market.clock import DAY_NS, MINUTE_NS

__all__ = ["SESSION_ENDS", "Stamps", "bar_closes", "parse_stamps", "session_minutes"]

Integers = NDArray[np.int64]
StampMeaning = Literal["open", "close", "date"]

# Where regular trading ends, for dates that do not say.
SESSION_ENDS = {
    "America/New_York": "16:00",
    "America/Chicago": "15:00",
    "America/Toronto": "16:00",
    "Europe/London": "16:30",
    "Europe/Berlin": "17:30",
    "Europe/Paris": "17:30",
    "Europe/Zurich": "17:30",
    "Asia/Tokyo": "15:30",
    "Asia/Hong_Kong": "16:00",
    "Asia/Shanghai": "15:00",
    "Australia/Sydney": "16:00",
}
_END_OF_DAY = "23:59"
_OFFSET = r"\d{1,2}:\d{2}.*?(Z|z|[+-]\d{2}:?\d{2})$"
_FORMATS = (
    "ISO8601",
    "%Y%m%d",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y.%m.%d",
    "%Y.%m.%d %H:%M",
    "%Y%m%d %H:%M:%S",
)
_DAILY_NS = 20 * 60 * MINUTE_NS
_COARSE_NS = 5 * DAY_NS


@dataclass(frozen=True)
class Stamps:
    """Stamps as a file has them.

    Parameters
    ----------
    ns : int64 array (n_rows,)
        Nanoseconds: UTC when `aware`, of the wall clock otherwise.
    aware : bool
        Whether the file says which instant is meant.
    zone : str or None
        The named zone that the file carries.
    """

    ns: Integers
    aware: bool
    zone: str | None = None


def session_minutes(text: str) -> int:
    """Return minutes since midnight of ``HH:MM``, up to ``24:00``.

    Raises
    ------
    ConfigError
        When it is no time of day.
    """
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text) if isinstance(text, str) else None
    minutes = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else -1
    if not 0 < minutes <= 1440:
        raise ConfigError(f"session_end: must be a time of day, found {text!r}; write it quoted, as '16:00'")
    return minutes


def parse_stamps(column: pd.Series[Any], where: str, zone: str | None = None) -> Stamps:
    """Read a column of stamps of any kind.

    Parameters
    ----------
    column : pandas Series
        Datetimes, dates, text (ISO 8601 and unambiguous year-first forms), whole numbers (YYYYMMDD, or
        seconds, milli-, micro- or nanoseconds since 1970, told apart by magnitude).
    where : str
        The file, for messages.
    zone : str, optional
        The exchange zone, which explains offsets that change with its clock.

    Raises
    ------
    DataError
        When a stamp is missing or unreadable, or zones are mixed.
    """
    if column.isna().any():
        rows = np.flatnonzero(column.isna().to_numpy()) + 1
        raise DataError(
            f"{where}: every row needs a stamp, found none in {rows.size} rows (first {rows[0]}); "
            "complete them"
        )
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        name = getattr(column.dtype.tz, "key", None) or getattr(column.dtype.tz, "zone", None)
        return Stamps(_ns(column.dt.tz_convert("UTC"), where), True, name)
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return Stamps(_ns(column, where), False)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _numbers(column, where)
    if isinstance(column.iloc[0], date):
        try:
            parsed = pd.to_datetime(column)
        except (ValueError, TypeError):
            raise _mixed(where, "stamps with and without one") from None
        return parse_stamps(parsed, where, zone)
    return _texts(column.astype(str).str.strip(), where, zone)


def _texts(column: pd.Series[Any], where: str, zone: str | None) -> Stamps:
    offsets = column.str.extract(_OFFSET, expand=False) if column.str.len().max() > 10 else None
    if offsets is not None and offsets.notna().any():
        if offsets.isna().any():
            raise _mixed(where, "stamps with and without one")
        instants = _parsed(column, where, utc=True)
        kinds = sorted({"+00:00" if one in ("Z", "z") else one for one in offsets.unique()})
        if len(kinds) > 1:
            if zone is None:
                raise _mixed(where, f"offsets {', '.join(kinds[:4])}")
            wall = pd.to_datetime(
                column.str.replace(r"(Z|z|[+-]\d{2}:?\d{2})$", "", regex=True), format="ISO8601"
            )
            if not (instants.dt.tz_convert(zone).dt.tz_localize(None) == wall).all():
                raise _mixed(where, f"offsets {', '.join(kinds[:4])}, which are not those of {zone}")
        return Stamps(_ns(instants, where), True, "UTC" if kinds == ["+00:00"] else None)
    return Stamps(_ns(_parsed(column, where, utc=False), where), False)


def _parsed(column: pd.Series[Any], where: str, utc: bool) -> pd.Series[Any]:
    for form in _FORMATS:
        try:
            return pd.to_datetime(column, format=form, utc=utc)
        except ValueError:
            continue
    bad = np.flatnonzero(
        pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce").isna().to_numpy()
    )
    raise DataError(
        f"{where}: stamps must be ISO 8601, found {column.iloc[bad[0]]!r} at row {bad[0] + 1}; "
        "write e.g. 2014-06-30 or 2014-06-30T16:00:00+00:00"
    )


def _numbers(column: pd.Series[Any], where: str) -> Stamps:
    values = column.to_numpy()
    whole = values.astype(np.int64)
    if (whole != values).any():
        raise DataError(
            f"{where}: numeric stamps must be whole, found {values[whole != values][0]}; convert them"
        )
    low, high = int(whole.min()), int(whole.max())
    if low >= 19_000_101 and high <= 21_001_231:
        return _texts(pd.Series(whole).astype(str), where, None)
    scale = next((k for k, top in ((10**9, 10**11), (10**6, 10**14), (10**3, 10**17)) if high < top), 1)
    return Stamps(whole * scale, True)


def bar_closes(
    stamps: Stamps, stamp: StampMeaning | None, zone: str, session_end: str | None, where: str, zoned: bool
) -> Integers:
    """Return the UTC nanosecond of each bar's close, for the stamps of one symbol.

    Parameters
    ----------
    stamps : Stamps
        As read, in the order of the file.
    stamp : {"open", "close", "date"}, optional
        What a stamp means, where the user or the column's name says it.
    zone : str
        Exchange zone.
    session_end : str, optional
        ``HH:MM`` at which a date's session ends; `SESSION_ENDS` of the zone, or 23:59, when left out.
    where : str
        The file, for messages.
    zoned : bool
        Whether `zone` was stated by the user or the file, and is not a default.

    Raises
    ------
    DataError
        When what the stamps mean cannot be known: the message says which key to set.

    Notes
    -----
    Stamps that are all at midnight are dates and close at their session's end. Dates five or more days
    apart (weeks, months) must be declared, for vendors stamp such bars at either end; stamped at their
    open, they close on the day before the next one. Intraday bars stamped at their open close one bar
    length later, the most frequent distance of stamps.
    """
    ns = stamps.ns
    if ns.size == 0:
        return ns
    wall = _wall(ns, zone) if stamps.aware else ns
    dated = wall
    if stamps.aware and (ns % DAY_NS == 0).all():
        dated = ns  # dates written as midnights in UTC
    ordered = np.unique(ns)
    gaps = np.diff(ordered)
    gap = int(np.median(gaps)) if gaps.size else DAY_NS
    only_dates = bool((dated % DAY_NS == 0).all()) and gap >= DAY_NS
    daily = gap >= _DAILY_NS
    if stamp is None:
        if only_dates and gap < _COARSE_NS:
            stamp = "date"
        else:
            kind = "weekly or longer bars" if only_dates else "bars with a time of day"
            raise DataError(
                f"{where}: what a stamp means must be said for {kind}, found nothing; "
                "set stamp: open or close"
            )
    if not (only_dates or zoned or stamps.aware):
        raise DataError(f"{where}: stamps with a time of day need a zone, found none; set zone, e.g. UTC")
    if stamp == "date" and not daily:
        raise DataError(
            f"{where}: stamp: date means one bar a day, found bars {gap / MINUTE_NS:g} minutes apart; "
            "set stamp: open or close"
        )
    if stamp == "close" and not only_dates:
        return ns if stamps.aware else _utc(ns, zone, where)
    if stamp == "open" and not daily:
        lengths, counts = np.unique(gaps, return_counts=True)
        instants = ns if stamps.aware else _utc(ns, zone, where)
        return np.asarray(instants + lengths[np.argmax(counts)], dtype=np.int64)
    days = (dated if only_dates else wall) // DAY_NS
    if stamp == "open" and gap >= _COARSE_NS:
        known = np.unique(days)
        following = np.append(known[1:], known[-1] + round(gap / DAY_NS))
        days = following[np.searchsorted(known, days)] - 1
    minutes = session_minutes(session_end or (SESSION_ENDS.get(zone) if zoned else None) or _END_OF_DAY)
    if stamp == "open" and not only_dates and gap < _COARSE_NS:
        days = days + (wall % DAY_NS >= minutes * MINUTE_NS)  # opened after the session's end: the next one's
    return _utc(days * DAY_NS + minutes * MINUTE_NS, zone, where)


def _wall(ns: Integers, zone: str) -> Integers:
    index = pd.DatetimeIndex(ns.view("M8[ns]"), tz="UTC").tz_convert(zone).tz_localize(None)
    return np.asarray(index.as_unit("ns").asi8, dtype=np.int64)


def _utc(wall: Integers, zone: str, where: str) -> Integers:
    index = pd.DatetimeIndex(wall.view("M8[ns]")).tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    lost = np.flatnonzero(index.isna())
    if lost.size:
        text = str(pd.Timestamp(int(wall[lost[0]]), unit="ns"))
        raise DataError(
            f"{where}: stamps must be unambiguous in {zone}, found {text} at row {lost[0] + 1}, when its "
            "clock changes; store UTC stamps"
        )
    return np.asarray(index.as_unit("ns").asi8, dtype=np.int64)


def _ns(column: pd.Series[Any], where: str) -> Integers:
    try:
        return np.asarray(pd.DatetimeIndex(column).as_unit("ns").asi8, dtype=np.int64)
    except pd.errors.OutOfBoundsDatetime:
        low, high = pd.Timestamp.min.year + 1, pd.Timestamp.max.year - 1
        row = int(np.argmin(pd.DatetimeIndex(column).year.isin(range(low, high + 1))))
        raise DataError(
            f"{where}: stamps must lie within the years {low} to {high}, found {column.iloc[row]} at row "
            f"{row + 1}; correct it"
        ) from None


def _mixed(where: str, found: str) -> DataError:
    return DataError(f"{where}: stamps must be of one zone, found {found}; store them in UTC, or set zone")
