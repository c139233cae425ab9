"""Each strategy's weights, bar by bar, against the rule written down a second time in plain Python."""

import numpy as np
import pytest
import talib

from admf_ray.components.registry import find, registered
from admf_ray.errors import ConfigError

SIDES = ("long", "short", "both")


def signs(difference):
    return [float(np.sign(x)) for x in difference]


def ma_crossover(close, high, low, fast, slow):
    return signs(
        close[: t + 1][-fast:].mean() - close[: t + 1][-slow:].mean() if t >= slow - 1 else np.nan
        for t in range(close.size)
    )


def ema_crossover(close, high, low, fast, slow):
    return signs(talib.EMA(close, fast) - talib.EMA(close, slow))


def macd(close, high, low, fast, slow, signal):
    return signs(talib.MACD(close, fast, slow, signal)[2])


def time_series_momentum(close, high, low, lookback_bars):
    return signs(
        close[t] / close[t - lookback_bars] - 1.0 if t >= lookback_bars else np.nan for t in range(close.size)
    )


def donchian_breakout(close, high, low, entry_bars, exit_bars):
    state, out = 0.0, []
    for t in range(close.size):
        if t < entry_bars:
            out.append(np.nan)
            continue
        if state == 1.0 and close[t] < low[t - exit_bars : t].min():
            state = 0.0
        if state == -1.0 and close[t] > high[t - exit_bars : t].max():
            state = 0.0
        if close[t] > high[t - entry_bars : t].max():
            state = 1.0
        if close[t] < low[t - entry_bars : t].min():
            state = -1.0
        out.append(state)
    return out


def volatility_breakout(close, high, low, atr_bars, atr_multiple):
    ranges = talib.ATR(high, low, close, atr_bars)
    state, out = 0.0, []
    for t in range(close.size):
        if t <= atr_bars:
            out.append(np.nan)
            continue
        if close[t] > close[t - 1] + atr_multiple * ranges[t - 1]:
            state = 1.0
        if close[t] < close[t - 1] - atr_multiple * ranges[t - 1]:
            state = -1.0
        out.append(state)
    return out


def rsi_reversion(close, high, low, length_bars, oversold, exit_level):
    index = talib.RSI(close, length_bars)
    state, out = 0.0, []
    for value in index:
        if state == 1.0 and value > exit_level:
            state = 0.0
        if state == -1.0 and value < 100.0 - exit_level:
            state = 0.0
        if value < oversold:
            state = 1.0
        if value > 100.0 - oversold:
            state = -1.0
        out.append(state if np.isfinite(value) else np.nan)
    return out


def bollinger_reversion(close, high, low, length_bars, deviations, exit_deviations):
    state, out = 0.0, []
    for t in range(close.size):
        if t < length_bars - 1:
            out.append(np.nan)
            continue
        window = close[t - length_bars + 1 : t + 1]
        mean, std = window.mean(), window.std()
        if state == 1.0 and close[t] >= mean - exit_deviations * std:
            state = 0.0
        if state == -1.0 and close[t] <= mean + exit_deviations * std:
            state = 0.0
        if close[t] < mean - deviations * std:
            state = 1.0
        if close[t] > mean + deviations * std:
            state = -1.0
        out.append(state)
    return out


def buy_and_hold(close, high, low):
    return [1.0] * close.size


CASES = [
    (ma_crossover, {"fast": 3, "slow": 10}),
    (ma_crossover, {"fast": 1, "slow": 2}),
    (ema_crossover, {"fast": 3, "slow": 10}),
    (macd, {"fast": 4, "slow": 9, "signal": 3}),
    (time_series_momentum, {"lookback_bars": 1}),
    (time_series_momentum, {"lookback_bars": 20}),
    (donchian_breakout, {"entry_bars": 20, "exit_bars": 10}),
    (donchian_breakout, {"entry_bars": 5, "exit_bars": 5}),
    (donchian_breakout, {"entry_bars": 3, "exit_bars": 1}),
    (volatility_breakout, {"atr_bars": 5, "atr_multiple": 0.8}),
    (rsi_reversion, {"length_bars": 5, "oversold": 30.0, "exit_level": 50.0}),
    (rsi_reversion, {"length_bars": 2, "oversold": 10.0, "exit_level": 95.0}),
    (bollinger_reversion, {"length_bars": 10, "deviations": 1.5, "exit_deviations": 0.0}),
    (bollinger_reversion, {"length_bars": 10, "deviations": 1.0, "exit_deviations": -1.2}),
    (bollinger_reversion, {"length_bars": 10, "deviations": 1.5, "exit_deviations": 1.0}),
    (buy_and_hold, {}),
]
OF_ONE_SYMBOL = sorted(
    name
    for name, cls in registered("strategy").items()
    if cls.__module__.startswith("admf_ray.components.library") and name != "cross_sectional_momentum"
)


def limited(weights, side):
    low, high = {"long": (0.0, 1.0), "short": (-1.0, 0.0), "both": (-1.0, 1.0)}[side]
    return np.clip(weights, low, high)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("rule", "settings"), CASES)
def test_weights_are_the_rule(lab, rule, settings, side):
    columns = lab.walk()
    has_side = "side" in find(rule.__name__).parameters
    expected = np.array(rule(*columns, **settings))
    if has_side:
        expected = limited(expected, side)
        settings = {**settings, "side": side}
    found = lab.weights(lab.bars(*columns), rule.__name__, **settings)
    asked = np.isfinite(expected)
    assert asked.sum() > 350
    assert not has_side or np.count_nonzero(np.diff(expected[asked])) > 5
    np.testing.assert_array_equal(found, expected)


def test_every_strategy_is_covered():
    assert {rule.__name__ for rule, _ in CASES} == set(OF_ONE_SYMBOL)


@pytest.mark.parametrize("name", [name for name in OF_ONE_SYMBOL if name != "buy_and_hold"])
def test_sides_mirror(lab, name):
    """Short only wants on the mirrored series what long only wants on the series."""
    close, high, low = (column - 100.0 for column in lab.walk())
    short = {"lookback_bars": 20} if name == "time_series_momentum" else {}
    up = lab.weights(lab.bars(1000.0 + close, 1000.0 + high, 1000.0 + low), name, side="long", **short)
    down = lab.weights(lab.bars(1000.0 - close, 1000.0 - low, 1000.0 - high), name, side="short", **short)
    assert np.nansum(up) > 0.0
    np.testing.assert_array_equal(up, -down)


@pytest.mark.parametrize("name", OF_ONE_SYMBOL)
def test_a_constant_price_is_no_reason_to_trade(lab, name):
    for price in (1.0, 0.1, 123456.789):
        for side in SIDES:
            settings = {"side": side} if "side" in find(name).parameters else {}
            found = lab.weights(lab.bars(np.full(300, price)), name, **settings)
            asked = found[np.isfinite(found)]
            assert asked.size > 40
            assert (asked == (1.0 if name == "buy_and_hold" else 0.0)).all()


def test_donchian_by_hand(lab):
    close = [5, 5, 5, 6, 7, 6, 5, 4, 4, 5, 6, 6, 7]
    # channels of the bars before: 3 to enter, 2 to leave
    expected = [np.nan] * 3 + [1, 1, 1, -1, -1, -1, 0, 1, 1, 1]
    both = lab.weights(lab.bars(close), "donchian_breakout", entry_bars=3, exit_bars=2, side="both")
    np.testing.assert_array_equal(both, expected)


def test_rsi_by_hand(lab):
    # one bar: 0 after a fall, 100 after a rise, 50 after none
    close = [5, 5, 4, 4, 5, 5, 6, 5, 4]
    expected = [np.nan, 0, 1, 1, -1, -1, -1, 1, 1]
    found = lab.weights(
        lab.bars(close), "rsi_reversion", length_bars=1, oversold=10.0, exit_level=60.0, side="both"
    )
    np.testing.assert_array_equal(found, expected)


def test_a_breakout_is_measured_with_the_range_before(lab):
    close = [10, 11, 12, 13, 15, 15, 14, 11]
    # average true ranges from the third bar on: 1, 1, 1.5, 0.75, 0.875
    expected = [np.nan] * 3 + [0, 1, 1, 1, -1]
    found = lab.weights(lab.bars(close), "volatility_breakout", atr_bars=2, atr_multiple=1.5, side="both")
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ma_crossover", {"fast": 30, "slow": 30}),
        ("ema_crossover", {"fast": 30, "slow": 20}),
        ("macd", {"fast": 26, "slow": 12}),
        ("donchian_breakout", {"entry_bars": 5, "exit_bars": 6}),
        ("rsi_reversion", {"oversold": 40.0, "exit_level": 30.0}),
        ("bollinger_reversion", {"deviations": 1.0, "exit_deviations": 1.0}),
        ("volatility_breakout", {"atr_multiple": 0.0}),
        ("cross_sectional_momentum", {"top": 0}),
    ],
)
def test_senseless_parameters_are_refused(name, settings):
    with pytest.raises(ConfigError, match=f"^{name}"):
        find(name)(**settings)
