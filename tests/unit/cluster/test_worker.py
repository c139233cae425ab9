"""The worker as Tune calls it: in this process, without Ray."""

import json

import pytest

from admf_ray.cluster.canary import canary
from admf_ray.cluster.jobs import Shared
from admf_ray.cluster.tilework import TileWork
from admf_ray.cluster.worker import TileTrainable
from admf_ray.config.load import parse_pipeline
from admf_ray.engine.guard import Limits
from admf_ray.errors import ADMFError, StoreError
from admf_ray.phases.search import job_of, prepare_search
from admf_ray.results.store import RunStore
from tests.searching import pipeline, stored

PORTION = {"tiles": "0:0:5 0:5:10 0:10:15"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("worker")
    found = prepare_search(parse_pipeline(pipeline(folder, folds=False)))
    ((stack, lattice),) = found.searches
    indices = next(iter(lattice.blocks(0, lattice.size)))
    job = job_of(found, stack, lattice, indices, found.neighborhood)

    def of(out):
        store = RunStore(str(out))
        store.create()
        return Shared((), found.conditions, (job,), Limits(), store, "sharpe", True, 1, 1, canary())

    return of


@pytest.fixture
def make(shared, tmp_path):
    class Here(TileTrainable):
        def setup(self, config):
            super().setup(config, shared(tmp_path / "run"))

    made = []

    def start(config=PORTION):
        made.append(Here(config=dict(config)))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def test_one_step_is_one_tile_and_one_part(make, tmp_path):
    worker = make()
    reports = [worker.train() for _ in range(3)]
    assert [one["tiles"] for one in reports] == PORTION["tiles"].split()
    assert [one["done"] for one in reports] == [False, False, True]
    assert [one["points"] for one in reports] == [5, 5, 5]
    assert len(list((tmp_path / "run/points").iterdir())) == 3
    assert all(len(json.dumps(one, default=str)) < 2_048 for one in reports)
    rows = stored(tmp_path / "run")
    assert rows.num_rows == 15
    assert max(one["objective"] for one in reports) == reports[-1]["objective"], "the portion's best so far"
    on_grid = rows["sharpe"].to_pylist()
    assert reports[-1]["objective"] in on_grid
    assert worker.train()["tiles"] == "", "no more tiles: nothing is done"


def test_a_step_may_be_several_tiles_where_many_workers_report(make, tmp_path):
    worker = make()
    worker.report_every_s = 1e9
    (report,) = [worker.train()]
    assert (report["tiles"], report["points"], report["done"]) == (PORTION["tiles"], 15, True)
    assert len(list((tmp_path / "run/points").iterdir())) == 3, "one part a tile all the same"
    alone = make()
    alone.reset({"tiles": "0:0:5"})
    assert alone.train()["points"] == 0, "it is there already"
    assert worker.train()["tiles"] == ""


def test_tunes_checkpoint_goes_on_where_the_portion_was(make, tmp_path):
    worker = make()
    first = worker.train()
    saved = worker.save(str(tmp_path / "kept"))
    other = make({"tiles": "0:0:5"})
    other.restore(saved)
    second = other.train()
    assert (first["tiles"], second["tiles"], second["done"]) == ("0:0:5", "0:5:10", False)
    assert second["objective"] >= first["objective"]


def test_a_step_done_before_computes_nothing(make, tmp_path):
    worker, again = make(), make()
    assert worker.train()["points"] == 5
    before = {file: file.stat().st_ino for file in (tmp_path / "run/points").iterdir()}
    repeated = again.train()
    assert (repeated["tiles"], repeated["points"], repeated["failed"]) == ("0:0:5", 0, 0)
    assert "objective" in repeated, "Tune asks for it in every report"
    assert {file: file.stat().st_ino for file in (tmp_path / "run/points").iterdir()} == before


def test_a_reused_actor_takes_another_portion(make, tmp_path):
    worker = make()
    worker.train()
    work = worker.work
    assert worker.reset({"tiles": "0:20:25"})
    assert worker.train()["tiles"] == "0:20:25"
    assert worker.work is work
    assert stored(tmp_path / "run").num_rows == 10


def test_what_a_second_try_cannot_mend_is_reported(make, tmp_path, monkeypatch):
    worker = make()

    def full(*_):
        raise StoreError("results: must be writable, found No space left on device; choose another place")

    monkeypatch.setattr(RunStore, "write_part", full)
    found = worker.train()
    assert (found["done"], found["tiles"]) == (True, "")
    assert found["fatal"].startswith("StoreError\nresults: must be writable, found No space left")


@pytest.mark.parametrize("what", ["canary", "engine"])
def test_a_worker_that_would_give_other_bits_refuses(make, monkeypatch, what):
    if what == "canary":
        monkeypatch.setattr("admf_ray.cluster.node.canary", lambda: "0" * 16)
    else:
        monkeypatch.setattr("admf_ray.cluster.node.engine_facts", lambda: {"sources": "0", "numpy": "9"})
    found = make().train()
    assert found["done"]
    assert "must compute the driver's bits" in found["fatal"] or "must have the driver's" in found["fatal"]


def test_other_code_of_a_strategy_is_refused(shared, tmp_path, monkeypatch):
    work = TileWork(shared(tmp_path))
    monkeypatch.setattr("admf_ray.cluster.node.code_digest", lambda *_: "0" * 32)
    job = work.shared.jobs[0]
    with pytest.raises(ADMFError, match="must have the driver's code of ma_crossover"):
        work._stack(0, job.points.rows(0, 1))
