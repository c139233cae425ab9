import pytest
from ray.tune.search import Searcher

from admf_ray.cluster.resources import ContainerResourceManager
from admf_ray.cluster.searcher import PortionSearcher, PortionStopper
from admf_ray.errors import ConfigError
from tests.unit.cluster.made import report
from tests.unit.cluster.test_schedule import made


def searcher(*counts, most=2, told=None):
    schedule = made(*counts, workers=2)
    return PortionSearcher(schedule, ContainerResourceManager(most, 16, cores=8), told), schedule


def test_portions_while_there_is_room_then_none_then_finished():
    own, schedule = searcher(8)
    first, second = own.suggest("a"), own.suggest("b")
    assert first["tiles"].split()[0] == "0:0:1"
    assert set(first["tiles"].split()).isdisjoint(second["tiles"].split())
    assert own.suggest("c") is None, "two containers of two"
    trials = {"a": first, "b": second}
    while trials:
        name, portion = trials.popitem()
        for tile in portion["tiles"].split():
            own.on_trial_result(name, report(tiles=tile, private_bytes=10**8))
        own.on_trial_complete(name)
        found = own.suggest(name + "'")
        if isinstance(found, dict):
            trials[name + "'"] = found
    assert schedule.tally.points == 8
    assert own.suggest("z") == Searcher.FINISHED
    assert own.manager.active_containers == {}


def test_a_failed_trial_s_tiles_come_again():
    own, _ = searcher(8)
    first = own.suggest("a")
    own.on_trial_result("a", report(tiles="0:0:1", private_bytes=1))
    own.on_trial_complete("a", error=True)
    assert first["tiles"] == "0:0:1 0:1:2"
    assert own.suggest("b")["tiles"].split()[0] == "0:1:2", "it comes again, and 0:0:1 does not"


def test_the_last_report_comes_with_the_end_and_is_told():
    told = []
    own, schedule = searcher(1, told=told.append)
    own.suggest("a")
    own.on_trial_complete("a", report(tiles="0:0:1", private_bytes=1))
    assert [one["tiles"] for one in told] == ["0:0:1"]
    assert (schedule.waiting, schedule.out) == (0, 0)


def test_what_no_worker_can_do_ends_the_search():
    own, schedule = searcher(4)
    own.suggest("a")
    own.on_trial_complete("a", {"tiles": "", "points": 0, "fatal": "StoreError\nfull"})
    assert schedule.fatal == "StoreError\nfull"
    assert own.suggest("b") == Searcher.FINISHED


class After:
    """Stops a trial after its first report, and everything when told."""

    def __init__(self):
        self.all = False

    def __call__(self, trial_id, result):
        return True

    def stop_all(self):
        return self.all


def test_a_user_s_stopper_ends_trials_and_stops_the_run():
    _, schedule = searcher(4)
    own = After()
    assert PortionStopper(schedule)("a", {}) is False
    stopper = PortionStopper(schedule, own)
    assert stopper("a", {}) is True
    assert (stopper.stop_all(), schedule.stopping) == (False, False)
    own.all = True
    assert (stopper.stop_all(), schedule.stopping) == (False, True), "running tiles are finished"
    assert PortionStopper(schedule)("a", {}) is True


@pytest.mark.parametrize(
    "own", [{"points": 3}, lambda trial_id, result: trial_id == "a" and result["points"] >= 3]
)
def test_a_stopper_may_be_whatever_tune_takes(own):
    _, schedule = searcher(4)
    stopper = PortionStopper(schedule, own)
    assert [bool(stopper("a", {"points": points})) for points in (2, 3)] == [False, True]
    assert (stopper.stop_all(), schedule.stopping) == (False, False)


def test_what_is_no_stopper_is_refused():
    with pytest.raises(ConfigError, match=r"stopper: must be a ray\.tune\.Stopper, .* found 5"):
        PortionStopper(searcher(1)[1], 5)
