"""Which column of a vendor's table is which."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from admf_ray.errors import DataError
from admf_ray.market.stamps import StampMeaning

__all__ = ["ColumnMap", "map_columns", "map_meaning", "plain_name"]

_ALIASES = {
    "stamp": ("timestamp", "datetime", "date time", "date/time", "ts", "time ns", "bar time", "dtyyyymmdd"),
    "stamp_open": ("open time", "start time", "bar start"),
    "stamp_close": ("close time", "end time", "bar end"),
    "date": ("date", "trade date", "trading day", "day"),
    "time": ("time",),
    "symbol": ("symbol", "ticker", "sym", "instrument", "asset", "act symbol"),
    "open": ("open", "o", "open price", "px open"),
    "high": ("high", "h", "high price", "px high"),
    "low": ("low", "l", "low price", "px low"),
    "close": ("close", "c", "close price", "last", "close/last", "px last"),
    "volume": ("volume", "vol", "v", "tick volume", "tickvol", "qty"),
    "adj_close": ("adj close", "adjclose", "adjusted close", "close adj"),
}
_MEANING = {alias: meaning for meaning, aliases in _ALIASES.items() for alias in aliases}
_UNNAMED = ("index", "unnamed: 0", "level 0", "")
_NEEDED = ("open", "high", "low", "close")


@dataclass(frozen=True)
class ColumnMap:
    """Where in a table each thing stands; None where it does not.

    Parameters
    ----------
    stamp : str
        The column of stamps, or of dates.
    time : str or None
        A separate column of times of day that completes the dates.
    implied : {"open", "close"} or None
        Where the stamp column's own name says it.
    symbol, adj_close : str or None
        Columns of that meaning.
    values : dict of str to str
        ``open``, ``high``, ``low``, ``close`` and perhaps ``volume`` to their columns.
    extra : tuple of str
        All other columns.
    """

    stamp: str
    time: str | None
    implied: StampMeaning | None
    symbol: str | None
    adj_close: str | None
    values: dict[str, str]
    extra: tuple[str, ...]


def plain_name(name: object) -> str:
    """Return a column name as it is matched: lower case, without decoration.

    Examples
    --------
    >>> plain_name("<Adj_Close>"), plain_name("1. open")
    ('adj close', 'open')
    """
    text = re.sub(r"[\s_.\-]+", " ", str(name).strip().strip("<>").lower()).strip()
    return re.sub(r"^\d+ ", "", text)


def map_meaning(name: object) -> str | None:
    """Return what a column means, e.g. ``symbol`` for ``Ticker``; None when the name says nothing."""
    return _MEANING.get(plain_name(name))


def map_columns(names: Iterable[object], where: str) -> ColumnMap:
    """Recognise the columns of a table by the names vendors use, in any case.

    Parameters
    ----------
    names : iterable
        Column names as they stand in the file.
    where : str
        The file, for messages.

    Raises
    ------
    DataError
        When a column is missing, stands twice, or names are nested.
    """
    found: dict[str, str] = {}
    extra: list[str] = []
    unnamed: str | None = None
    for name in names:
        if isinstance(name, tuple):
            raise DataError(
                f"{where}: column names must be plain, found the nested {name}; stack the symbols into rows"
            )
        text = str(name)
        meaning = map_meaning(text)
        if meaning is None:
            if plain_name(text) in _UNNAMED and unnamed is None:
                unnamed = text
            else:
                extra.append(text)
        elif meaning in found:
            raise DataError(
                f"{where}: one column must be the {meaning.replace('_', ' ')}, found {found[meaning]!r} "
                f"and {text!r}; rename or remove one"
            )
        else:
            found[meaning] = text
    stamp, time, implied = _stamp(found, unnamed, extra)
    missing = [name for name in _NEEDED if name not in found]
    if stamp is None or missing:
        missing = [*(["a time or date"] if stamp is None else []), *missing]
        present = ", ".join(str(name) for name in names) or "none"
        raise DataError(
            f"{where}: columns must include {', '.join(missing)}, found {present}; add or rename them"
        )
    return ColumnMap(
        stamp,
        time,
        implied,
        found.get("symbol"),
        found.get("adj_close"),
        {name: found[name] for name in (*_NEEDED, "volume") if name in found},
        tuple(extra),
    )


def _stamp(
    found: dict[str, str], unnamed: str | None, extra: list[str]
) -> tuple[str | None, str | None, StampMeaning | None]:
    """Choose the stamp column; what is not chosen joins `extra`."""
    time: str | None = None
    implied: StampMeaning | None = None
    order = ("stamp", "stamp_close", "stamp_open", "date", "time")
    chosen = next((meaning for meaning in order if meaning in found), None)
    if chosen is None:
        return unnamed, None, None
    if chosen == "date":
        time = found.get("time")
    elif chosen in ("stamp_open", "stamp_close"):
        implied = "open" if chosen == "stamp_open" else "close"
    extra += [found[m] for m in order if m in found and m != chosen and found[m] != time]
    return found[chosen], time, implied
