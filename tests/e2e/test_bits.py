"""The result does not know how it was computed: over workers, threads, tiles and orders, the same bits."""

import numpy as np
import pytest

from tests.searching import CROSSOVER, bits, parts, pipeline, search, stored, traded
from tests.serial import serial

OWN = '''
"""Strategies of a user's own: plain Python, one that learns, and one that is compiled."""
from types import SimpleNamespace

import numpy as np

from admf_ray import Param, Strategy


class PlainMean(Strategy):
    """Long above the mean, in Python."""

    n = Param(5, low=2, high=60)

    def on_bar(self, bar):
        closes = bar.history(self.n).close
        return 1.0 if closes[-1] > closes.mean() else 0.0


class Level(Strategy):
    """Long above what the training's mean close was."""

    n = Param(5, low=2, high=60)
    fields = ("close", "level")

    def fit(train, p):
        return SimpleNamespace(level=float(np.mean(train.close)))

    def prepare(bars, p, fitted):
        return {"close": bars.close, "level": np.full(len(bars), fitted.level * (0.9 + p.n / 100.0))}

    def decide(now):
        return 1.0 if now.close > now.level else -1.0
'''
MANY = {
    **CROSSOVER,
    "PlainMean": {"parameters": {"n": [4, 8, 16]}},
    "Level": {"parameters": {"n": [6, 10, 14]}},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bits")
    (folder / "own.py").write_text(OWN)
    return folder


def body(place, **options):
    return pipeline(place, MANY, files=(place / "own.py",), **options)


@pytest.fixture(scope="module")
def alone(place):
    with serial():
        search(body(place), place / "alone")
    rows = stored(place / "alone")
    assert set(rows["strategy"].to_pylist()) == set(MANY)
    assert set(rows["status"].to_pylist()) == {"ok"}
    assert traded(rows)
    return bits(rows)


@pytest.mark.parametrize(
    ("execution", "order"),
    [
        ({"tile_points": 1000}, None),
        ({"tile_points": 7}, 1),
        ({"tile_points": 30}, 2),
        ({"isolation_level": "process"}, None),
    ],
    ids=["whole", "small-shuffled", "middle-shuffled", "process-a-point"],
)
def test_tiles_of_any_size_in_any_order(place, alone, tmp_path, execution, order):
    with serial(shuffled=order):
        found = search(body(place, execution=execution), tmp_path / "run")
    assert found.ran.tally.tiles == len(parts(tmp_path / "run"))
    assert bits(stored(tmp_path / "run")) == alone


def test_a_worker_of_rays(place, alone, tmp_path, ray_address):
    search(body(place), tmp_path / "run", address=ray_address, workers=1)
    assert bits(stored(tmp_path / "run")) == alone


def test_two_workers_of_rays(place, alone, tmp_path, ray_address, monkeypatch):
    monkeypatch.setattr("admf_ray.cluster.schedule.SHORTEST_PORTION_S", 0.0)
    options = {"tile_points": 7}
    found = search(body(place, execution=options), tmp_path / "run", address=ray_address, workers=2)
    (grid,) = found.ran.results
    assert len(grid) > 3, "several portions"
    assert bits(stored(tmp_path / "run")) == alone


@pytest.mark.parametrize("options", [{"parallelism": "thread"}, {"isolation_level": "process"}])
def test_threads_and_a_process_a_point(place, alone, tmp_path, ray_address, options):
    search(body(place, execution=options), tmp_path / "run", address=ray_address)
    assert bits(stored(tmp_path / "run")) == alone


def test_without_history(place, alone, tmp_path, ray_address):
    cold = body(place, warmup="none")
    with serial():
        search(cold, tmp_path / "alone")
    rows = stored(tmp_path / "alone")
    assert traded(rows)
    one, two = bits(rows), alone
    assert one["point_id"] == two["point_id"]
    assert one["sharpe"] != two["sharpe"]
    search(cold, tmp_path / "run", address=ray_address)
    assert bits(stored(tmp_path / "run")) == one


def test_a_run_that_is_gone_on_with(place, alone, tmp_path):
    """Parts of a run that never came to its end stay as they are, and the rest is added."""
    with serial():
        search(body(place, execution={"tile_points": 7}), tmp_path / "run")
        whole = parts(tmp_path / "run")
        lost = np.random.default_rng(3).choice(sorted(whole), len(whole) // 2, replace=False)
        for name in lost:
            (tmp_path / "run" / "points" / name).unlink()
        before = parts(tmp_path / "run")
        found = search(body(place, execution={"tile_points": 13}), tmp_path / "run")
    after = parts(tmp_path / "run")
    assert before
    assert {name: after[name] for name in before} == before
    assert 0 < found.ran.tally.points < len(set(stored(tmp_path / "run")["point_id"].to_pylist()))
    assert bits(stored(tmp_path / "run")) == alone


def test_a_second_run_computes_nothing(place, alone, tmp_path):
    with serial():
        first = search(body(place), tmp_path / "run")
        before = parts(tmp_path / "run")
        second = search(body(place), tmp_path / "run")
    assert (first.ran.tally.points, second.ran) == (len(stored(tmp_path / "run")) // 7, None)
    assert parts(tmp_path / "run") == before


@pytest.mark.parametrize("method", ["random", "optuna"])
def test_samples_and_proposals(tmp_path, ray_address, method):
    """Proposals depend on scores alone, so a run that has lost some rows proposes the same again."""
    settings = {"method": method, "samples": 12, "generation_points": 4, "seed": 3}
    slow = {"start": 42, "stop": 90, "step": 2}
    grid = {"ma_crossover": {"parameters": {"fast": [3, 40], "slow": slow}}}
    asked = pipeline(tmp_path, grid, search=settings)
    with serial(shuffled=1):
        first = search(asked, tmp_path / "run")
    assert first.mined.n_points == 12
    before = bits(stored(tmp_path / "run"))
    assert traded(stored(tmp_path / "run"))
    for name in sorted(parts(tmp_path / "run"))[::2]:
        (tmp_path / "run" / "points" / name).unlink()
    search(asked, tmp_path / "run", address=ray_address)
    assert bits(stored(tmp_path / "run")) == before
    with serial():
        again = search(asked, tmp_path / "run")
    assert again.ran is None
    assert again.mined.best("full", "robust_score", 5) == first.mined.best("full", "robust_score", 5)
