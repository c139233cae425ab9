"""Indicators against their definitions, written out bar by bar, and in the awkward cases."""

from fractions import Fraction

import numpy as np
import pytest

from admf_ray.rules import indicators
from admf_ray.rules.compile import cached

RANDOM = np.random.default_rng(7)
CLOSE = 50.0 * np.exp(np.cumsum(0.02 * RANDOM.standard_normal(300)))
HIGH = CLOSE * (1.0 + 0.01 * RANDOM.random(300))
LOW = CLOSE * (1.0 - 0.01 * RANDOM.random(300))
VOLUME = RANDOM.integers(1, 500, 300).astype(float)
DAY = np.repeat(np.arange(20), 15)
for _column in (CLOSE, HIGH, LOW, VOLUME, DAY):
    _column.flags.writeable = False


def call(name, *arguments):
    return cached(getattr(indicators, name))(*arguments)


def frozen(values):
    values = np.array(values, float)
    values.flags.writeable = False
    return values


def windows(function, *columns, length):
    out = np.full(columns[0].size, np.nan)
    for t in range(length - 1, columns[0].size):
        out[t] = function(*(column[t - length + 1 : t + 1] for column in columns))
    return out


@pytest.mark.parametrize("length", [1, 2, 7, 64, 299, 300])
def test_windows_are_their_definitions(length):
    weights = np.arange(1.0, length + 1)
    for name, function in (
        ("sma", np.mean),
        ("wma", lambda x: np.average(x, weights=weights)),
        ("rolling_std", np.std),
        ("rolling_max", np.max),
        ("rolling_min", np.min),
    ):
        np.testing.assert_allclose(
            call(name, CLOSE, length), windows(function, CLOSE, length=length), rtol=1e-11, err_msg=name
        )


@pytest.mark.parametrize("length", [2, 7, 64])
def test_zscore_and_volatility(length):
    expected = windows(lambda x: (x[-1] - x.mean()) / x.std(), CLOSE, length=length)
    np.testing.assert_allclose(call("zscore", CLOSE, length), expected, rtol=1e-9, atol=1e-11)
    returns = np.diff(CLOSE) / CLOSE[:-1]
    expected = windows(lambda x: x.std(ddof=1), returns, length=length)
    np.testing.assert_allclose(call("volatility", CLOSE, length)[1:], expected, rtol=1e-9)
    assert np.isnan(call("volatility", CLOSE, 1)).all()


@pytest.mark.parametrize("length", [1, 5, 40])
def test_vwap(length):
    price = (HIGH + LOW + CLOSE) / 3.0
    expected = windows(lambda p, v: np.average(p, weights=v), price, VOLUME, length=length)
    np.testing.assert_allclose(call("vwap", HIGH, LOW, CLOSE, VOLUME, length), expected, rtol=1e-12)


def test_session_vwap_starts_again_each_day():
    price = (HIGH + LOW + CLOSE) / 3.0
    out = call("session_vwap", HIGH, LOW, CLOSE, VOLUME, DAY)
    for day in range(20):
        p, v = price[day == DAY], VOLUME[day == DAY]
        np.testing.assert_allclose(out[day == DAY], np.cumsum(p * v) / np.cumsum(v), rtol=1e-12)
    assert out.tobytes() == call("session_vwap", HIGH, LOW, CLOSE, VOLUME, frozen(DAY)).tobytes()


def test_no_volume_is_no_average_price():
    volume = frozen([0, 0, 0, 2, 0, 0, 0, 0])
    price = frozen(range(8))
    rolling = call("vwap", price, price, price, volume, 2)
    assert np.isnan(rolling[[0, 1, 2, 5, 6, 7]]).all()
    assert (rolling[3:5] == 3.0).all()
    days = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    days.flags.writeable = False
    session = call("session_vwap", price, price, price, volume, days)
    assert np.isnan(session[[0, 1, 2, 5, 6, 7]]).all()
    assert (session[3:5] == 3.0).all()


@pytest.mark.parametrize("value", [0.1, 1e-300, 123456.789, 0.0])
def test_a_constant_series_is_exact(value):
    flat = np.full(200, value)
    flat.flags.writeable = False
    ones = np.ones(200)
    ones.flags.writeable = False
    for name, arguments, warmup, expected in (
        ("sma", (flat, 7), 6, value),
        ("ema", (flat, 7), 6, value),
        ("wma", (flat, 7), 6, value),
        ("macd", (flat, 3, 7), 6, 0.0),
        ("bollinger_upper", (flat, 7, 2.0), 6, value),
        ("bollinger_lower", (flat, 7, 2.0), 6, value),
        ("rolling_std", (flat, 7), 6, 0.0),
        ("volatility", (flat, 7), 7, 0.0),
        ("zscore", (flat, 7), 6, 0.0),
        ("rsi", (flat, 7), 7, 50.0),
        ("roc", (flat, 7), 7, 0.0),
        ("atr", (flat, flat, flat, 7), 7, 0.0),
        ("adx", (flat, flat, flat, 7), 13, 0.0),
        ("plus_di", (flat, flat, flat, 7), 7, 0.0),
        ("minus_di", (flat, flat, flat, 7), 7, 0.0),
    ):
        out = call(name, *arguments)
        assert np.isnan(out[:warmup]).all(), name
        assert (out[warmup:] == expected).all(), name
    price = (value + value + value) / 3.0
    assert (call("vwap", flat, flat, flat, ones, 7)[6:] == price).all()


def test_flat_after_movement_is_exactly_flat():
    """What moved before a window must leave nothing behind in it."""
    values = frozen(np.concatenate([CLOSE, np.full(50, 0.1)]))
    for name, expected in (("sma", 0.1), ("wma", 0.1), ("rolling_std", 0.0), ("zscore", 0.0)):
        assert (call(name, values, 20)[300 + 19 :] == expected).all(), name


def test_rounding_does_not_grow_over_400_000_bars():
    random = np.random.default_rng(1)
    values = 1e4 + np.cumsum(random.standard_normal(400_000))
    values[1000] = 1e15  # a running sum would never recover from this
    values.flags.writeable = False
    means = call("sma", values, 200)
    deviations = call("rolling_std", values, 200)
    for t in (1200, 5_000, 123_456, 399_999):
        window = [Fraction(value) for value in values[t - 199 : t + 1]]
        mean = sum(window) / 200
        variance = sum((value - mean) ** 2 for value in window) / 200
        assert means[t] == pytest.approx(float(mean), rel=1e-15)
        assert deviations[t] == pytest.approx(float(variance) ** 0.5, rel=1e-14)


def test_standard_deviation_keeps_its_digits_on_a_high_level():
    noise = np.random.default_rng(2).standard_normal(500)
    values = frozen(1e9 + np.round(noise * 1024) / 1024)  # exact, so the noise itself is the reference
    expected = windows(np.std, values - 1e9, length=20)
    np.testing.assert_allclose(call("rolling_std", values, 20), expected, rtol=1e-12)


def test_directional_indicators_of_one_bar():
    """TA-Lib gives a fraction at length 1; these are percent at every length."""
    plus = call("plus_di", HIGH, LOW, CLOSE, 1)
    up, down = np.diff(HIGH), -np.diff(LOW)
    rise = np.where((up > 0) & (up > down), up, 0.0)
    np.testing.assert_allclose(plus[1:], 100.0 * rise / call("true_range", HIGH, LOW, CLOSE)[1:])


def test_division_by_zero():
    zero, some = frozen([0, 0, 0]), frozen([0, 1, -1])
    np.testing.assert_array_equal(call("divide", some, zero), [np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(call("roc", frozen([0, 5, 10]), 1), [np.nan, 0.0, 1.0])


def test_numbers_combine_with_series():
    assert (call("multiply", CLOSE, 2.0) == CLOSE * 2.0).all()
    assert (call("subtract", 1.0, CLOSE) == 1.0 - CLOSE).all()
    assert (call("add", CLOSE, 1) == CLOSE + 1).all()
    with pytest.raises(ValueError, match=r"broadcast|shape"):
        call("add", CLOSE, CLOSE[:-1])


def test_lag_shows_the_past_and_never_the_future():
    np.testing.assert_array_equal(call("lag", CLOSE, 3)[3:], CLOSE[:-3])
    assert call("lag", CLOSE, 0).tobytes() == CLOSE.tobytes()
    assert np.isnan(call("lag", CLOSE, -1)).all()


def test_a_breakout_needs_the_lagged_channel():
    highest = call("donchian_high", HIGH, 20)
    assert not (highest < CLOSE).any()
    assert (call("lag", highest, 1) < CLOSE).any()


def test_cross_rank():
    nan, inf = np.nan, np.inf
    table = frozen(
        [
            [3, 1, 2, 5],
            [1, 1, 1, 1],
            [nan, 2, 2, nan],
            [nan, nan, nan, nan],
            [-inf, nan, inf, 0],
            [-0.0, 0.0, -1, 0.0],
        ]
    )
    expected = [
        [1, 3, 2, 0],
        [0, 1, 2, 3],
        [nan, 0, 1, nan],
        [nan, nan, nan, nan],
        [2, nan, 0, 1],
        [0, 1, 3, 2],
    ]
    np.testing.assert_array_equal(call("cross_rank", table), expected)
    random = np.random.default_rng(3)
    wide = random.integers(0, 40, (30, 60)).astype(float)
    wide[random.random(wide.shape) < 0.3] = np.nan
    wide.flags.writeable = False
    for row, ranks in zip(wide, call("cross_rank", wide), strict=True):
        present = [s for s in range(60) if not np.isnan(row[s])]
        assert [s for _, s in sorted((ranks[s], s) for s in present)] == sorted(
            present, key=lambda s: (-row[s], s)
        )
