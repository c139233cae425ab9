"""Look-ahead and chance planted in plain-Python strategies."""

from __future__ import annotations

import numpy as np
import pytest

from admf_ray.components.base import Strategy
from admf_ray.engine.assembly import plain_handlers
from admf_ray.engine.causality import probe
from admf_ray.engine.stack import Stack
from admf_ray.errors import ComponentError


class Honest(Strategy):
    """Long above the mean of 20 closes."""

    def on_bar(self, view):
        close = view.close
        return float(len(close) > 20 and close[-1] > close[-20:].mean())


class Digs(Honest):
    """Digs the bars out of the view at one single bar."""

    def on_bar(self, view):
        if view.bar == 333:
            return 0.25 + 0.5 * float(view._bars.close[334, 0] > view._bars.close[333, 0])
        return super().on_bar(view)


class Lucky(Honest):
    """Tosses a coin."""

    def on_bar(self, view):
        return float(np.random.default_rng().integers(2))


class Hasty(Honest):
    """Says that 5 bars will do."""

    warmup_bars = 5


@pytest.fixture
def probed(nasdaq):
    def run(cls, factory=None):
        stack = Stack(cls)
        row = stack.vector({})
        return probe(nasdaq, stack, row, handler_factory=factory or plain_handlers(stack, row))

    return run


def test_an_honest_one_passes(probed):
    report = probed(Honest)
    assert report.n_fills > 20
    assert report.findings == ()


def test_a_look_at_one_single_bar_is_named(probed):
    (found,) = probed(Digs).findings
    assert (found.component, found.what, found.bar) == ("Digs", "on_bar decision", 333)
    assert "bars after 333 changed" in found.detail


def test_chance_is_found(probed):
    (found,) = probed(Lucky).findings
    assert found.component == "Lucky"
    assert "two identical runs" in found.detail


def test_declared_warm_up_of_a_plain_strategy(probed):
    (found,) = probed(Hasty).findings
    assert found.what == "warm-up"


def honest_weights(close):
    weights = np.zeros(close.size)
    means = np.convolve(close, np.full(20, 0.05))[: close.size]
    weights[20:] = (close > means)[20:]
    return weights


def precomputing(cheat=None):
    """Make handlers that prepare all weights when they are made; at bar `cheat` from the bar after."""

    def factory(bars):
        close = bars.close[:, 0]
        weights = honest_weights(close)
        if cheat is not None:
            weights[cheat] = float(close[cheat + 1] > close[cheat])
        return lambda t, s: float(weights[t])

    return factory


def test_whole_arrays_made_at_the_start(probed, nasdaq):
    assert probed(Honest, precomputing()).findings == ()
    close = nasdaq.close[:, 0]
    weights = honest_weights(close)
    # a bar at which looking ahead sends an order that honesty does not
    t = next(t for t in range(300, 590) if weights[t - 1] == weights[t] != (close[t + 1] > close[t]))
    (found,) = probed(Honest, precomputing(t)).findings
    assert (found.component, found.what, found.bar) == ("Honest", "on_bar decision", t)


def test_a_plain_strategy_needs_its_handler(nasdaq):
    stack = Stack(Honest)
    with pytest.raises(ComponentError, match="needs its handler"):
        probe(nasdaq, stack, stack.vector({}))
