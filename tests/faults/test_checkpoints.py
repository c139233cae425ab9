"""A long replay that is ended at any bar goes on later with the bits of an uninterrupted one."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from admf_ray.components.base import Strategy
from admf_ray.components.library.filters import CounterTrendFilter
from admf_ray.engine.assembly import build_container, replay_in
from admf_ray.engine.board import CRASHED
from admf_ray.engine.checkpoints import Checkpoints
from admf_ray.engine.guard import Limits, guarded
from admf_ray.engine.points import run_points
from admf_ray.engine.stack import Stack
from admf_ray.errors import ComponentError
from admf_ray.market import Window
from admf_ray.space.parameters import Param
from tests.faults.unruly import N_BARS, conditions, walk

BARS = walk()
WINDOW = Window("full", 20, N_BARS)


class Remembers(Strategy):
    """Holds state of every kind: own generators, lists, arrays, the view, another component."""

    n = Param(5, low=2, high=100)
    act = Param(0, low=0, high=20)
    ends_at: ClassVar[int] = -1
    calls: ClassVar[list[int]] = []

    def initialize(self, container):
        self.portfolio = container.portfolio
        self.numbers = np.random.default_rng(7)
        self.dice = random.Random(7)
        self.past = []
        self.own = {"best": np.zeros(3)}
        self.first = None

    requires = ("portfolio",)

    def on_bar(self, bar):
        type(self).calls.append(bar.bar)
        if bar.bar == type(self).ends_at:
            raise RuntimeError("ended")
        self.first = bar if self.first is None else self.first
        assert self.first is bar
        assert self.portfolio.container_id == self.container_id
        self.past.append(float(self.first.close[-1]))
        self.own["best"] += self.numbers.normal(size=3)
        lately = np.mean(self.past[-self.n :])
        noise = self.own["best"].sum() * 0.01 + self.dice.random()
        return 1.0 if self.past[-1] > lately * (0.99 + 0.02 * noise) else -1.0 if noise > 0.5 else 0.0


class Closed(Remembers):
    """Holds what cannot be pickled."""

    def on_bar(self, bar):
        self.rule = lambda weight: weight
        return self.rule(super().on_bar(bar))


STACK = Stack(Remembers)
ROW = STACK.vector()


@pytest.fixture(autouse=True)
def untold():
    yield
    Remembers.ends_at = -1
    Remembers.calls.clear()


def replay(folder=None, stack=STACK, row=ROW, every_s=0.0):
    keeper = None if folder is None else Checkpoints(folder, every_s).keeper(BARS, stack, row, WINDOW, None)
    with build_container("kept", BARS, stack, row, keep_log=True) as box:
        box.initialize_scope()
        result = replay_in(box, stack, row, WINDOW, keeper=keeper)
        return result, box.bus.log


def same(mine, theirs):
    (a, log_a), (b, log_b) = mine, theirs
    assert len(a.fills) > 10
    for name in ("equity", "cash", "positions", "slice_sums"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes()
    assert repr((a.fills, a.orders, a.trades)) == repr((b.fills, b.orders, b.trades))
    assert np.array(list(a.metrics.values())).tobytes() == np.array(list(b.metrics.values())).tobytes()
    assert [repr(event) for event in log_a] == [repr(event) for event in log_b]


def ended(folder, bar, **options):
    Remembers.ends_at = bar
    with pytest.raises(ComponentError, match="ended"):
        replay(folder, **options)
    Remembers.ends_at = -1
    Remembers.calls.clear()


@pytest.mark.parametrize("bar", np.random.default_rng(3).integers(21, N_BARS, 4).tolist())
def test_ended_at_any_bar_and_gone_on_with(tmp_path, bar):
    whole = replay()
    ended(tmp_path, bar)
    assert len(list(tmp_path.iterdir())) == 1
    same(whole, replay(tmp_path, every_s=3_600.0))
    assert Remembers.calls == list(range(bar, N_BARS)), "it went on where it ended"


@pytest.mark.slow
def test_a_stop_loss_and_a_filter_go_on_too(tmp_path):
    stack = Stack(Remembers, (CounterTrendFilter,))
    row = stack.vector({"risk.stop_loss_frac": 0.02, "trend_direction.mean_bars": 9})
    whole = replay(None, stack, row)
    assert {fill.reason for fill in whole[0].fills} >= {"signal", "stop_loss"}
    for bar in range(25, N_BARS, 15):
        ended(tmp_path / str(bar), bar, stack=stack, row=row)
        same(whole, replay(tmp_path / str(bar), stack, row))


def test_ended_twice_and_found_finished(tmp_path):
    whole = replay()
    ended(tmp_path, 40)
    ended(tmp_path, 60)
    same(whole, replay(tmp_path, every_s=3_600.0))
    Remembers.calls.clear()
    same(whole, replay(tmp_path))
    assert Remembers.calls == [], "the last bar was kept too"


def test_nothing_is_kept_before_its_time(tmp_path):
    ended(tmp_path, 100, every_s=3_600.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data, other: data[: len(data) // 2],
        lambda data, other: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data, other: data[:90],
        lambda data, other: b"",
        lambda data, other: other,
    ],
    ids=["half", "a bit", "the head", "empty", "another's"],
)
def test_files_that_are_damaged_or_foreign_are_removed(tmp_path, spoil, caplog):
    whole = replay()
    other = STACK.vector({"n": 9})
    ended(tmp_path / "other", 30, row=other)
    ended(tmp_path / "own", 40)
    (own,), (foreign,) = (list((tmp_path / name).iterdir()) for name in ("own", "other"))
    assert own.name != foreign.name
    own.write_bytes(spoil(own.read_bytes(), foreign.read_bytes()))
    same(whole, replay(tmp_path / "own", every_s=3_600.0))
    assert Remembers.calls == list(range(20, N_BARS)), "from the beginning"
    assert not own.exists()
    assert "is not used and removed" in caplog.text


def test_state_that_cannot_be_pickled_is_said_once_and_not_kept(tmp_path, caplog):
    stack = Stack(Closed)
    whole = replay(stack=stack)
    for _ in range(2):
        same(whole, replay(tmp_path, stack))
    assert list(tmp_path.iterdir()) == []
    said = [r for r in caplog.records if "Closed: must be picklable" in r.getMessage()]
    assert len(said) == 1


class Killed(Remembers):
    """Kills its process once, when a file says so."""

    order: ClassVar[Path]

    def on_bar(self, bar):
        if self.act == 1 and bar.bar == 130 and self.order.exists():
            self.order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().on_bar(bar)


def test_a_killed_process_and_the_next_run(tmp_path):
    Killed.order = tmp_path / "order"
    folder = tmp_path / "kept"
    of, stack = conditions(), Stack(Killed)
    rows = stack.values([{"n": 5, "act": 1}])
    clean = run_points(of, stack, rows)
    assert clean.values[0, 0, of.metrics.index("trades")] > 5
    Killed.order.touch()
    limits = Limits(60.0, checkpoint_every_s=0.001)
    first = guarded(of, stack, rows, limits, checkpoints=folder)
    assert first.status.tolist() == [CRASHED]
    assert len(list(folder.iterdir())) == 1
    found = guarded(of, stack, rows, limits, checkpoints=folder)
    assert found.status.tolist() == [0]
    assert found.values.tobytes() == clean.values.tobytes()
    assert found.slice_sums.tobytes() == clean.slice_sums.tobytes()
    assert list(folder.iterdir()) == [], "what is done needs no checkpoint"
