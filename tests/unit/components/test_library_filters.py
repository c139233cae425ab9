"""Each filter's admitted weights, bar by bar, against the rule written down a second time."""

import numpy as np
import pandas as pd
import pytest

from admf_ray.market.synthetic import intraday_minutes

MODES = [("veto", 0.5, 0.0), ("scale", 0.25, 0.25), ("scale", 0.0, 0.0)]
with_modes = pytest.mark.parametrize(("mode", "factor", "left"), MODES)


def wishes(n_bars, seed=5):
    return np.random.default_rng(seed).choice([-1.0, -0.5, 0.0, 0.5, 1.0], n_bars)


def trailing(function, values, length):
    return np.array(
        [function(values[t + 1 - length : t + 1]) if t + 1 >= length else np.nan for t in range(values.size)]
    )


def volatility(close, length):
    return np.concatenate([[np.nan], trailing(lambda r: r.std(ddof=1), close[1:] / close[:-1] - 1.0, length)])


def check(found, expected, wish):
    asked = np.isfinite(expected)
    assert asked.sum() > 50
    changed = expected[asked] != wish[asked]
    assert changed.any()
    assert not changed.all()
    np.testing.assert_array_equal(found, expected)


@with_modes
@pytest.mark.parametrize("measure", ["price", "slope", "both"])
def test_trend_direction(lab, measure, mode, factor, left):
    close, high, low = lab.walk(300, seed=1)
    wish = wishes(300)
    mean = trailing(np.mean, close, 20)
    expected = []
    for t in range(300):
        rising = mean[t] - mean[t - 7] if t >= 26 else np.nan
        against = {
            "price": wish[t] * (close[t] - mean[t]) < 0,
            "slope": wish[t] * rising < 0,
            "both": wish[t] * (close[t] - mean[t]) < 0 or wish[t] * rising < 0,
        }[measure]
        asked = t >= (19 if measure == "price" else 26)
        expected.append((wish[t] * left if against else wish[t]) if asked else np.nan)
    found = lab.weights(
        lab.bars(close, high, low, wish), lab.Wish, ("trend_direction",),
        trend_direction__mean_bars=20, trend_direction__slope_bars=7, trend_direction__measure=measure,
        trend_direction__mode=mode, trend_direction__factor=factor,
    )  # fmt: skip
    check(found, np.array(expected), wish)


@with_modes
@pytest.mark.parametrize("when", ["below", "above"])
@pytest.mark.parametrize(("measure", "level"), [("relative", 1.1), ("absolute", 0.015)])
def test_volatility(lab, measure, level, when, mode, factor, left):
    close, high, low = lab.walk(300, seed=2)
    wish = wishes(300)
    short, long = volatility(close, 10), volatility(close, 40)
    limit = level * long if measure == "relative" else np.full(300, level)
    admitted = (short > limit) == (when == "above")
    asked = np.isfinite(short) & (np.isfinite(long) | (measure == "absolute"))
    expected = np.where(asked, np.where(admitted, wish, wish * left), np.nan)
    found = lab.weights(
        lab.bars(close, high, low, wish), lab.Wish, ("volatility",),
        volatility__length_bars=10, volatility__reference_bars=40, volatility__measure=measure,
        volatility__level=level, volatility__when=when, volatility__mode=mode, volatility__factor=factor,
    )  # fmt: skip
    check(found, expected, wish)


def test_regime(lab):
    close, high, low = lab.walk(400, seed=3)
    wish = wishes(400)
    mean, short, long = trailing(np.mean, close, 30), volatility(close, 10), volatility(close, 50)
    state = 2 * (close > mean) + (short > 1.05 * long)
    factors = [0.0, 0.25, 1.0, 0.5]
    asked = np.isfinite(mean) & np.isfinite(long)
    assert set(state[asked]) == {0, 1, 2, 3}
    expected = np.where(asked, wish * np.take(factors, state), np.nan)
    names = ("down_calm", "down_turbulent", "up_calm", "up_turbulent")
    found = lab.weights(
        lab.bars(close, high, low, wish), lab.Wish, ("regime",),
        regime__trend_bars=30, regime__volatility_bars=10, regime__reference_bars=50, regime__level=1.05,
        **{f"regime__{name}": factor for name, factor in zip(names, factors, strict=True)},
    )  # fmt: skip
    check(found, expected, wish)


def test_a_regime_does_not_change_afterwards(lab):
    close, high, low = lab.walk(300, seed=3)
    settings = {"regime__trend_bars": 30, "regime__reference_bars": 50, "regime__up_calm": 0.3}
    whole = lab.weights(lab.bars(close, high, low, np.ones(300)), lab.Wish, ("regime",), **settings)
    part = lab.weights(
        lab.bars(close[:200], high[:200], low[:200], np.ones(200)), lab.Wish, ("regime",), **settings
    )
    assert len(set(part[np.isfinite(part)])) == 3
    np.testing.assert_array_equal(whole[:200], part)


@with_modes
@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [
        (600, 720, lambda m: 600 <= m <= 720),
        (930, 600, lambda m: m >= 930 or m <= 600),
        (960, 960, lambda m: m == 960),
    ],
)
def test_time_of_day(lab, start, end, inside, mode, factor, left):
    """On both sides of a change of the clocks, the exchange's minutes count."""
    bars = intraday_minutes(60, bar_minutes=30, zone="America/New_York").bars
    local = pd.to_datetime(bars.time_ns, utc=True).tz_convert("America/New_York")
    minutes = local.hour * 60 + local.minute
    assert len({stamp.utcoffset() for stamp in local}) == 2
    expected = np.array([1.0 if inside(m) else left for m in minutes])
    found = lab.weights(
        bars, "buy_and_hold", ("time_of_day",),
        time_of_day__start_minute=start, time_of_day__end_minute=end, time_of_day__mode=mode,
        time_of_day__factor=factor,
    )  # fmt: skip
    check(found, expected, np.ones(expected.size))


def test_weekday(lab):
    factors = [1.0, 0.5, 0.25, 0.125, 0.0, 0.75, 0.375]
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    days = pd.date_range("2024-01-01 16:00", periods=70, freq="D", tz="Asia/Tokyo")
    bars = lab.bars(np.ones(70), time_ns=days.as_unit("ns").asi8, zone="Asia/Tokyo")
    found = lab.weights(
        bars, "buy_and_hold", ("weekday",),
        **{f"weekday__{name}": factor for name, factor in zip(names, factors, strict=True)},
    )  # fmt: skip
    check(found, np.take(factors, days.day_of_week), np.ones(70))


@pytest.mark.parametrize("name", ["trend_direction", "volatility", "regime", "time_of_day", "weekday"])
def test_defaults_on_a_constant_price_change_nothing(lab, name):
    wish = wishes(300)
    found = lab.weights(lab.bars(np.full(300, 0.1), wish=wish), lab.Wish, (name,))
    asked = np.isfinite(found)
    assert asked.sum() > 40
    np.testing.assert_array_equal(found[asked], wish[asked])


def test_silence_means_what_is_held(lab):
    """A strategy without an opinion is vetoed out of what goes against the trend, and not put back."""
    close = [1, 2, 3, 4, 5, 4, 3, 2, 6, 7, 8]
    mute = lab.SILENT
    wish = [0, 0, 1, mute, mute, mute, mute, mute, mute, mute, 1]
    nan = np.nan
    expected = [nan, nan, 1, nan, nan, 0, nan, nan, nan, nan, 1]
    found = lab.weights(
        lab.bars(close, wish=wish), lab.Wish, ("trend_direction",), trend_direction__mean_bars=3
    )
    np.testing.assert_array_equal(found, expected)
    vetoed = lab.weights(lab.bars(close, wish=wish), lab.Wish, ("time_of_day",), time_of_day__end_minute=959)
    assert (vetoed == 0.0).all()


def test_filters_stack_in_order(lab):
    close, high, low = lab.walk(300, seed=1)
    wish = wishes(300)
    bars = lab.bars(close, high, low, wish)
    trend = {"trend_direction__mean_bars": 20, "trend_direction__mode": "scale"}
    weekday = {"weekday__monday": 0.5, "weekday__friday": 0.0}
    first = lab.weights(bars, lab.Wish, ("trend_direction",), **trend)
    day = lab.weights(lab.bars(close, high, low, np.ones(300)), lab.Wish, ("weekday",), **weekday)
    for names in (("trend_direction", "weekday"), ("weekday", "trend_direction")):
        both = lab.weights(bars, lab.Wish, names, **trend, **weekday)
        check(both, first * day, wish)
