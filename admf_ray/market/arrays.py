"""Arrays as bars want them: typed, contiguous, read-only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf_ray.errors import DataError
from admf_ray.later import pd
from admf_ray.market.clock import check_zone

__all__ = ["business_days", "digest", "frozen", "nanoseconds", "stamp_text", "two_dimensional"]


def frozen(array: ArrayLike, kind: Any) -> NDArray[Any]:
    """Return a C-contiguous, read-only array of a type.

    Notes
    -----
    A read-only array of that type is shared; a writable one is copied, so that its owner cannot
    change what was frozen.
    """
    result = np.ascontiguousarray(array, dtype=kind)
    if result.flags.writeable and (result is array or result.base is not None):
        result = result.copy()
    result.setflags(write=False)
    return result


def two_dimensional(value: ArrayLike, name: str, kind: type = np.float64) -> NDArray[Any]:
    """Return a column as (n_bars, n_symbols); one dimension means one symbol.

    Raises
    ------
    DataError
        When it does not hold numbers or has another shape.
    """
    try:
        array: NDArray[Any] = np.asarray(value, dtype=kind)
    except (TypeError, ValueError):
        raise DataError(f"bars.{name}: must be numbers, found {type(value).__name__}; convert it") from None
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise DataError(
            f"bars.{name}: must have 1 or 2 dimensions, found {array.ndim}; give (n_bars, n_symbols)"
        )
    return array


def nanoseconds(value: ArrayLike) -> NDArray[np.int64]:
    """Return UTC nanoseconds of an integer or datetime64 array, whatever unit the latter has."""
    array: NDArray[Any] = np.asarray(value)
    return array.astype("M8[ns]").view(np.int64) if array.dtype.kind == "M" else array.astype(np.int64)


def business_days(n_bars: int, zone: str) -> NDArray[np.int64]:
    """Return UTC nanoseconds of weekday closes, 16:00 in `zone`, from 2000-01-03.

    Raises
    ------
    DataError
        When nanoseconds could not count that many days.
    """
    if n_bars > 60_000:
        raise DataError(
            f"bars.time_ns: business days from 2000 end after 60000, found {n_bars} bars; give time_ns"
        )
    closes = pd.bdate_range("2000-01-03", periods=n_bars) + pd.Timedelta(hours=16)
    return np.asarray(closes.as_unit("ns").tz_localize(check_zone(zone)).asi8, dtype=np.int64)


def digest(facts: object, exact: Iterable[NDArray[Any]], floats: Iterable[NDArray[np.float64]]) -> str:
    """Return a hexadecimal digest of facts (by their `repr`) and arrays.

    Notes
    -----
    In `floats` every NaN counts as the same NaN, and -0.0 as 0.0.
    """
    result = hashlib.blake2b(repr(facts).encode(), digest_size=16)
    for array in exact:
        result.update(array.tobytes())
    for array in floats:
        plain = array + 0.0
        plain[np.isnan(plain)] = np.nan
        result.update(plain.tobytes())
    return result.hexdigest()


def stamp_text(time_ns: np.int64 | int) -> str:
    """Return an instant as a person reads it, in UTC."""
    return str(pd.Timestamp(int(time_ns), unit="ns"))
