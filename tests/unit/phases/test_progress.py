"""What is told while a run is under way."""

import math

import numpy as np

from admf_ray.cli.progress import described
from admf_ray.phases.progress import Progress
from tests.searching import pipeline, search, stored
from tests.serial import serial


def test_it_rises_to_the_end_and_knows_the_best_so_far(tmp_path):
    told = []
    body = pipeline(tmp_path, folds=False, execution={"tile_points": 9})
    with serial():
        found = search(body, tmp_path / "run", on_progress=told.append)
    done = [one.done for one in told]
    assert len(told) > 4
    assert done == sorted(set(done))
    assert {one.total for one in told} == {done[-1]} == {stored(tmp_path / "run").num_rows}
    assert told[-1].left_s == 0.0
    assert all(one.per_s > 0 and one.failed == 0 and one.memory_bytes > 10**6 for one in told)
    known = [one.best for one in told if math.isfinite(one.best)]
    assert math.isnan(told[0].best), "no point has all its neighbours yet"
    assert known == sorted(known)
    assert known[-1] == np.max(found.mined.scores("full", "robust_score"))


def test_it_begins_with_what_is_stored(tmp_path):
    told = []
    body = pipeline(tmp_path, folds=False, execution={"tile_points": 9})
    with serial():
        search(body, tmp_path / "run")
        files = sorted((tmp_path / "run" / "points").iterdir())
        for file in files[::2]:
            file.unlink()
        kept = stored(tmp_path / "run").num_rows
        search(body, tmp_path / "run", on_progress=told.append)
    assert kept < told[0].done <= kept + 9
    assert told[-1].done == told[-1].total


def test_as_one_line():
    now = Progress(1_500, 10_000, 3, 250.0, 34.0, 1.234, 3 << 20, 2)
    assert described(now) == (
        "1,500/10,000 points, 250/s, 3 failed, best robust 1.23, 34 s left, 2 at work with 3 MiB"
    )
    end = Progress(10, 10, 0, 5.0, 0.0, math.nan, 0, 0)
    assert described(end) == "10/10 points, 5/s, 0 at work with 0 MiB"
