"""Look-ahead planted in what a compiled stack prepares, decides and fills."""

from __future__ import annotations

import re

import numpy as np
import pytest

from admf_ray.components.base import Strategy
from admf_ray.components.broker import SimulatedBroker
from admf_ray.components.indicators import sma
from admf_ray.components.library.trend import MaCrossover
from admf_ray.components.tracing import indicator
from admf_ray.engine.causality import assert_causal, probe
from admf_ray.engine.probes.memorised import probe_memorised
from admf_ray.engine.probes.prepared import Prepared, probe_prepared
from admf_ray.engine.probes.runs import Case
from admf_ray.engine.stack import Stack
from admf_ray.errors import ComponentError
from admf_ray.market import full_window
from admf_ray.rules.compile import rule


@indicator
def shifted(close):
    out = np.full(close.size, np.nan)
    out[:-1] = close[1:]
    return out


@indicator
def share_of_highest(close):
    return close / close.max()


@indicator
def peeks_once(close):
    out = close.copy()
    if close.size > 322:
        out[321] = close[322]
    return out


@indicator
def will_rise_once(close):
    out = np.zeros(close.size)
    if close.size > 401 and close[401] > close[400]:
        out[400] = 1.0
    return out


@indicator
def bars_left(close):
    return np.arange(close.size, 0.0, -1.0)


@indicator(across=True)
def rises_next(close):
    out = np.full(close.shape, np.nan)
    for t in range(close.shape[0] - 1):
        for s in range(close.shape[1]):
            out[t, s] = 1.0 if close[t + 1, s] > close[t, s] else 0.0
    return out


def strategy_of(function, column="close"):
    class Planted(Strategy):
        """Prepares one value."""

        def prepare(bars, p):
            return {"mean": sma(bars.close, 5), "x": function(getattr(bars, column))}

        def decide(now, p):
            return 1.0 if now.x > now.mean else 0.0

    return Planted


def prepared_findings(cls, bars):
    stack = Stack(cls)
    prepared = Prepared(stack, stack.vector({}), bars, None)
    return probe_prepared(prepared, bars, range(bars.n_bars - 1))


@pytest.mark.parametrize(
    ("function", "bar", "reach"),
    [(shifted, 0, 1), (share_of_highest, 0, None), (peeks_once, 321, 1), (will_rise_once, 400, 1)],
)
def test_look_ahead_in_prepare_is_named(function, bar, reach, nasdaq):
    (found,) = prepared_findings(strategy_of(function), nasdaq)
    assert (found.component, found.what, found.bar) == ("Planted", "prepare 'x'", bar)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found.date)
    assert f"by indicator {function.__name__}" in found.detail
    assert "when close after bar" in found.detail
    if reach is not None:
        assert f"{reach} bar ahead" in found.detail
    assert "\n" not in str(found)


@pytest.mark.parametrize("column", ["volume", "mood", "high"])
def test_the_column_is_named(column, pair):
    (found,) = prepared_findings(strategy_of(shifted, column), pair)
    assert f"when {column} after bar" in found.detail


def test_across_symbols(pair):
    (found,) = prepared_findings(strategy_of(rises_next), pair)
    assert "indicator rises_next" in found.detail
    assert "of AA" in found.detail or "of BB" in found.detail


def test_what_knows_the_length_of_the_data(nasdaq):
    (found,) = prepared_findings(strategy_of(bars_left), nasdaq)
    assert "appended" in found.detail


def test_sampling_keeps_decisions(nasdaq):
    stack = Stack(strategy_of(shifted))
    with pytest.raises(ComponentError, match=r"Planted: prepare 'x' at bar .*admf-ray check"):
        assert_causal(nasdaq, stack, stack.vector({}))
    report = probe(nasdaq, stack, stack.vector({}), every_bar_up_to=100, sample_bars=10)
    assert 10 < report.n_boundaries < nasdaq.n_bars - 1
    assert report.n_boundaries >= report.n_decisions > 10
    assert not report.passed


@rule
def slip_by_range(order, bar, day):
    return True, bar.open + 0.1 * (bar.high - bar.low), False, order


@rule
def fill_at_close(order, bar, day):
    return True, bar.close, False, order


class RangeBroker(SimulatedBroker):
    """Slips by the range of the bar it fills in."""

    @staticmethod
    def rules(p):
        return {**SimulatedBroker.rules(p), "trigger": slip_by_range}


class CloseBroker(SimulatedBroker):
    """Fills market orders at the close."""

    @staticmethod
    def rules(p):
        return {**SimulatedBroker.rules(p), "trigger": fill_at_close}


@pytest.mark.parametrize("broker", [RangeBroker, pytest.param(CloseBroker, marks=pytest.mark.slow)])
def test_a_fill_that_knows_its_bar_is_named(broker, nasdaq):
    stack = Stack(MaCrossover, broker=broker)
    row = stack.vector({"fast": 3, "slow": 10})
    report = probe(nasdaq, stack, row)
    assert report.n_fills > 20
    found = report.findings[0]
    assert (found.component, found.what) == (broker.__name__, "fill")
    assert "high, low, close of the same bar" in found.detail
    assert found.bar > 0


def test_prices_frozen_into_decide(nasdaq):
    future = nasdaq.close[:, 0].copy()

    class Remembers(Strategy):
        """Counts bars and looks up the next close."""

        memory = (0.0,)

        def prepare(bars, p):
            return {"close": bars.close}

        def decide(now, memory):
            t = int(memory[0])
            return (1.0 if future[min(t + 1, 599)] > now.close else 0.0), (memory[0] + 1.0,)

    stack = Stack(Remembers)
    row = stack.vector({})
    prepared = Prepared(stack, row, nasdaq, None)
    (found,) = probe_memorised(prepared, Case(stack, row, None, None), nasdaq, full_window(nasdaq))
    assert (found.component, found.what, found.bar) == ("Remembers", "decide", 0)
    assert "600 of them prices of these bars" in found.detail
