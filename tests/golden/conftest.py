"""Sample data and one way to run a point, shared by the comparisons."""

import numpy as np
import pytest

from admf_ray.components import library  # noqa: F401  (registers the strategies)
from admf_ray.components.registry import find
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.market import Window, load_bars

_stacks = {}


def replay(bars, strategy, settings, start=0):
    """Run one point from bar `start` to the end; a stack is compiled once."""
    stack = _stacks.setdefault(strategy, Stack(find(strategy, "strategy")))
    return Replay(bars, stack, stack.vector(settings), Window("full", start, bars.n_bars)).run()


@pytest.fixture(scope="session", name="replay")
def replay_fixture():
    return replay


@pytest.fixture(scope="session")
def nasdaq():
    return load_bars("sample:nasdaq")


@pytest.fixture(scope="session")
def sp500():
    """From 2006 on, where opens are opens; before they are the previous close."""
    bars = load_bars("sample:sp500", start="2006")
    assert np.mean(bars.open[1:] != bars.close[:-1]) > 0.9
    return bars


@pytest.fixture(scope="session")
def eurusd():
    return load_bars("sample:eurusd")


@pytest.fixture(scope="session")
def samples(nasdaq, sp500, eurusd):
    return {"nasdaq": nasdaq, "sp500": sp500, "eurusd": eurusd}
