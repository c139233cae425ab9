import pickle
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_ray.errors import ConfigError, DataError
from admf_ray.market import Bars, Instrument, load_bars
from admf_ray.market.clock import DAY_NS, MINUTE_NS, bars_per_year, date_range

PRICES = np.array([10.0, 11.0, 12.0, 13.0, 14.0])


def flat(prices=PRICES, **more):
    return Bars.from_arrays(prices, prices, prices, prices, **more)


def two():
    price = np.column_stack([PRICES, PRICES * 2])
    price[:2, 0] = np.nan
    return Bars.from_arrays(price, price, price, price, symbols=["B", "A"])


def test_arrays_are_frozen_contiguous_and_not_the_callers():
    mine = PRICES.copy()
    bars = Bars.from_arrays(mine, mine, mine, mine, volume=mine, extra={"score": mine})
    mine[0] = 99.0
    for array in (
        bars.open,
        bars.close,
        bars.volume,
        bars.extra["score"],
        bars.tradable,
        bars.day,
        bars.first,
    ):
        assert array.flags.c_contiguous
        assert not array.flags.writeable
    assert bars.close[0, 0] == 10.0
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0, 0] = 1.0
    with pytest.raises(TypeError):
        bars.extra["more"] = mine


def test_a_read_only_array_is_shared():
    price = PRICES[:, None].copy()
    price.setflags(write=False)
    assert np.shares_memory(Bars.from_arrays(price, price, price, price).close, price)


def test_symbols_are_sorted_with_their_columns():
    bars = two()
    assert bars.symbols == ("A", "B")
    assert bars.close[4].tolist() == [28.0, 14.0]
    assert bars.first.tolist() == [0, 2]
    assert bars.last.tolist() == [4, 4]
    assert bars.tradable[:, 1].tolist() == [False, False, True, True, True]


def test_a_symbol_that_never_trades():
    price = np.column_stack([PRICES, np.full(5, np.nan)])
    bars_ = Bars(("A", "B"), np.arange(5) + 1, price, price, price, price, None, np.isfinite(price))
    assert bars_.first.tolist() == [0, 5]
    assert bars_.last.tolist() == [4, -1]


def test_pickle_keeps_content_and_freeze():
    bars = two()
    assert bars.weekday.size
    copy = pickle.loads(pickle.dumps(bars))
    assert copy.content_hash == bars.content_hash
    assert not copy.close.flags.writeable
    assert not copy.time_ns.flags.writeable
    assert not any(array.flags.writeable for array in copy.__dict__["_calendar"]), "carried, not made again"
    assert "weekday" not in copy.__dict__


def test_hash_sees_what_matters_and_only_that():
    base = flat()
    assert flat(notes=["a note"], counts={"dropped": 3}).content_hash == base.content_hash
    changed = PRICES.copy()
    changed[3] = np.nextafter(13.0, 14.0)
    others = [
        flat(changed),
        flat(symbols="X"),
        flat(zone="Asia/Tokyo"),
        flat(bars_per_year=365.0),
        flat(instruments=[Instrument("S0", lot=1.0)]),
        flat(volume=PRICES),
        flat(extra={"x": PRICES}),
        flat(tradable=[True, True, True, True, False]),
    ]
    assert len({base.content_hash, *(one.content_hash for one in others)}) == len(others) + 1


def test_hash_of_nan_and_zero_is_one():
    a = flat(extra={"x": np.array([np.nan, 0.0, 1, 2, 3])})
    b = flat(extra={"x": np.array([-np.nan, -0.0, 1, 2, 3])})
    assert a.content_hash == b.content_hash


def test_slices_are_views_and_keep_the_factor():
    bars = flat(bars_per_year=300.0)
    part = bars.slice(1, 4)
    assert part.n_bars == 3
    assert part.bars_per_year == 300.0
    assert np.shares_memory(part.close, bars.close)
    for start, stop in ((2, 2), (-1, 3), (0, 6)):
        with pytest.raises(DataError, match=r"bars\.slice"):
            bars.slice(start, stop)


def test_between_includes_both_ends():
    bars = flat(np.linspace(1, 2, 600))
    assert bars.between("2001", "2001").dates == (date(2001, 1, 1), date(2001, 12, 31))
    assert bars.between("2000-02", "2000-02-03").dates == (date(2000, 2, 1), date(2000, 2, 3))
    assert bars.between(date(2002, 1, 1)).dates[0] == date(2002, 1, 1)
    with pytest.raises(DataError, match="no bar lies between"):
        bars.between("2010")
    with pytest.raises(ConfigError, match="must be a year, month or date"):
        bars.between("last week")
    with pytest.raises(ConfigError, match="must not be after end, found 2001-02 to 2001-01; swap them"):
        bars.between("2001-02", "2001-01")


@pytest.mark.parametrize("text", ["2014-13", "14", "2014-02-30", "", "2014-1-1-1"])
def test_dates_that_are_none(text):
    with pytest.raises(ConfigError, match="must be a year"):
        date_range(text)


def test_select_drops_bars_where_none_stands():
    part = two().select("B")
    assert part.symbols == ("B",)
    assert part.n_bars == 3
    with pytest.raises(DataError, match="no symbol 'C'"):
        two().select(["C"])


def test_days_are_the_exchanges():
    closes = np.array(
        ["2024-01-02T20:59", "2024-01-02T21:00", "2024-01-03T05:00", "2024-07-01T20:00"], dtype="M8[us]"
    )
    bars = flat(PRICES[:4], time_ns=closes, zone="America/New_York")
    assert bars.minute_of_day.tolist() == [15 * 60 + 59, 16 * 60, 1440, 16 * 60]
    assert bars.weekday.tolist() == [1, 1, 1, 0]
    assert bars.dates == (date(2024, 1, 2), date(2024, 7, 1))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"time_ns": [1, 2, 2, 3, 4]}, "strictly increase"),
        ({"symbols": ["A", "B"]}, "1 columns need as many names"),
        ({"volume": PRICES[:4]}, "shape must be"),
        ({"instruments": [Instrument("X")]}, "one per symbol"),
        ({"volume": ["a"] * 5}, "must be numbers"),
        ({"volume": np.zeros((5, 1, 1))}, "1 or 2 dimensions"),
    ],
)
def test_misfits_are_refused(more, message):
    with pytest.raises(DataError, match=message) as caught:
        flat(**more)
    assert "\n" not in str(caught.value)


def test_structure_of_symbols():
    price = np.column_stack([PRICES, PRICES])
    with pytest.raises(DataError, match="sorted and unique"):
        Bars.from_arrays(price, price, price, price, symbols=["A", "A"])
    with pytest.raises(DataError, match="at least one bar"):
        flat(np.array([]))
    with pytest.raises(DataError, match="one account holds one currency"):
        Bars.from_arrays(
            price, price, price, price, instruments=[Instrument("S0"), Instrument("S1", currency="EUR")]
        )
    with pytest.raises(ConfigError, match="IANA time zone"):
        flat(zone="Mars/Olympus")
    with pytest.raises(DataError, match="give time_ns"):
        flat(np.ones(60_001))


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"symbol": ""}, "must be a name"),
        ({"symbol": "A", "multiplier": 0.0}, "multiplier must be > 0"),
        ({"symbol": "A", "tick": -1.0}, "tick must be >= 0"),
        ({"symbol": "A", "lot": float("nan")}, "lot must be >= 0"),
        ({"symbol": "A", "currency": "usd"}, "upper-case"),
    ],
)
def test_instruments(facts, message):
    with pytest.raises(ConfigError, match=message):
        Instrument(**facts)


def test_bars_per_year_of_common_series():
    weekdays = np.flatnonzero((np.arange(1500) + 3) % 7 < 5)
    assert bars_per_year(weekdays) == 261.0
    assert bars_per_year(weekdays[:50]) == 252.0  # too short to count
    assert bars_per_year(np.arange(800)) == 365.0
    assert bars_per_year(np.arange(100)) == 365.0
    assert bars_per_year(np.arange(0, 3000, 7)) == 52.0
    assert bars_per_year(np.repeat(weekdays, 390)) == 261.0 * 390
    assert bars_per_year(np.array([5, 5, 5])) == 3 * 252.0
    hole = np.concatenate([weekdays, weekdays + 7 * 400])
    assert bars_per_year(hole) == 261.0


def test_bars_per_year_of_real_series():
    assert load_bars("sample:sp500").bars_per_year == 252.0
    assert load_bars("sample:sp500", start="2016", end="2016").bars_per_year == 252.0
    assert 255 <= load_bars("sample:eurusd").bars_per_year <= 257


@settings(max_examples=50)
@given(
    start=st.integers(0, 20_000),
    steps=st.lists(st.integers(1, 5000), min_size=2, max_size=60),
    data=st.data(),
)
def test_between_is_what_the_days_say(start, steps, data):
    stamps = start * DAY_NS + np.cumsum(steps) * MINUTE_NS
    price = np.linspace(1, 2, len(steps))
    bars = flat(price, time_ns=stamps, zone="Europe/Berlin")
    day = data.draw(st.sampled_from(sorted(set(bars.day.tolist()))))
    one = date.fromordinal(719_163 + day)
    assert bars.between(one, one).n_bars == int((bars.day == day).sum())
