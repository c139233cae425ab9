"""What a user of Ray Tune expects of a search: its result grid, callbacks, stoppers, TensorBoard."""

import numpy as np
import pytest
from ray import tune

from tests.searching import bits, parts, pipeline, search, stored


class Heard(tune.Callback):
    """Remembers what Tune tells its callbacks."""

    def __init__(self):
        self.results, self.ended = [], False

    def on_trial_result(self, iteration, trials, trial, result, **info):
        self.results.append(result)

    def on_experiment_end(self, trials, **info):
        self.ended = True


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("tune")


@pytest.fixture(scope="module")
def body(place):
    return pipeline(place, execution={"tile_points": 20})


@pytest.fixture(scope="module")
def heard():
    return Heard()


@pytest.fixture(scope="module")
def found(place, body, heard, ray_address):
    return search(body, place / "run", address=ray_address, callbacks=(heard,))


def test_the_result_grid_knows_the_best_point(found, place):
    (grid,) = found.ran.results
    best = grid.get_best_result()
    assert best.metrics["objective"] == np.nanmax(found.mined.scores("full", "objective"))
    rows = stored(place / "run").filter(
        stored(place / "run")["window"].to_numpy(zero_copy_only=False) == "full"
    )
    point = {name: rows[name].to_numpy() for name in best.metrics["best"]}
    at = np.logical_and.reduce([point[name] == value for name, value in best.metrics["best"].items()])
    assert rows["sharpe"].to_numpy()[at].tolist() == [best.metrics["objective"]]
    assert best.metrics["strategy"] == "ma_crossover"


def test_the_frame_has_each_trial_s_tiles(found, place):
    (grid,) = found.ran.results
    frame = grid.get_dataframe()
    assert not grid.errors
    tiles = [tile for words in frame["config/tiles"] for tile in words.split()]
    assert len(tiles) == len(set(tiles)) == len(parts(place / "run"))
    assert {"objective", "best/fast", "best/slow", "points"} <= set(frame)


def test_callbacks_and_tensorboard(found, heard, place):
    assert heard.ended
    assert sum(result["points"] for result in heard.results) == found.ran.tally.points
    assert list((place / "run" / "tune").rglob("events.out.tfevents.*"))


class AfterTwo(tune.Stopper):
    """Stops everything after two reports."""

    def __init__(self):
        self.count = 0

    def __call__(self, trial_id, result):
        self.count += 1
        return False

    def stop_all(self):
        return self.count >= 2


def test_a_user_s_stopper_stops_and_the_run_can_be_gone_on_with(found, place, body, ray_address):
    stopped = search(body, place / "stopped", address=ray_address, workers=1, stopper=AfterTwo())
    assert stopped.interrupted
    assert 2 <= len(parts(place / "stopped")) < len(parts(place / "run"))
    search(body, place / "stopped", address=ray_address)
    assert bits(stored(place / "stopped")) == bits(stored(place / "run"))
