"""Indicators against TA-Lib, an independent implementation."""

import numpy as np
import pytest
import talib

from admf_ray.rules import indicators
from admf_ray.rules.compile import cached

LENGTHS = (2, 3, 14, 50)


def talib_rsi(close, length):
    """TA-Lib's, but 50 instead of 0 until the price has moved."""
    moved = np.abs(np.nan_to_num(np.diff(close, prepend=np.nan))).cumsum() > 0.0
    out = talib.RSI(close, length)
    return np.where(moved | np.isnan(out), out, 50.0)


# ours, TA-Lib's twin, columns
SINGLE = {
    "sma": (talib.SMA, "c"),
    "ema": (talib.EMA, "c"),
    "wma": (talib.WMA, "c"),
    "rsi": (talib_rsi, "c"),
    "roc": (talib.ROCP, "c"),
    "momentum": (talib.MOM, "c"),
    "rolling_max": (talib.MAX, "c"),
    "rolling_min": (talib.MIN, "c"),
    "donchian_high": (talib.MAX, "h"),
    "donchian_low": (talib.MIN, "l"),
    "atr": (talib.ATR, "hlc"),
    "adx": (talib.ADX, "hlc"),
    "plus_di": (talib.PLUS_DI, "hlc"),
    "minus_di": (talib.MINUS_DI, "hlc"),
}


def frame(close, seed=0):
    random = np.random.default_rng(seed)
    high = close + np.abs(close) * 0.01 * random.random(close.size)
    low = close - np.abs(close) * 0.01 * random.random(close.size)
    volume = random.integers(0, 10_000, close.size).astype(float)
    columns = {"h": high, "l": low, "c": close, "v": volume}
    for column in columns.values():
        column.flags.writeable = False
    return columns


def walk(seed, n_bars=600, start=100.0):
    return start * np.exp(np.cumsum(0.01 * np.random.default_rng(seed).standard_normal(n_bars)))


def series():
    gaps = walk(3)
    gaps[200:] *= 3.0
    gaps[400:] *= 0.1
    flat = np.round(walk(4), 0)
    pauses = walk(5)
    pauses[100:180] = pauses[100]
    late = walk(6)
    late[:17] = np.nan
    return {
        "walk 0": walk(0),
        "walk 1": walk(1),
        "small numbers": walk(2, start=1e-6),
        "large numbers": walk(2, start=1e9),
        "gaps": gaps,
        "rounded": flat,
        "pauses": pauses,
        "starts late": late,
        "constant": np.full(300, 0.1),
        "short": walk(7, n_bars=16),
        "long": walk(8, n_bars=100_000) % 100.0 + 1.0,
    }


SERIES = {name: frame(close) for name, close in series().items()}
on_all = pytest.mark.parametrize("data", SERIES)


def equal(ours, theirs, scale=0.0):
    assert (np.isnan(ours) == np.isnan(theirs)).all()
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12 * scale)


def call(name, *arguments):
    return cached(getattr(indicators, name))(*arguments)


def size(columns):
    return np.nanmax(columns["h"])


@on_all
@pytest.mark.parametrize("name", SINGLE)
def test_one_length(name, data):
    theirs, letters = SINGLE[name]
    columns = SERIES[data]
    arrays = [columns[letter] for letter in letters]
    # a difference of prices, and TA-Lib's running sums, are exact only against the price's size
    scale = {"momentum": size(columns), "sma": size(columns), "wma": 1e2 * size(columns)}.get(name, 0.0)
    for length in LENGTHS:
        ours = call(name, *arrays, length)
        assert data in ("short",) or np.isfinite(ours[-1])
        equal(ours, theirs(*arrays, length), scale)


@on_all
@pytest.mark.parametrize("lengths", [(12, 26, 9), (3, 10, 4), (2, 2, 2)])
def test_macd(data, lengths):
    columns = SERIES[data]
    line, signal, hist = talib.MACD(columns["c"], *lengths)
    ours = call("macd", columns["c"], *lengths[:2])
    assert (~np.isnan(ours)).sum() == max(0, (~np.isnan(columns["c"])).sum() - lengths[1] + 1)
    equal(np.where(np.isnan(line), np.nan, ours), line, size(columns))
    equal(call("macd_signal", columns["c"], *lengths), signal, size(columns))
    equal(call("macd_hist", columns["c"], *lengths), hist, size(columns))


@on_all
def test_bands(data):
    columns = SERIES[data]
    for length in (5, 20):
        # TA-Lib subtracts squares: its deviation is off by up to the root of the rounding
        lost = 1e-6 if data in ("constant", "pauses", "rounded", "long") else 1e-10
        theirs = talib.STDDEV(columns["c"], length)
        ours = call("rolling_std", columns["c"], length)
        assert (np.isnan(ours) == np.isnan(theirs)).all()
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=lost * size(columns))
        upper, middle, lower = talib.BBANDS(columns["c"], length, 2.0, 2.0)
        np.testing.assert_allclose(call("bollinger_middle", columns["c"], length), middle, rtol=1e-9)
        for name, theirs in (("bollinger_upper", upper), ("bollinger_lower", lower)):
            ours = call(name, columns["c"], length, 2.0)
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=3 * lost * size(columns))


@on_all
def test_true_range_and_obv(data):
    columns = SERIES[data]
    high, low, close, volume = (columns[letter] for letter in "hlcv")
    equal(call("true_range", high, low, close), talib.TRANGE(high, low, close))
    equal(call("obv", close, volume), talib.OBV(close, volume))


def test_arithmetic():
    left, right = SERIES["walk 0"]["c"], SERIES["walk 1"]["c"]
    for name, theirs in (
        ("add", talib.ADD),
        ("subtract", talib.SUB),
        ("multiply", talib.MULT),
        ("divide", talib.DIV),
    ):
        assert (call(name, left, right) == theirs(left, right)).all()


def test_indicator_of_an_indicator():
    close = SERIES["starts late"]["c"]
    equal(call("ema", call("rsi", close, 14), 9), talib.EMA(talib.RSI(close, 14), 9))
    equal(call("rsi", call("sma", close, 5), 14), talib.RSI(talib.SMA(close, 5), 14))
