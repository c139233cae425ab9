"""What holds for every indicator: causality to the bit, leading NaNs, lengths that cannot be served."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_ray.rules import indicators
from admf_ray.rules.compile import cached

COLUMNS = {
    "c": ("close",),
    "hlc": ("high", "low", "close"),
    "h": ("high",),
    "l": ("low",),
    "cv": ("close", "volume"),
    "hlcv": ("high", "low", "close", "volume"),
    "hlcvd": ("high", "low", "close", "volume", "day"),
    "cl": ("close", "low"),
    "table": ("table",),
}
# name: columns it reads, number of lengths, further arguments, warm-up bars as a function of lengths
CASES = {
    "add": ("cl", 0, (), lambda: 0),
    "adx": ("hlc", 1, (), lambda n: 2 * n - 1),
    "atr": ("hlc", 1, (), lambda n: n),
    "bollinger_lower": ("c", 1, (2.0,), lambda n: n - 1),
    "bollinger_middle": ("c", 1, (), lambda n: n - 1),
    "bollinger_upper": ("c", 1, (2.0,), lambda n: n - 1),
    "cross_rank": ("table", 0, (), lambda: 0),
    "divide": ("cl", 0, (), lambda: 0),
    "donchian_high": ("h", 1, (), lambda n: n - 1),
    "donchian_low": ("l", 1, (), lambda n: n - 1),
    "ema": ("c", 1, (), lambda n: n - 1),
    "lag": ("c", 1, (), lambda n: n),
    "macd": ("c", 2, (), lambda a, b: max(a, b) - 1),
    "macd_hist": ("c", 3, (), lambda a, b, s: max(a, b) + s - 2),
    "macd_signal": ("c", 3, (), lambda a, b, s: max(a, b) + s - 2),
    "minus_di": ("hlc", 1, (), lambda n: n),
    "momentum": ("c", 1, (), lambda n: n),
    "multiply": ("cl", 0, (), lambda: 0),
    "obv": ("cv", 0, (), lambda: 0),
    "plus_di": ("hlc", 1, (), lambda n: n),
    "roc": ("c", 1, (), lambda n: n),
    "rolling_max": ("c", 1, (), lambda n: n - 1),
    "rolling_min": ("c", 1, (), lambda n: n - 1),
    "rolling_std": ("c", 1, (), lambda n: n - 1),
    "rsi": ("c", 1, (), lambda n: n),
    "session_vwap": ("hlcvd", 0, (), lambda: 0),
    "sma": ("c", 1, (), lambda n: n - 1),
    "subtract": ("cl", 0, (), lambda: 0),
    "true_range": ("hlc", 0, (), lambda: 1),
    "volatility": ("c", 1, (), lambda n: n),
    "vwap": ("hlcv", 1, (), lambda n: n - 1),
    "wma": ("c", 1, (), lambda n: n - 1),
    "zscore": ("c", 1, (), lambda n: n - 1),
}
every = pytest.mark.parametrize("name", sorted(CASES))
with_length = pytest.mark.parametrize("name", sorted(name for name in CASES if CASES[name][1]))
# every later bar has a value; `cross_rank` leaves missing symbols missing
gapless = pytest.mark.parametrize("name", sorted(CASES.keys() - {"cross_rank"}))
some = settings(max_examples=25)


def bars(seed, n_bars, missing=0):
    """Bars of a random walk with flat stretches; `missing` NaNs at the front of each price."""
    random = np.random.default_rng(seed)
    step = np.where(random.random(n_bars) < 0.3, 0.0, 0.02 * random.standard_normal(n_bars))
    close = 100.0 * np.exp(np.cumsum(step))
    wide = 1.0 + 0.01 * random.random((2, n_bars))
    table = random.integers(0, 4, (n_bars, 5)).astype(float)
    table[random.random(table.shape) < 0.2] = np.nan
    columns = {
        "close": close,
        "high": close * wide[0],
        "low": close / wide[1],
        "volume": 1.0 + random.integers(0, 1000, n_bars).astype(float),
        "table": table,
    }
    columns = {
        name: np.concatenate([np.full((missing, *column.shape[1:]), np.nan), column])
        for name, column in columns.items()
    }
    columns["day"] = np.arange(n_bars + missing) // 7
    return columns


def run(name, columns, lengths, extra, stop=None):
    arrays = [columns[column][:stop].copy() for column in COLUMNS[CASES[name][0]]]
    for array in arrays:
        array.flags.writeable = False  # as data arrive
    before = [array.tobytes() for array in arrays]
    out = cached(getattr(indicators, name))(*arrays, *lengths, *extra)
    assert out.dtype == np.float64
    assert out.shape == arrays[0].shape
    assert before == [array.tobytes() for array in arrays]
    return out


def warmup(out):
    return int(np.argmax(np.isfinite(out))) if np.isfinite(out).any() else out.size


def test_every_indicator_is_tested():
    assert sorted(CASES) == indicators.__all__ == sorted(indicators.__all__)


@every
@some
@given(data=st.data())
def test_later_bars_change_no_earlier_bit(name, data):
    _, count, extra, _ = CASES[name]
    lengths = [data.draw(st.integers(1, 12)) for _ in range(count)]
    n_bars = data.draw(st.integers(1, 80))
    columns = bars(data.draw(st.integers(0, 99)), n_bars, data.draw(st.integers(0, 3)))
    stop = data.draw(st.integers(0, n_bars))
    whole = run(name, columns, lengths, extra)
    assert run(name, columns, lengths, extra, stop).tobytes() == whole[:stop].tobytes()


@every
@some
@given(data=st.data())
def test_leading_nans_shift_the_result(name, data):
    _, count, extra, _ = CASES[name]
    lengths = [data.draw(st.integers(0 if name == "lag" else 1, 12)) for _ in range(count)]
    seed, n_bars = data.draw(st.integers(0, 99)), data.draw(st.integers(1, 80))
    missing = 7 * data.draw(st.integers(1, 3))  # whole weeks, so that sessions stay what they were
    plain = run(name, bars(seed, n_bars), lengths, extra)
    shifted = run(name, bars(seed, n_bars, missing), lengths, extra)
    assert np.isnan(shifted[:missing]).all()
    assert shifted[missing:].tobytes() == plain.tobytes()


@gapless
@pytest.mark.parametrize("lengths", [(3, 7, 4), (9, 2, 1), (2, 2, 2)])
def test_warmup_is_as_documented_and_nothing_is_missing_after(name, lengths):
    _, count, extra, length = CASES[name]
    lengths = lengths[:count]
    out = run(name, bars(5, 60), lengths, extra)
    assert warmup(out) == length(*lengths)
    assert np.isfinite(out[length(*lengths) :]).all()


@with_length
def test_lengths_that_cannot_be_served_give_nan(name):
    _, count, extra, length = CASES[name]
    columns = bars(1, 30)
    for bad in (-(2**40), -1, 31, 2**40) if name == "lag" else (-(2**40), -1, 0, 31, 2**40):
        for place in range(count):
            lengths = [5] * count
            lengths[place] = bad
            assert np.isnan(run(name, columns, lengths, extra)).all()
    # the longest length that fits gives one bar, one more gives none
    longest = max(n for n in range(1, 31) if length(*[n] * count) < 30)
    assert warmup(run(name, columns, [longest] * count, extra)) == length(*[longest] * count)
    assert np.isnan(run(name, columns, [longest + 1] * count, extra)).all()


@every
def test_no_bars_give_no_bars(name):
    _, count, extra, _ = CASES[name]
    assert run(name, bars(0, 0), [3] * count, extra).size == 0


@every
def test_all_nan_gives_nan(name):
    _, count, extra, _ = CASES[name]
    columns = {key: np.full(column.shape, np.nan) for key, column in bars(0, 40).items()}
    columns["day"] = np.zeros(40, np.int64)
    assert np.isnan(run(name, columns, [3] * count, extra)).all()


WINDOWED = [
    *("bollinger_lower", "bollinger_middle", "bollinger_upper", "donchian_high", "rolling_max"),
    *("donchian_low", "rolling_min", "rolling_std", "sma", "vwap", "wma", "zscore"),
]


@pytest.mark.parametrize("name", WINDOWED)
@pytest.mark.parametrize("at", range(20, 26))
def test_a_nan_touches_only_the_windows_that_hold_it(name, at):
    extra = CASES[name][2]
    columns = bars(2, 60)
    clean = run(name, columns, [5], extra)
    for column in COLUMNS[CASES[name][0]]:
        columns[column][at] = np.nan
    out = run(name, columns, [5], extra)
    assert np.isnan(out[at : at + 5]).all()
    out[at : at + 5] = clean[at : at + 5]
    assert out.tobytes() == clean.tobytes()
