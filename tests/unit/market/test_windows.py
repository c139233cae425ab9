import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from admf_ray.errors import ConfigError, DataError
from admf_ray.market import Bars, Window, full_window, load_bars, parse_length, walk_forward

small = st.integers(1, 60)


def flat(n):
    price = np.ones(n)
    return Bars.from_arrays(price, price, price, price)


@settings(max_examples=200)
@given(st.integers(1, 400), small, small, small, st.integers(0, 5), st.integers(0, 5))
def test_count_and_edges_of_bar_windows(n, train, test, step, purge, embargo):
    assume(purge < train)
    bars = flat(n)
    room = n - train - test - embargo
    if room < 0:
        with pytest.raises(DataError, match="one fold needs"):
            walk_forward(bars, train, test, step, purge_bars=purge, embargo_bars=embargo)
        return
    folds = walk_forward(bars, train, test, step, purge_bars=purge, embargo_bars=embargo)
    assert len(folds) == room // step + 1
    for fold in folds:
        assert fold.train.start == fold.index * step
        assert fold.train.n_bars == train - purge
        assert fold.test.n_bars == test
        assert fold.test.start == fold.train.stop + purge + embargo
        assert fold.test.stop <= n


@settings(max_examples=100)
@given(st.integers(10, 300), small, small, small)
def test_anchored_and_rolling_agree_but_for_the_start(n, train, test, step):
    assume(n >= train + test)
    rolling = walk_forward(flat(n), train, test, step)
    anchored = walk_forward(flat(n), train, test, step, mode="anchored")
    assert rolling[0] == anchored[0]
    assert [f.test for f in rolling] == [f.test for f in anchored]
    assert [f.train.stop for f in rolling] == [f.train.stop for f in anchored]
    assert {f.train.start for f in anchored} == {0}


@settings(max_examples=30)
@given(
    st.sampled_from(["1Y", "6M", "4W", "90D", 100]),
    st.sampled_from(["3M", "2W", 21]),
    st.sampled_from(["3M", 40]),
)
def test_windows_depend_on_time_alone(train, test, step):
    bars = flat(900)
    price = np.linspace(1, 5, 900)
    other = Bars.from_arrays(price, price, price, price)
    assert walk_forward(bars, train, test, step) == walk_forward(other, train, test, step)


def test_a_year_is_a_calendar_year():
    bars = load_bars("sample:sp500", start="2014")
    folds = walk_forward(bars, "2Y", "1Y", "1Y")
    years = [
        (bars.slice(f.train.start, f.train.stop).dates, bars.slice(f.test.start, f.test.stop).dates)
        for f in folds
    ]
    assert [(a[0].year, a[1].year, b[0].year, b[1].year) for a, b in years] == [
        (2014, 2015, 2016, 2016),
        (2015, 2016, 2017, 2017),
        (2016, 2017, 2018, 2018),
    ]
    assert years[0][0][0].isoformat() == "2014-01-02"


def test_month_ends_do_not_drift():
    bars = flat(1000).between("2000-01-31")
    folds = walk_forward(bars, "1M", "1M", "1M")
    starts = [bars.slice(f.train.start, f.train.stop).dates[0].day for f in folds[:14]]
    assert starts[12] == 31


def test_data_that_end_early_leave_the_last_window_out():
    bars = load_bars("sample:sp500", start="2014", end="2017-12-15")
    assert len(walk_forward(bars, "2Y", "1Y", "1Y")) == 1
    assert len(walk_forward(load_bars("sample:sp500", start="2014", end="2017"), "2Y", "1Y", "1Y")) == 2


def test_mixed_units():
    bars = load_bars("sample:sp500", start="2014", end="2017")
    folds = walk_forward(bars, "1Y", 63, 21)
    assert all(f.test.n_bars == 63 for f in folds)
    assert folds[1].train.start == 21


def test_a_gap_in_calendar_windows_is_named():
    price = np.ones(40)
    day = 86_400_000_000_000
    stamps = np.concatenate([np.arange(1, 21), np.arange(1000, 1020)]) * day
    bars = Bars.from_arrays(price, price, price, price, time_ns=stamps)
    with pytest.raises(DataError, match=r"test_0 must hold at least 1 bar, found none near 1970-02-0"):
        walk_forward(bars, "1M", "1M", "1M")


@pytest.mark.parametrize("value", ["", "1Q", "Y", "1.5", None, True, 0, "0M", -3])
def test_lengths_that_are_none(value):
    with pytest.raises(ConfigError, match=r"walk_forward\.test_window: must be"):
        parse_length(value, "walk_forward.test_window")


@pytest.mark.parametrize(
    ("more", "key"),
    [({"mode": "x"}, "mode"), ({"purge_bars": -1}, "purge_bars"), ({"embargo_bars": -1}, "embargo_bars")],
)
def test_options_that_are_wrong(more, key):
    with pytest.raises(ConfigError, match=f"walk_forward.{key}"):
        walk_forward(flat(50), 10, 5, 5, **more)


def test_a_purge_of_everything_is_refused():
    with pytest.raises(DataError, match="train_0 must hold"):
        walk_forward(flat(50), 10, 5, 5, purge_bars=10)


def test_lengths_in_words():
    assert [str(parse_length(v)) for v in (252, "252", "90d", "2W", "6M", "1Y")] == [
        "252 bars",
        "252 bars",
        "90 days",
        "2 weeks",
        "6 months",
        "1 years",
    ]
    assert full_window(flat(7)) == Window("full", 0, 7)


@pytest.mark.parametrize("length", [99_999, 10**24, "9999Y", "999999D"])
def test_lengths_beyond_any_calendar_are_too_long_and_nothing_else(length):
    bars = load_bars("sample:sp500", start="2014", end="2017")
    for lengths in ((length, 63, 63), (252, length, 63), (252, "63D", length)):
        if lengths[2] == length:
            assert len(walk_forward(bars, *lengths)) == 1
            continue
        with pytest.raises(DataError, match="one fold needs"):
            walk_forward(bars, *lengths)
    with pytest.raises(DataError, match="one fold needs"):
        walk_forward(bars, "1Y", "3M", 63, embargo_bars=10**12)
