import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_ray.errors import ConfigError, DataError
from admf_ray.market import Bars, check_bars, inspect_source, load_bars


def good(n=40, first="2020-01-01"):
    close = 100 + np.sin(np.arange(n))
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


def spoiled(rule):
    frame = good()
    if rule == "unsorted":
        frame = frame.iloc[[0, 2, 1, *range(3, 40)]].reset_index(drop=True)
    elif rule == "duplicate":
        frame.loc[7, "Date"] = frame.loc[6, "Date"]
    else:
        column, value = {
            "nan": ("Close", np.nan),
            "infinite": ("High", np.inf),
            "non_positive": ("Low", -1.0),
            "high_below_low": ("High", 90.0),
            "open_outside": ("Open", 120.0),
            "close_outside": ("Close", 90.0),
            "negative_volume": ("Volume", -5.0),
        }[rule]
        frame.loc[7, column] = value
    return frame


ROW_RULES = (
    "nan",
    "infinite",
    "non_positive",
    "high_below_low",
    "open_outside",
    "close_outside",
    "negative_volume",
)


def test_good_data_have_no_defect():
    inspection = inspect_source(good())
    assert inspection.defects == ()
    assert load_bars(good()).n_bars == 40


@pytest.mark.parametrize("rule", ["unsorted", "duplicate", *ROW_RULES])
def test_each_rule_is_named_with_its_row(rule, tmp_path):
    path = tmp_path / "prices.csv"
    spoiled(rule).to_csv(path, index=False)
    defects = inspect_source(path).defects
    assert rule in [one.rule for one in defects]
    assert all(one.severity == "error" for one in defects)
    with pytest.raises(DataError) as caught:
        load_bars(path)
    text = str(caught.value)
    assert text.startswith("prices.csv: ")
    assert "\n" not in text
    assert ("row 3" if rule == "unsorted" else "row 8") in text


@pytest.mark.parametrize("rule", ["unsorted", "duplicate", *ROW_RULES])
def test_drop_is_counted(rule):
    bars = load_bars(spoiled(rule), on_bad_rows="drop")
    assert bars.n_bars == 39
    assert bars.counts == {"dropped": 1}
    assert bars.tradable.all()


@pytest.mark.parametrize("rule", ROW_RULES)
def test_forward_fill_is_counted_and_not_tradable(rule):
    bars = load_bars(spoiled(rule), on_bad_rows="forward_fill")
    assert bars.n_bars == 40
    assert bars.counts == {"forward_filled": 1}
    assert np.flatnonzero(~bars.tradable[:, 0]).tolist() == [7]
    for column in (bars.open, bars.high, bars.low, bars.close):
        assert column[7, 0] == bars.close[6, 0]
    assert bars.volume[7, 0] == 0.0


@pytest.mark.parametrize("rule", ["unsorted", "duplicate"])
def test_disorder_cannot_be_filled(rule):
    with pytest.raises(DataError, match="stamp"):
        load_bars(spoiled(rule), on_bad_rows="forward_fill")


def test_leading_bad_rows_cannot_be_filled():
    frame = good()
    frame.loc[0, "Close"] = np.nan
    bars = load_bars(frame, on_bad_rows="forward_fill")
    assert bars.counts == {"dropped": 1}
    assert bars.n_bars == 39


def test_five_examples_are_shown():
    frame = good()
    frame.loc[10:20, "High"] = 1.0
    (defect,) = [one for one in inspect_source(frame).defects if one.rule == "high_below_low"]
    assert defect.n_rows == 11
    assert len(defect.examples) == 5
    assert defect.examples[0].startswith("row 11 2020-01-15")


def test_too_short_and_empty():
    with pytest.raises(DataError, match="must hold >= 50 bars, found 40 rows"):
        load_bars(good(), min_bars=50)
    with pytest.raises(DataError, match="must hold rows, found none"):
        load_bars(good().iloc[:0])


@pytest.mark.parametrize("ratio", [1.5, 2, 3, 4, 5, 7, 10, 17.4, 20])
@pytest.mark.parametrize("reverse", [False, True])
def test_split_like_jumps(ratio, reverse):
    frame = good()
    frame.loc[20:, ["Open", "High", "Low", "Close"]] *= ratio if reverse else 1 / ratio
    (defect,) = inspect_source(frame).defects
    assert (defect.rule, defect.severity, defect.n_rows) == ("split_like", "warning", 1)
    assert "row 21" in defect.examples[0]
    assert any("look like splits" in note for note in load_bars(frame).notes)
    with pytest.raises(DataError, match="look like splits"):
        load_bars(frame, splits="error")


def test_a_crash_is_no_split():
    frame = good()
    frame.loc[20:, ["Open", "High", "Low", "Close"]] *= 0.8
    assert inspect_source(frame).defects == ()


def test_opens_that_repeat_closes_are_found_by_year():
    frame = good(400)
    frame["Open"] = frame["Close"].shift(fill_value=100.0)
    frame["High"] = frame[["Open", "Close"]].max(axis=1)
    frame["Low"] = frame[["Open", "Close"]].min(axis=1)
    frame.loc[262:, "Open"] = frame.loc[262:, "Close"]
    (defect,) = inspect_source(frame).defects
    assert defect.rule == "opens_repeat_closes"
    assert "in 2020, " in str(defect)


@pytest.mark.parametrize(("freq", "stamp", "closed", "hole"), [("B", "date", 6, 9), ("W-FRI", "close", 3, 4)])
def test_a_hole_is_found_where_no_holiday_is_that_long(freq, stamp, closed, hole):
    frame = good(60)
    frame["Date"] = pd.date_range("2020-01-03", periods=60, freq=freq)
    assert inspect_source(frame.drop(index=range(20, 20 + closed)), stamp=stamp).defects == ()
    (found,) = inspect_source(frame.drop(index=range(20, 20 + hole)), stamp=stamp).defects
    assert (found.rule, found.severity, found.n_rows) == ("hole", "warning", 1)
    last, behind = frame.Date[19].date(), frame.Date[20 + hole].date()
    assert f"found 1 row (row 20 {last}, the next {behind})" in str(found)


def test_rounding_of_adjusted_prices_is_forgiven():
    frame = good()
    frame.loc[5, "Close"] = frame.loc[5, "High"] * (1 + 1e-12)
    assert inspect_source(frame).defects == ()


def test_on_bad_rows_must_be_known():
    with pytest.raises(ConfigError, match="on_bad_rows: must be error, drop or forward_fill"):
        load_bars(good(), on_bad_rows="ignore")


def test_check_bars_names_symbol_and_row():
    price = np.ones((5, 2))
    high = price.copy()
    high[3, 1] = 0.5
    shown = np.ones((5, 2), dtype=bool)
    bars = Bars(("A", "B"), np.arange(5) + 1, price, high, price, price, None, shown)
    defects = check_bars(bars)
    assert [(one.rule, one.where) for one in defects if one.severity == "error"] == [
        ("high_below_low", "bars B")
    ]
    assert "row 4" in defects[-1].examples[0]
    with pytest.raises(DataError, match="bars B: high must be >= low"):
        Bars.from_arrays(price, high, price, price, symbols=["A", "B"])


@settings(max_examples=150)
@given(
    row=st.integers(0, 29),
    column=st.sampled_from(["Open", "High", "Low", "Close"]),
    value=st.one_of(st.just(np.nan), st.just(np.inf), st.floats(-1e6, 0.0), st.floats(1e4, 1e6)),
)
def test_no_bad_value_passes_silently(row, column, value):
    frame = good(30)
    frame.loc[row, column] = value
    if column == "High" and value > 0 and np.isfinite(value):
        assert load_bars(frame).high[row, 0] == value
        return
    with pytest.raises(DataError):
        load_bars(frame)
    assert load_bars(frame, on_bad_rows="drop").counts == {"dropped": 1}
