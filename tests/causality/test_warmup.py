from __future__ import annotations

import numpy as np
import pytest

from admf_ray.components.base import Strategy
from admf_ray.components.tracing import indicator
from admf_ray.engine.causality import probe
from admf_ray.engine.stack import Stack
from admf_ray.space.parameters import Param


@indicator
def eager_mean(close, n):
    out = np.empty(close.size)
    for t in range(close.size):
        out[t] = close[max(t - n + 1, 0) : t + 1].mean()
    return out


class Eager(Strategy):
    """Compares with a 50-bar mean that counts as known from the first bar."""

    n = Param(50, 2, 100)

    def prepare(bars, p):
        return {"close": bars.close, "mean": eager_mean(bars.close, p.n)}

    def decide(now, p):
        return 1.0 if now.close > now.mean else 0.0


@pytest.fixture
def declared(monkeypatch):
    return lambda bars: monkeypatch.setattr(Eager, "warmup_bars", bars)


def report_of(bars):
    stack = Stack(Eager)
    return probe(bars, stack, stack.vector({}))


@pytest.mark.parametrize(("bars", "said"), [(None, "known after 0 bars"), (10, "warmup_bars = 10")])
def test_too_short_a_warm_up_is_found(bars, said, declared, nasdaq):
    declared(bars)
    (found,) = report_of(nasdaq).findings
    assert (found.component, found.what) == ("Eager", "warm-up")
    assert said in found.detail
    assert "decisions agree from" in found.detail


def test_enough_is_enough(declared, nasdaq):
    declared(50)
    report = report_of(nasdaq)
    assert report.findings == ()
    assert report.settled_bars == 52
