"""What can be wrong with market data, found before anything runs on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import DataError
from admf_ray.market.arrays import stamp_text
from admf_ray.market.clock import DAY_NS, local_calendar
from admf_ray.market.table import PRICES, SymbolTable

if TYPE_CHECKING:
    from admf_ray.market.bars import Bars

__all__ = ["SPLIT_RATIOS", "Defect", "bad_rows", "check_bars", "check_table", "raise_errors"]

Mask = NDArray[np.bool_]

SPLIT_RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0)
_SPLIT_TOLERANCE = 0.03
_NO_MARKET_OPENS_THERE = 4.0  # a 1:20 reverse split that opens 13 % lower is one all the same
_ALMOST_ALWAYS = 0.9
_ROUNDING = 1e-9  # vendors' adjusted prices leave the bar's range by their last digit
_LONGEST_CLOSURE_DAYS = 12  # holidays of a week with both weekends, and a day
_USUAL_SPACINGS = 4.0
_SHOWN = 5

_ADVICE = {
    "empty": "give a file with rows",
    "too_short": "give more bars or ask for less",
    "unsorted": "sort the file by time, or set on_bad_rows: drop",
    "duplicate": "keep one row a stamp, or set on_bad_rows: drop",
    "split_like": "use adjusted prices, or ignore this if the jump is real",
    "opens_repeat_closes": "do not trust fills at these opens",
    "hole": "no fill happens there, indicators run across: fill it, or start behind it",
    "one_price": "stops and limits see no range within a bar",
}
_ROW_ADVICE = "correct the file, or set on_bad_rows: drop or forward_fill"


@dataclass(frozen=True)
class Defect:
    """One rule that one symbol of one file breaks.

    Parameters
    ----------
    rule : str
        Its name, e.g. ``high_below_low``.
    where : str
        File, and symbol.
    message : str
        The rule in words.
    n_rows : int
        How many rows break it.
    examples : tuple of str
        The first five, with row number and stamp.
    severity : {"error", "warning"}
        Whether loading stops.
    """

    rule: str
    where: str
    message: str
    n_rows: int
    examples: tuple[str, ...] = ()
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        """Return the line a user sees: where, rule, value found, next step."""
        shown = f" ({'; '.join(self.examples)})" if self.examples else ""
        plural = "row" if self.n_rows == 1 else "rows"
        advice = _ADVICE.get(self.rule, _ROW_ADVICE)
        return f"{self.where}: {self.message}, found {self.n_rows} {plural}{shown}; {advice}"


def bad_rows(table: SymbolTable) -> dict[str, tuple[Mask, str, tuple[str, ...]]]:
    """Return the rows that break a rule on their own values.

    Parameters
    ----------
    table : SymbolTable
        Rows of one symbol.

    Returns
    -------
    dict
        By rule: mask (n_rows,), the rule in words, the columns to show. Only rules that are broken.

    Notes
    -----
    NaN is refused in prices and volume; further columns may be missing but not infinite. A price may
    leave its bar's range by 1e-9 of itself, the rounding of vendors' adjusted prices.
    """
    columns, none = table.columns, np.zeros(table.n_rows, dtype=np.bool_)
    o, h, low, c = (columns[name] for name in PRICES)
    values = [*columns.values()]
    found = {
        "nan": (np.logical_or.reduce([np.isnan(v) for v in values]), "must be numbers, not NaN", PRICES),
        "infinite": (
            np.logical_or.reduce([np.isinf(v) for v in [*values, *table.extra.values()]]),
            "must be finite",
            PRICES,
        ),
        "non_positive": (
            np.logical_or.reduce([columns[name] <= 0 for name in PRICES]),
            "prices must be > 0",
            PRICES,
        ),
        "high_below_low": (h < low, "high must be >= low", ("high", "low")),
    }
    sane = ~(h < low)
    above, below = h * (1 + _ROUNDING), low * (1 - _ROUNDING)
    for name, price in (("open", o), ("close", c)):
        outside = sane & ((price > above) | (price < below))
        found[f"{name}_outside"] = (outside, f"{name} must lie within low and high", (name, "low", "high"))
    volume = columns.get("volume")
    if volume is not None:
        found["negative_volume"] = (volume < 0, "volume must be >= 0", ("volume",))
    repeated, backwards = none.copy(), none.copy()
    if table.n_rows > 1:
        latest = np.maximum.accumulate(table.time_ns)
        backwards[1:] = table.time_ns[1:] < latest[:-1]
        repeated[1:] = table.time_ns[1:] == latest[:-1]
    found["unsorted"] = (backwards, "stamps must increase", ())
    found["duplicate"] = (repeated, "each stamp must stand once", ())
    return {rule: entry for rule, entry in found.items() if entry[0].any()}


def check_table(
    table: SymbolTable, min_bars: int = 1, splits: Literal["error", "warning"] = "warning"
) -> list[Defect]:
    """Return every defect of one symbol's rows.

    Parameters
    ----------
    table : SymbolTable
        Rows as read, before anything is dropped or filled.
    min_bars : int
        What the caller needs at least.
    splits : {"error", "warning"}
        How severe a split-like jump is.

    Notes
    -----
    Split-like: the first open of a day against the last close of the day before is within 3 % of 3:2,
    2:1, 3:1, 4:1, 5:1, 7:1, 10:1, 20:1 or a reverse, or beyond 4:1. Opens that repeat closes: in a
    calendar year of at least 50 bars, 90 % of the opens equal the previous close. One price: open =
    high = low = close in 90 % of the bars. Hole: neighbours stand more than 12 days, and four usual
    spacings, apart.
    """
    where = table.where if table.where.startswith(f"{table.symbol}.") else f"{table.where} {table.symbol}"
    if table.n_rows == 0:
        return [Defect("empty", where, "must hold rows", 0)]
    defects = []
    if table.n_rows < min_bars:
        defects.append(Defect("too_short", where, f"must hold >= {min_bars} bars", table.n_rows))
    broken = bad_rows(table)
    for rule, (mask, message, shown) in broken.items():
        rows = np.flatnonzero(mask)
        examples = tuple(_example(table, int(k), shown) for k in rows[:_SHOWN])
        defects.append(Defect(rule, where, message, rows.size, examples))
    if not broken:
        defects += _warnings(table, where, splits)
    return defects


def _warnings(table: SymbolTable, where: str, splits: Literal["error", "warning"]) -> Iterable[Defect]:
    o, h, low, c = (table.columns[name] for name in PRICES)
    day, _ = local_calendar(table.time_ns, table.zone)
    ratio = np.ones(table.n_rows)
    ratio[1:] = np.where(day[1:] != day[:-1], o[1:] / c[:-1], 1.0)
    for_one = np.maximum(ratio, 1.0 / ratio)
    near = np.logical_or.reduce([np.abs(for_one / k - 1.0) <= _SPLIT_TOLERANCE for k in SPLIT_RATIOS])
    near |= for_one > _NO_MARKET_OPENS_THERE
    rows = np.flatnonzero(near)
    if rows.size:
        examples = tuple(
            f"row {table.rows[k]} {stamp_text(table.time_ns[k])[:10]} {_plain(c[k - 1])} to {_plain(o[k])}"
            for k in rows[:_SHOWN]
        )
        message = "overnight jumps must not look like splits"
        yield Defect("split_like", where, message, rows.size, examples, splits)
    apart = np.diff(table.time_ns)
    usual = float(np.median(apart)) if apart.size else 0.0
    holes = np.flatnonzero(apart > max(_LONGEST_CLOSURE_DAYS * DAY_NS, _USUAL_SPACINGS * usual))
    if holes.size:
        examples = tuple(
            f"row {table.rows[k]} {stamp_text(table.time_ns[k])[:10]}, the next "
            f"{stamp_text(table.time_ns[k + 1])[:10]}"
            for k in holes[:_SHOWN]
        )
        message = f"rows must not stand more than {_LONGEST_CLOSURE_DAYS} days behind each other"
        yield Defect("hole", where, message, holes.size, examples, "warning")
    year = day.astype("M8[D]").astype("M8[Y]").astype(np.int64) + 1970
    same = np.zeros(table.n_rows, dtype=np.bool_)
    same[1:] = o[1:] == c[:-1]
    flat = (o == h) & (h == low) & (low == c)
    if flat.mean() >= _ALMOST_ALWAYS:
        message = "open = high = low = close almost always"
        yield Defect("one_price", where, message, int(flat.sum()), (), "warning")
    years, member = np.unique(year, return_inverse=True)
    size = np.bincount(member)
    repeats = np.bincount(member, weights=same & ~flat)
    often = years[(size >= 50) & (repeats >= _ALMOST_ALWAYS * size)]
    if often.size:
        message = f"opens equal the previous close almost always in {_spans(often)}"
        n_rows = int(repeats[np.isin(years, often)].sum())
        yield Defect("opens_repeat_closes", where, message, n_rows, (), "warning")


def check_bars(
    bars: Bars, min_bars: int = 1, splits: Literal["error", "warning"] = "warning", where: str = "bars"
) -> list[Defect]:
    """Return every defect of bars, symbol by symbol, over their tradable rows.

    Parameters
    ----------
    bars : Bars
        What to check; row numbers in the defects count its bars from 1.
    min_bars : int
        How many tradable bars the caller needs of each symbol.
    splits : {"error", "warning"}
        How severe a split-like jump is.
    where : str
        What messages begin with.
    """
    defects: list[Defect] = []
    numbers = np.arange(1, bars.n_bars + 1)
    for k, symbol in enumerate(bars.symbols):
        columns = {name: getattr(bars, name)[:, k] for name in PRICES}
        if bars.volume is not None:
            columns["volume"] = bars.volume[:, k]
        extra = {name: array[:, k] for name, array in bars.extra.items()}
        table = SymbolTable(symbol, where, numbers, bars.time_ns, columns, extra, bars.zone)
        defects += check_table(table.keep(bars.tradable[:, k]), min_bars, splits)
    return defects


def raise_errors(defects: Iterable[Defect]) -> None:
    """Raise the first error among defects; warnings pass.

    Raises
    ------
    DataError
        One line, which also says how many other defects there are.
    """
    errors = [defect for defect in defects if defect.severity == "error"]
    if errors:
        others = len(errors) - 1
        more = f" ({others} more defect{'s' if others > 1 else ''}: admf-ray data check)" if others else ""
        raise DataError(f"{errors[0]}{more}")


def _example(table: SymbolTable, k: int, shown: tuple[str, ...]) -> str:
    values = " ".join(f"{name} {_plain(table.columns[name][k])}" for name in shown)
    return f"row {table.rows[k]} {stamp_text(table.time_ns[k])} {values}".rstrip()


def _plain(value: float) -> str:
    return f"{value:.10g}"


def _spans(years: NDArray[np.int64]) -> str:
    runs = np.split(years, np.flatnonzero(np.diff(years) > 1) + 1)
    return ", ".join(str(run[0]) if run.size == 1 else f"{run[0]}-{run[-1]}" for run in runs)
