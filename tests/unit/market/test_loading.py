import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from admf_ray.errors import ConfigError, DataError, StoreError
from admf_ray.market import Instrument, load_bars, write_parquet
from admf_ray.market.synthetic import intraday_minutes


def daily(n=30, first="2020-01-01", scale=1.0):
    close = scale * (100 + np.sin(np.arange(n)))
    return pd.DataFrame(
        {
            "Date": pd.bdate_range(first, periods=n),
            "Open": close - 0.1,
            "High": close + 1,
            "Low": close - 1,
            "Close": close,
            "Volume": 1000.0,
        }
    )


def minutes(n=20, **stamps):
    price = np.linspace(10, 11, n)
    when = pd.date_range("2024-01-02 09:30", periods=n, freq="min", **stamps)
    return pd.DataFrame({"timestamp": when, "o": price, "h": price, "l": price, "c": price})


def long():
    parts = [daily(scale=2.0).assign(Ticker="B"), daily(20, "2020-01-15").assign(Ticker="A")]
    return pd.concat(parts, ignore_index=True)


def message(call, *args, **more):
    with pytest.raises((DataError, ConfigError)) as caught:
        call(*args, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def arrow_stream(frame, path):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, pa.Schema.from_pandas(frame)) as writer:
        writer.write_table(pa.Table.from_pandas(frame))


WRITERS = {
    "x.parquet": lambda frame, path: frame.to_parquet(path),
    "x.csv": lambda frame, path: frame.to_csv(path, index=False),
    "x.csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "x.txt": lambda frame, path: frame.to_csv(path, index=False, sep=";"),
    "x.feather": lambda frame, path: frame.to_feather(path),
    "x.arrow": arrow_stream,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_bits(name, tmp_path):
    frame = long()
    WRITERS[name](frame, tmp_path / name)
    bars = load_bars(tmp_path / name, zone="America/New_York")
    expected = load_bars(frame, zone="America/New_York")
    assert bars.symbols == ("A", "B")
    assert bars.n_bars == 30
    assert bars.content_hash == expected.content_hash


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_units_of_datetimes_do_not_matter(unit):
    frame = daily()
    frame["Date"] = frame["Date"].astype(f"M8[{unit}]")
    assert pd.Timestamp(load_bars(frame).time_ns[0]) == pd.Timestamp("2020-01-01 23:59")


def test_converted_bars_load_without_options(tmp_path):
    bars = load_bars(long(), zone="America/New_York")
    again = load_bars(write_parquet(bars, tmp_path / "deep" / "x.parquet"))
    assert again.content_hash == bars.content_hash
    minute = intraday_minutes(3).bars
    path = write_parquet(minute, tmp_path / "m.parquet")
    assert load_bars(path, session_end="16:00").content_hash == minute.content_hash


def test_folder_and_glob_take_symbols_from_file_names(tmp_path):
    daily().to_csv(tmp_path / "MSFT.csv", index=False)
    daily(25).to_csv(tmp_path / "AAPL.csv.gz", index=False)
    for source in (tmp_path, f"{tmp_path}/*.csv*"):
        bars = load_bars(source)
        assert bars.symbols == ("AAPL", "MSFT")
        assert bars.last.tolist() == [24, 29]
        assert np.isnan(bars.close[25:, 0]).all()
    daily().to_csv(tmp_path / "MSFT.txt", index=False)
    assert "each symbol must stand in one file" in message(load_bars, tmp_path)


def test_unequal_histories_and_gaps():
    frame = long()
    gap = frame.index[(frame.Ticker == "A")][5]
    bars = load_bars(frame.drop(gap))
    assert bars.first.tolist() == [10, 0]
    assert not bars.tradable[15, 0]
    assert np.isnan(bars.close[15, 0])
    assert any("1 bars are missing" in note for note in bars.notes)
    filled = load_bars(frame.drop(gap), on_bad_rows="forward_fill")
    assert filled.counts == {"forward_filled": 1}
    assert not filled.tradable[15, 0]
    assert filled.open[15, 0] == filled.close[14, 0]
    assert filled.volume[15, 0] == 0.0
    assert np.isnan(filled.close[9, 0])


def test_tickers_stay_text(tmp_path):
    frame = pd.concat([daily().assign(symbol="NA"), daily().assign(symbol="000001")])
    frame.to_csv(tmp_path / "x.csv", index=False)
    assert load_bars(tmp_path / "x.csv").symbols == ("000001", "NA")


def test_symbols_dates_and_instruments_are_chosen():
    bars = load_bars(
        long(), symbols="B", start="2020-01-06", end="2020-01-10", instruments=[Instrument("B", lot=1)]
    )
    assert bars.symbols == ("B",)
    assert bars.n_bars == 5
    assert bars.instruments[0].lot == 1
    assert load_bars(long(), instruments={"A": Instrument("A", tick=0.01)}).instruments[0].tick == 0.01
    assert "no symbol 'C'" in message(load_bars, long(), symbols=["C"])
    assert "must name at least one" in message(load_bars, long(), symbols=[])
    assert "no symbol 'X'" in message(load_bars, long(), instruments=[Instrument("X")])
    assert "one account holds one currency" in message(
        load_bars, long(), instruments=[Instrument("A", currency="EUR")]
    )
    assert "found none; choose dates" in message(load_bars, long(), start="2030")


def test_rows_outside_the_dates_are_not_checked():
    frame = daily()
    frame.loc[0, "Close"] = -1.0
    assert load_bars(frame, start="2020-01-02").n_bars == 29


def test_daily_dates_close_at_their_sessions_end():
    for zone, end, expected in (
        (None, None, "2020-01-01 23:59"),
        ("America/New_York", None, "2020-01-01 21:00"),
        ("America/New_York", "13:00", "2020-01-01 18:00"),
        ("UTC", "24:00", "2020-01-02 00:00"),
    ):
        bars = load_bars(daily(), zone=zone, session_end=end)
        assert pd.Timestamp(bars.time_ns[0]) == pd.Timestamp(expected)
        assert bars.dates[0].isoformat() == "2020-01-01"
    assert "session_end: must be a time of day" in message(load_bars, daily(), session_end="4pm")


def test_midnights_with_a_zone_are_dates():
    frame = daily()
    local = frame.assign(Date=frame["Date"].dt.tz_localize("America/New_York"))
    bars = load_bars(local)
    assert bars.zone == "America/New_York"
    assert pd.Timestamp(bars.time_ns[0]) == pd.Timestamp("2020-01-01 21:00")
    utc = frame.assign(Date=frame["Date"].dt.tz_localize("UTC"))
    assert load_bars(utc, zone="America/New_York").content_hash == bars.content_hash


def test_intraday_stamps_are_asked_for():
    assert "set stamp: open or close" in message(load_bars, minutes(tz="UTC"))
    assert "need a zone" in message(load_bars, minutes(), stamp="close")
    assert "one bar a day" in message(load_bars, minutes(tz="UTC"), stamp="date")
    assert "stamp: must be open, close or date" in message(load_bars, minutes(), stamp="end")
    closed = load_bars(minutes(), stamp="close", zone="America/New_York")
    opened = load_bars(minutes(), stamp="open", zone="America/New_York")
    assert closed.minute_of_day[0] == 9 * 60 + 30
    assert (opened.time_ns - closed.time_ns == 60_000_000_000).all()
    named = minutes(tz="UTC").rename(columns={"timestamp": "Open Time"})
    assert load_bars(named).time_ns[0] == load_bars(minutes(tz="UTC"), stamp="open").time_ns[0]


def test_weekly_bars_must_say_which_end():
    frame = daily(10)
    frame["Date"] = pd.date_range("2020-01-06", periods=10, freq="W-MON")
    assert "weekly or longer" in message(load_bars, frame)
    assert load_bars(frame, stamp="open").dates[0].isoformat() == "2020-01-12"
    assert load_bars(frame, stamp="open").dates[1].isoformat() == "2020-03-15"
    assert load_bars(frame, stamp="close").dates[0].isoformat() == "2020-01-06"


def test_daily_bars_that_open_in_the_evening_close_the_next_day():
    frame = daily()
    frame["Date"] += pd.Timedelta(hours=18)
    bars = load_bars(frame, stamp="open", zone="America/New_York", session_end="17:00")
    assert pd.Timestamp(bars.time_ns[0]) == pd.Timestamp("2020-01-02 22:00")


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([20240102, 20240103], "2024-01-02 23:59"),
        ([1704153600, 1704240000], "2024-01-02 23:59"),
        ([1704153600000, 1704240000000], "2024-01-02 23:59"),
        (["2024/01/02", "2024/01/03"], "2024-01-02 23:59"),
        (["20240102", "20240103"], "2024-01-02 23:59"),
        (["2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z"], "2024-01-02 23:59"),
        ([pd.Timestamp("2024-01-02").date(), pd.Timestamp("2024-01-03").date()], "2024-01-02 23:59"),
    ],
)
def test_kinds_of_stamps(stamps, expected):
    assert pd.Timestamp(load_bars(daily(2).assign(Date=stamps)).time_ns[0]) == pd.Timestamp(expected)


@pytest.mark.parametrize(
    ("stamps", "text"),
    [
        (["01/02/2024", "01/03/2024"], "must be ISO 8601, found '01/02/2024' at row 1"),
        (["2024-01-02", None], "every row needs a stamp"),
        (["2024-01-02T10:00:00+01:00", "2024-01-02T11:00:00"], "one zone"),
        (["2024-01-02T10:00:00+01:00", "2024-01-02T11:00:00+02:00"], "one zone, found offsets"),
        ([1.5, 2.5], "must be whole"),
    ],
)
def test_stamps_that_cannot_be_read(stamps, text):
    assert text in message(load_bars, daily(2).assign(Date=stamps), stamp="close")


def test_offsets_that_follow_the_exchanges_clock():
    stamps = ["2024-01-02T16:00:00-05:00", "2024-07-02T16:00:00-04:00"]
    frame = daily(2).assign(Date=stamps)
    assert load_bars(frame, stamp="close", zone="America/New_York").minute_of_day.tolist() == [960, 960]
    assert "not those of Europe/Berlin" in message(load_bars, frame, stamp="close", zone="Europe/Berlin")


def test_hours_that_stand_twice_are_refused():
    frame = minutes()
    frame["timestamp"] = pd.date_range("2024-11-03 00:30", periods=20, freq="15min")
    assert "unambiguous" in message(load_bars, frame, stamp="close", zone="America/New_York")


def test_files_of_different_zones_are_refused(tmp_path):
    for name, zone in (("A", "America/New_York"), ("B", "Asia/Tokyo")):
        frame = daily()
        frame.assign(Date=frame["Date"].dt.tz_localize(zone)).to_parquet(tmp_path / f"{name}.parquet")
    assert "one zone" in message(load_bars, tmp_path)


def test_sessions_that_end_apart_are_refused_unless_declared():
    frame = long()
    frame["Date"] += pd.to_timedelta(np.where(frame.Ticker == "A", 16, 21), unit="h")
    told = {"stamp": "close", "zone": "UTC"}
    assert "sessions must end together, found A at 2020-01-15 16:00:00 and B" in message(
        load_bars, frame, **told
    )
    assert load_bars(frame, mixed_sessions=True, **told).n_bars == 50


def test_intraday_sessions_that_end_apart_are_refused():
    early = minutes(60, tz="UTC").assign(symbol="A")
    late = minutes(200, tz="UTC").assign(symbol="B")
    assert "found A at 10:29 and B at 12:49" in message(load_bars, pd.concat([early, late]), stamp="close")


def test_adjusted_must_be_chosen():
    frame = daily().assign(**{"Adj Close": daily()["Close"] / 2})
    assert "set adjusted: true or false" in message(load_bars, frame)
    raw, adjusted = load_bars(frame, adjusted=False), load_bars(frame, adjusted=True)
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(adjusted, name), getattr(raw, name) / 2)
    assert np.array_equal(adjusted.volume, raw.volume)
    assert "Adj Close" not in raw.extra
    same = daily().assign(**{"Adj Close": daily()["Close"]})
    assert load_bars(same).n_bars == 30
    assert any("adjusted already" in note for note in load_bars(daily(), adjusted=True).notes)


def test_further_columns():
    bars = load_bars(daily().assign(score=np.arange(30), Exchange="X", flag=True))
    assert set(bars.extra) == {"flag", "score"}
    assert bars.extra["score"][:, 0].tolist() == list(range(30))
    assert any("'Exchange' is not numeric" in note for note in bars.notes)


def test_an_empty_volume_is_no_volume():
    bars = load_bars(daily().assign(Volume=np.nan))
    assert bars.volume is None
    assert any("volume is empty" in note for note in bars.notes)


def test_date_and_time_columns():
    frame = minutes().rename(columns={"timestamp": "Date"})
    split = frame.assign(Date=frame["Date"].dt.strftime("%Y%m%d"), Time=frame["Date"].dt.strftime("%H:%M:%S"))
    number = split.assign(Time=split["Time"].str.replace(":", "").str[:4].astype(int))
    whole = load_bars(minutes(), stamp="close", zone="UTC")
    for one in (split, number):
        assert load_bars(one, stamp="close", zone="UTC").content_hash == whole.content_hash


def test_an_index_counts_as_a_column():
    assert load_bars(daily().set_index("Date")).content_hash == load_bars(daily()).content_hash
    nameless = daily().set_index("Date").rename_axis(None)
    assert load_bars(nameless, symbol="ASSET").content_hash == load_bars(daily()).content_hash


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (daily().drop(columns="High"), "columns must include high, found"),
        (daily().drop(columns="Date"), "columns must include a time or date"),
        (daily().assign(open=1.0), "one column must be the open"),
        (daily().assign(Close="1,5"), "Close must be numbers, found '1,5' at row 1"),
        (daily().assign(Ticker=None), "every row needs a symbol"),
        (daily().set_axis(pd.MultiIndex.from_product([["A"], daily().columns]), axis=1), "must be plain"),
    ],
)
def test_tables_that_make_no_sense(frame, text):
    assert text in message(load_bars, frame)


def test_files_that_cannot_be_read(tmp_path):
    assert "found nothing there" in message(load_bars, tmp_path / "none.csv")
    (tmp_path / "prices.csv").write_text("")
    assert "must be readable" in message(load_bars, tmp_path / "prices.csv")
    assert "did you mean 'prices.csv'?" in message(load_bars, tmp_path / "price.csv")
    for name in ("x.parquet", "x.feather", "x.arrow"):
        (tmp_path / name).write_bytes(b"this is no table at all")
        assert "must be readable" in message(load_bars, tmp_path / name)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n")[:-6])
    assert "must be" in message(load_bars, tmp_path / "x.csv.gz")
    (tmp_path / "x.xlsx").write_bytes(b"")
    assert "must be one of .parquet" in message(load_bars, tmp_path / "x.xlsx")
    (tmp_path / "empty").mkdir()
    assert "a folder must hold data files" in message(load_bars, tmp_path / "empty")


def test_a_file_that_could_not_be_read_again_is_not_written(tmp_path):
    source = tmp_path / "mine.csv"
    source.write_text("Date,Open,High,Low,Close\n2020-01-01,1,2,1,2\n2020-01-02,1,2,1,2\n")
    before = source.read_bytes()
    with pytest.raises(ConfigError, match=r"must end in \.parquet or \.pq, found '\.csv'"):
        write_parquet(load_bars(source), source)
    assert source.read_bytes() == before
    with pytest.raises(StoreError, match="must be writable"):
        write_parquet(load_bars(source), source / "x.parquet")
    assert [one.name for one in tmp_path.iterdir()] == ["mine.csv"]


def test_a_bad_value_beside_an_equal_adjusted_close_is_a_defect():
    frame = daily()
    frame["Adj Close"] = frame["Close"]
    frame.loc[3, "Close"] = np.nan
    with pytest.raises(DataError, match="must be numbers, not NaN, found 1 row"):
        load_bars(frame)
    frame.loc[5, "Adj Close"] *= 0.5
    with pytest.raises(DataError, match=r"must be chosen when both are there, .* at row 6"):
        load_bars(frame)
