"""Library components found by name, compiled into a sweep, traded on a random walk."""

import numpy as np
import pytest

from admf_ray.components.base import Filter, Strategy
from admf_ray.components.library.filters import CounterTrendFilter
from admf_ray.components.registry import find
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import sweep
from admf_ray.errors import ComponentError
from admf_ray.market import Window, full_window
from admf_ray.market.synthetic import random_walk

STRATEGIES = {
    "bollinger_reversion": ["deviations", (1.0, 1.5, 2.0)],
    "buy_and_hold": [None, (None,)],
    "cross_sectional_momentum": ["lookback_bars", (5, 20, 60)],
    "donchian_breakout": ["entry_bars", (10, 20, 55)],
    "ema_crossover": ["fast", (5, 10, 20)],
    "ma_crossover": ["fast", (5, 10, 20)],
    "macd": ["signal", (5, 9, 15)],
    "rsi_reversion": ["oversold", (35.0, 40.0, 45.0)],
    "time_series_momentum": ["lookback_bars", (5, 20, 60)],
    "volatility_breakout": ["atr_multiple", (0.5, 1.0, 1.5)],
}
FILTERS = ("trend_direction", "volatility", "regime", "time_of_day", "weekday")
# a stack compiles for many seconds: one of several symbols here, one with every filter below
SWEPT = [
    name if name == "cross_sectional_momentum" else pytest.param(name, marks=pytest.mark.slow)
    for name in STRATEGIES
]


@pytest.mark.parametrize("name", STRATEGIES)
def test_strategies_are_found(name):
    cls = find(name, "strategy")
    assert issubclass(cls, Strategy)
    assert find(cls.__name__) is cls
    assert "Source: " in cls.__doc__
    assert all(param.help for param in cls.parameters.values())


@pytest.mark.parametrize("name", FILTERS)
def test_filters_are_found(name):
    cls = find(name, "filter")
    assert issubclass(cls, Filter)
    assert find(cls.__name__) is cls
    assert "Source: " in cls.__doc__
    assert all(param.help for param in cls.parameters.values())


def test_counter_trend_filter_has_both_names():
    assert find("trend_direction") is find("CounterTrendFilter") is CounterTrendFilter
    with pytest.raises(ComponentError, match="must be a strategy, is a filter"):
        find("trend_direction", "strategy")


def points(name, filters=()):
    key, values = STRATEGIES[name]
    sides = ("long", "short", "both") if "side" in find(name).parameters else (None,)
    stack = Stack(find(name), tuple(find(one) for one in filters))
    return stack, [
        {k: v for k, v in ((key, value), ("side", side)) if k and v is not None}
        for value in values
        for side in sides
    ]


def figures(name, filters=(), **settings):
    stack, tried = points(name, filters)
    bars = random_walk(800, 3, n_symbols=5 if name == "cross_sectional_momentum" else 1).bars
    windows = [full_window(bars), Window("later", 500, 800)]
    values = stack.values([{**point, **settings} for point in tried])
    return sweep(bars, stack, values, windows), tried


@pytest.mark.parametrize("name", SWEPT)
def test_sweep_trades_on_a_random_walk(name):
    result, tried = figures(name)
    for window in result.windows:
        assert (result.metric("fills", window) >= 1.0).all()
        for metric in ("final_equity", "sharpe", "max_drawdown", "turnover", "exposure"):
            assert np.isfinite(result.metric(metric, window)).all()
    exposure = result.metric("mean_exposure")
    for point, mean in zip(tried, exposure, strict=True):
        assert point.get("side") != "long" or mean > 0.0
        assert point.get("side") != "short" or mean < 0.0


# opened so wide that they change nothing
WIDE = {
    "trend_direction.mode": "scale",
    "trend_direction.factor": 1.0,
    "trend_direction.mean_bars": 20,
    "volatility.level": 1000.0,
    "volatility.reference_bars": 40,
    "regime.trend_bars": 20,
    "regime.volatility_bars": 10,
    "regime.reference_bars": 40,
    "regime.down_turbulent": 1.0,
}
AT_WORK = {
    **WIDE,
    "trend_direction.mode": "veto",
    "volatility.level": 1.2,
    "regime.down_turbulent": 0.0,
    "weekday.friday": 0.5,
    "time_of_day.start_minute": 600,
}


def test_sweep_with_every_filter():
    wide, _ = figures("donchian_breakout", FILTERS, **WIDE)
    work, _ = figures("donchian_breakout", FILTERS, **AT_WORK)
    for result in (wide, work):
        assert (result.metric("fills") > 10.0).all()
        assert np.isfinite(result.metric("sharpe")).all()
    assert (work.metric("exposure") < wide.metric("exposure")).all()


@pytest.mark.slow
def test_filters_opened_wide_change_nothing():
    wide, _ = figures("donchian_breakout", FILTERS, **WIDE)
    alone, _ = figures("donchian_breakout")
    assert (wide.metric("fills", "later") > 5.0).all()
    # by bar 500 every prepared value is known, with filters and without
    np.testing.assert_array_equal(wide.metric("final_equity", "later"), alone.metric("final_equity", "later"))
