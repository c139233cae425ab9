"""Regenerated returns are the replay's, bit for bit, whatever the chunks."""

import numpy as np
import pytest

from admf_ray import Strategy
from admf_ray.components import library  # noqa: F401  (registers)
from admf_ray.components.registry import find
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.outcome import curve_returns
from admf_ray.engine.paths import returns_of
from admf_ray.engine.points import run_points
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import sweep
from admf_ray.market import Window
from admf_ray.market.synthetic import random_walk

WINDOWS = (Window("full", 40, 400), Window("test_0", 300, 371))


@pytest.fixture(scope="module")
def bars():
    return random_walk(400, 3).bars


@pytest.mark.parametrize("warmup", ["history", "none"])
@pytest.mark.parametrize("window", WINDOWS, ids=lambda one: one.name)
def test_paths_are_the_replays(bars, warmup, window):
    stack = Stack(find("ma_crossover"), (find("trend_direction"),))
    given = {"broker.commission_frac": 0.001, "trend_direction.mean_bars": 20}
    points = [{"fast": f, "slow": s, **given} for f, s in [(2, 9), (3, 30), (5, 12)]]
    rows = stack.values(points)
    conditions = Conditions.of(bars, WINDOWS, warmup=warmup)
    whole = np.concatenate(list(returns_of(conditions, stack, rows, window.name)))
    pieces = np.concatenate(list(returns_of(conditions, stack, rows, window.name, chunk=2)))
    np.testing.assert_array_equal(whole, pieces)
    seen = bars if warmup == "history" else bars.slice(window.start, window.stop)
    own = window if warmup == "history" else Window(window.name, 0, window.n_bars)
    for row, path in zip(rows, whole, strict=True):
        run = Replay(seen, stack, row, own).run()
        np.testing.assert_array_equal(path, curve_returns(run.equity, 100_000.0))
    assert (whole != 0).any()
    if window.name == "full":
        assert (whole != 0).any(axis=1).all()


def test_the_figures_are_made_of_them(bars):
    stack = Stack(find("ma_crossover"))
    rows = stack.values([{"fast": f, "slow": 20} for f in (2, 5, 11)])
    (window, _) = WINDOWS
    found = np.concatenate(list(returns_of(Conditions.of(bars, WINDOWS), stack, rows)))
    volatility = sweep(bars, stack, rows, [window]).metric("volatility")
    assert (volatility > 0).all()
    assert found.std(axis=1, ddof=1) * np.sqrt(bars.bars_per_year) == pytest.approx(volatility, rel=1e-9)


class Patient(Strategy):
    """Plain Python: long after a rising bar."""

    def on_bar(self, view):
        return float(len(view.close) > 1 and view.close[-1] > view.close[-2])


def test_plain_python_is_replayed(bars):
    stack = Stack(Patient)
    (path,) = next(returns_of(Conditions.of(bars, WINDOWS), stack, stack.values([{}]), "test_0"))
    window = WINDOWS[1]
    moves = bars.close[window.start : window.stop, 0]
    assert 5 < (path != 0).sum() < len(path)
    assert path.shape == moves.shape


@pytest.mark.parametrize("warmup", ["history", "none"])
def test_plain_points_keep_what_a_replay_has(bars, warmup):
    conditions = Conditions.of(bars, WINDOWS, warmup=warmup)
    plain = Stack(Patient)
    rows = plain.values([{"broker.commission_frac": cost} for cost in (0.0, 0.001)])
    kept = run_points(conditions, plain, rows).returns
    assert (kept[0] != kept[1]).any()
    np.testing.assert_array_equal(kept, next(returns_of(conditions, plain, rows)))
    compiled = Stack(find("ma_crossover"))
    assert run_points(conditions, compiled, compiled.values([{}])).returns.shape == (1, 0)


def test_asking_for_returns_with_tail_figures_changes_none(bars):
    stack = Stack(find("ma_crossover"))
    rows = stack.values([{"fast": 3, "slow": 20}])
    plain, tail = (Conditions.of(bars, WINDOWS, tail=tail) for tail in (False, True))
    one, two = (next(returns_of(each, stack, rows)) for each in (plain, tail))
    assert (one != 0).any()
    np.testing.assert_array_equal(one, two)
