"""Every library strategy, each under one of the library's filters: the replay has the sweep's bits."""

import numpy as np
import pytest

from admf_ray.components import library  # noqa: F401  (registers the library)
from admf_ray.components.registry import registered
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import sweep
from admf_ray.market import Window
from admf_ray.market.synthetic import random_walk
from admf_ray.space.parameters import Choice

FILTERS = list(registered("filter").values())
STRATEGIES = list(registered("strategy").values())
LIBRARY = [cls for cls in STRATEGIES if cls.__module__.startswith("admf_ray.components.library")]
# a stack takes ten seconds to compile; the others are slow (whole runs of some are verified in e2e)
FIRST = ("cross_sectional_momentum", "donchian_breakout", "volatility_breakout")
WINDOWS = [Window("full", 0, 700), Window("part", 300, 620)]


def points(stack: Stack, cls: type, n: int) -> list[dict[str, object]]:
    """Points around the defaults, short enough to trade in 700 bars; sides in turn."""
    found = []
    for k in range(n):
        point: dict[str, object] = {"broker.commission_frac": 0.0005 * k, "broker.slippage_frac": 0.0002}
        for name, param in cls.parameters.items():
            if isinstance(param, Choice):
                point[name] = param.options[k % len(param.options)]
            elif name in ("lookback_bars", "slow"):
                point[name] = 40 + 10 * k
            elif name in ("fast", "entry_bars"):
                point[name] = 12 + k
        found.append(point)
    return found


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(k, id=cls.label(), marks=() if cls.label() in FIRST else pytest.mark.slow)
        for k, cls in enumerate(LIBRARY)
    ],
)
def test_replay_has_the_sweeps_bits(place):
    cls = LIBRARY[place]
    chosen = FILTERS[place % len(FILTERS)]
    n_symbols = 4 if cls.label() == "cross_sectional_momentum" else 1
    bars = random_walk(n_bars=700, seed=place, n_symbols=n_symbols).bars
    stack = Stack(cls, (chosen,))
    values = stack.values(points(stack, cls, 3))
    result = sweep(bars, stack, values, WINDOWS, tail=True)
    assert (result.metric("fills") > 0).any()
    for i, row in enumerate(values):
        for w, window in enumerate(WINDOWS):
            got = Replay(bars, stack, row, window).run()
            theirs = np.array(list(got.metrics.values()))
            assert theirs.tobytes() == result.values[i, w].tobytes()
            slices = len(got.slice_sums)
            assert np.array_equal(got.slice_sums, result.slice_sums[i, w, :slices])


def test_every_filter_is_covered():
    assert len(LIBRARY) >= len(FILTERS)
