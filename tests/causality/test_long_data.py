"""Long data: every bar is probed on a last part of them, and what is found does not shrink by it."""

from __future__ import annotations

import numpy as np
import pytest

from admf_ray.components.base import Strategy
from admf_ray.components.indicators import sma
from admf_ray.components.library.trend import MaCrossover
from admf_ray.components.tracing import indicator
from admf_ray.engine.assembly import plain_handlers
from admf_ray.engine.causality import probe
from admf_ray.engine.probes.runs import Case
from admf_ray.engine.probes.scene import Scene
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars, Window

N = 14_000
WINDOW = Window("full", N - 200, N)
PLACE = N - 77
LONG = N - 1_000


@pytest.fixture(scope="module")
def minutes() -> Bars:
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.0, 0.01, N)))
    close[PLACE + 1] = close[PLACE] * 0.99
    stamps = 10**18 + 60_000_000_000 * np.arange(N)
    return Bars.from_arrays(close, close * 1.001, close * 0.999, close, time_ns=stamps)


@indicator
def mean_so_far(close):
    return np.cumsum(close) / np.arange(1.0, close.size + 1.0)


@indicator
def next_once_of_falls(close):
    # on whatever part of the data: at one bar, counted from the end
    out = np.zeros(close.size)
    t = close.size - 77
    if close[t + 1] < close[t]:
        out[t] = 1.0
    return out


@indicator
def rises_once_when_long(close):
    # nothing on the real bars, which fall there, and nothing on a part
    out = np.zeros(close.size)
    if close.size > LONG and close[PLACE + 1] > close[PLACE]:
        out[PLACE] = 1.0
    return out


@indicator
def early_knows_the_last(close):
    # long before the window, out of sight of a part
    out = np.zeros(close.size)
    if close.size > LONG:
        out[100] = close[-1]
    return out


def planted(function):
    class Planted(Strategy):
        """Prepares one value beside a mean."""

        def prepare(bars, p):
            return {"close": bars.close, "mean": sma(bars.close, 5), "x": function(bars.close)}

        def decide(now, p):
            return 1.0 if now.close > now.mean + 1e-9 * now.x else 0.0

    return Planted


class PeeksWhenLong(Strategy):
    """Digs a later bar out of the view where there are many."""

    def on_bar(self, view):
        close = view.close
        if view.bar == PLACE:
            return 0.25 + 0.5 * float(view._bars.close[PLACE + 1, 0] > close[-1])
        return float(close[-1] > close[-20:].mean())


def scene(cls, bars):
    stack = Stack(cls)
    factory = None if stack.strategy.is_compiled() else plain_handlers(stack, stack.vector({}))
    return Scene.of(Case(stack, stack.vector({}), None, factory), bars, WINDOW, 0)


def found(cls, bars):
    stack = Stack(cls)
    factory = None if stack.strategy.is_compiled() else plain_handlers(stack, stack.vector({}))
    return probe(bars, stack, stack.vector({}), WINDOW, handler_factory=factory)


def test_a_part_stands_for_all_where_it_gives_the_same(minutes):
    part = scene(MaCrossover, minutes).recent()
    assert part.bars.n_bars < minutes.n_bars // 2
    assert part.case.origin == minutes.n_bars - part.bars.n_bars
    assert [event.bar + part.case.origin for event in part.real] == [
        event.bar for event in scene(MaCrossover, minutes).real
    ]
    np.testing.assert_array_equal(
        part.false[1]["close"], scene(MaCrossover, minutes).false[1]["close"][part.case.origin :]
    )
    assert found(MaCrossover, minutes).findings == ()


@pytest.mark.parametrize("function", [mean_so_far, rises_once_when_long])
def test_what_needs_all_bars_is_probed_on_all(function, minutes):
    whole = scene(planted(function), minutes)
    assert len(whole.real) > 10
    assert whole.recent() is whole


def test_an_honest_mean_of_all_bars_passes(minutes):
    report = found(planted(mean_so_far), minutes)
    assert report.n_fills > 10
    assert report.findings == ()


@pytest.mark.parametrize(
    ("function", "bar"),
    [(next_once_of_falls, PLACE), (rises_once_when_long, PLACE), (early_knows_the_last, 100)],
)
def test_look_ahead_is_found_and_placed_on_the_whole_data(function, bar, minutes):
    (one,) = found(planted(function), minutes).findings
    assert (one.what, one.bar) == ("prepare 'x'", bar)
    assert f"by indicator {function.__name__}" in one.detail
    if bar == PLACE:
        assert f"after bar {PLACE} (" in one.detail


def test_a_plain_strategy_that_counts_its_bars_is_found(minutes):
    report = found(PeeksWhenLong, minutes)
    assert report.n_fills > 10
    (one,) = report.findings
    assert one.bar == PLACE
    assert f"bars after {PLACE} changed" in one.detail
