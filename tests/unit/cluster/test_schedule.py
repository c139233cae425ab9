import json
import pickle
from itertools import pairwise

import pytest

from admf_ray.cluster.schedule import (
    LONGEST_PORTION_S,
    MOST_LOSSES,
    START_S,
    TRIAL_S,
    Rates,
    Schedule,
)
from admf_ray.cluster.tiles import Tile, tiles_of
from tests.unit.cluster.made import job, report

SECOND = 10**6  # steps of a job whose points take a second


def made(*counts, workers=2, log=None, whole_jobs=False, size=1):
    """Return a schedule whose k-th job has points of k + 1 seconds."""
    jobs = [job(count, steps=SECOND * (k + 1), code=f"c{k}") for k, count in enumerate(counts)]
    rates = Rates({f"c{k}": {"ns": 1_000.0, "bytes": 0.0} for k in range(len(counts))})
    return Schedule(jobs, tiles_of(jobs, size), rates, lambda: workers, log, whole_jobs=whole_jobs)


def test_longest_first_ties_in_order():
    schedule = made(3, 2, workers=1)
    taken = []
    while portion := schedule.take("w"):
        taken += portion
        for tile in portion:
            schedule.done("w", [tile], report(1, (tile.job + 1.0)))
    assert taken == [Tile(1, 0, 1), Tile(1, 1, 2), Tile(0, 0, 1), Tile(0, 1, 2), Tile(0, 2, 3)]
    assert (schedule.waiting, schedule.out, schedule.tally.points) == (0, 0, 5)


def test_portions_shrink_towards_the_end_within_bounds():
    schedule = made(1_000, workers=4)
    sizes = []
    while portion := schedule.take(f"w{len(sizes)}"):
        sizes.append(len(portion))
    assert sizes[0] == LONGEST_PORTION_S / (START_S + 1)
    assert all(a >= b for a, b in pairwise(sizes))
    assert sizes[-2:] == [1, 1], "the end is shared out tile by tile"
    assert sum(sizes) == 1_000


def test_many_workers_take_no_less_than_tune_can_hand_out():
    schedule = made(20_000, workers=400)
    sizes = []
    while portion := schedule.take(f"w{len(sizes)}"):
        sizes.append(len(portion))
    assert sizes[-2] * (START_S + 1) >= TRIAL_S * 400


def test_a_lost_worker_s_tiles_are_handed_out_again_but_not_for_ever():
    schedule = made(8, workers=2)
    for k in range(MOST_LOSSES):
        first = schedule.take(f"w{k}")
        assert first == [Tile(0, 0, 1), Tile(0, 1, 2)]
        schedule.done(f"w{k}", [first[1]], report()) if k == 0 else None
        if k == 0:
            schedule._waiting.add(first[1])  # it was lost too, after its report
        schedule.ended(f"w{k}", lost=True)
    assert schedule.given_up == [Tile(0, 0, 1)]
    assert schedule.take("last")[0] == Tile(0, 1, 2)


def test_what_was_stopped_is_not_lost():
    schedule = made(1)
    for k in range(3 * MOST_LOSSES):
        assert schedule.take(f"w{k}") == [Tile(0, 0, 1)]
        schedule.ended(f"w{k}", lost=False)
    assert schedule.given_up == []


def test_once_stopping_nothing_is_handed_out():
    schedule = made(10)
    taken = schedule.take("w")
    schedule.stopping = True
    assert schedule.take("v") == []
    schedule.ended("w", lost=False)
    assert schedule.waiting == 10
    assert taken


def test_all_of_a_job_to_one_worker_on_request():
    schedule = made(5, 7, whole_jobs=True)
    assert {tile.job for tile in schedule.take("a")} == {1}
    assert [tile.job for tile in schedule.take("b")] == [0] * 5
    assert schedule.take("c") == []


def test_predictions_learn_and_are_logged_beside_the_truth():
    lines = []
    schedule = made(4, log=lines.append, workers=10)
    before = schedule.predicted_s(Tile(0, 3, 4))
    (first,) = schedule.take("w")[:1]
    schedule.done("w", [first], report(1, 5.0, grown_bytes=123))
    line = json.loads(lines[0])
    assert (line["tiles"], line["worker"], line["true_s"], line["true_bytes"]) == ("0:0:1", "w", 5.0, 123)
    assert line["predicted_s"] == pytest.approx(before)
    assert before < schedule.predicted_s(Tile(0, 3, 4)) < 5.0
    failed = schedule.predicted_s(Tile(0, 3, 4))
    schedule.done("w", [Tile(0, 1, 2)], report(1, 90.0, failed=1, status="timeout:1"))
    assert schedule.predicted_s(Tile(0, 3, 4)) == failed, "a point that hung tells nothing of the others"
    assert schedule.tally.by_status == {"timeout": 1}


def test_a_report_on_several_tiles_counts_them_all():
    lines = []
    schedule = made(4, log=lines.append, workers=1)
    tiles = schedule.take("w")[:2]
    schedule.done("w", tiles, report(2, 3.0))
    assert (schedule.tally.tiles, schedule.tally.points, schedule.waiting + schedule.out) == (2, 2, 2)
    line = json.loads(lines[0])
    assert line["tiles"] == "0:0:1 0:1:2"
    assert line["predicted_s"] == pytest.approx(2 * (START_S + 1.0))


def test_what_a_short_tile_takes_is_its_start():
    schedule = made(4, workers=10)
    before = schedule.predicted_s(Tile(0, 3, 4))
    (first,) = schedule.take("w")[:1]
    schedule.done("w", [first], report(1, START_S))
    assert schedule.predicted_s(Tile(0, 3, 4)) == before


def test_only_what_is_left_counts():
    of = job(10, steps=SECOND, todo=[1, 8, 9])
    schedule = Schedule([of], tiles_of([of], 5), Rates({"c0": {"ns": 1_000.0, "bytes": 0.0}}), lambda: 1)
    assert [schedule.rows(tile) for tile in (Tile(0, 0, 5), Tile(0, 5, 10))] == [1, 2]
    assert schedule.take("w")[0] == Tile(0, 5, 10)


def test_it_survives_tunes_snapshots():
    schedule = made(10)
    schedule.take("w")
    again = pickle.loads(pickle.dumps(schedule))
    assert (again.waiting, again.out) == (schedule.waiting, schedule.out)
    assert again.take("v")
