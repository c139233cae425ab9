"""What a worker checks before it takes part, and what it reports when a tile is there already."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from admf_ray.cluster.canary import canary
from admf_ray.cluster.jobs import Shared
from admf_ray.cluster.node import check_code, check_node
from admf_ray.cluster.run import Options, _memory_gb, _most_workers
from admf_ray.cluster.session import Session
from admf_ray.cluster.tiles import tiles_of
from admf_ray.cluster.tilework import TileWork
from admf_ray.config.load import parse_pipeline
from admf_ray.engine.guard import Limits
from admf_ray.errors import ResourceError
from admf_ray.phases.manifest import settled
from admf_ray.phases.search import job_of, prepare_search
from admf_ray.results.store import RunStore

PIPELINE = {
    "pipeline": {
        "name": "node",
        "phase_1_mining": {
            "data": {"source": "sample:nasdaq", "start": 2016, "end": 2017},
            "walk_forward": {"training_window": 252, "test_window": 63, "step_size": 63},
            "parameter_search": {
                "base_grid": {
                    "strategies": {"ma_crossover": {"parameters": {"fast": [3, 6], "slow": [8, 20]}}}
                },
                "neighborhood_testing": {"enabled": False},
            },
        },
    }
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    config = parse_pipeline(PIPELINE)
    search = prepare_search(config)
    with settled(RunStore(str(tmp_path_factory.mktemp("run") / "own")), search, fork=False) as store:
        pass
    ((stack, lattice),) = search.searches
    job = job_of(search, stack, lattice, np.arange(4), search.neighborhood)
    limits = Limits(point_timeout_s=60.0, memory_bytes=None, fresh_process=False)
    return Shared((), search.conditions, (job,), limits, store, "sharpe", True, 1, 1, canary())


def test_a_tile_that_is_there_already_is_reported_as_tune_wants_it(shared):
    (tile,) = tiles_of(shared.jobs)
    first, again = TileWork(shared).run(tile), TileWork(shared).run(tile)
    assert (first["points"], again["points"]) == (4, 0)
    assert math.isfinite(first["objective"])
    assert math.isnan(again["objective"])


def test_a_node_that_would_give_other_rows_is_refused(shared, tmp_path):
    check_node(shared)
    job = shared.jobs[0]
    aged = replace(job, context=replace(job.context, engine={**job.context.engine, "numpy": "1.0"}))
    for other, said in (
        (replace(shared, store=RunStore(str(tmp_path / "elsewhere"))), "must see the run at"),
        (replace(shared, files=("mine.py",)), "must have mine.py"),
        (replace(shared, jobs=(aged,)), "found other numpy"),
        (replace(shared, canary="0" * 16), "must compute the driver's bits"),
    ):
        with pytest.raises(ResourceError, match=said):
            check_node(other)
        with pytest.raises(ResourceError, match=said):
            TileWork(other)


def test_components_that_are_not_the_drivers_are_refused(shared):
    job = shared.jobs[0]
    stack = job.names.build()
    check_code(job, stack)
    with pytest.raises(ResourceError, match="must have the driver's code of ma_crossover"):
        check_code(replace(job, context=replace(job.context, code="0" * 32)), stack)


def test_a_store_crosses_to_a_process_that_stands_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sent = pickle.dumps(RunStore("results/run"))
    monkeypatch.chdir("/")
    assert pickle.loads(sent).uri == str(tmp_path / "results" / "run")
    assert pickle.loads(pickle.dumps(RunStore("s3://bucket/run"))).uri == "s3://bucket/run"


GB = 10**9
TWO = Session("auto", "", cores=8, node_cores=4, nodes=2, memory_bytes=20 * GB, node_memory_bytes=12 * GB)


@pytest.mark.parametrize(
    ("here", "options", "wanted"),
    [
        (TWO, Options(), 8),
        (TWO, Options(thread=True), 2),
        (TWO, Options(workers=3), 3),
        (TWO, Options(workers=64), 64),  # an autoscaler brings the rest
        (TWO, Options(workers=64, max_containers=16), 16),
        (TWO, Options(workers=6, thread=True), 6),
        (TWO._replace(address="local"), Options(workers=64), 8),
    ],
)
def test_how_many_workers_a_cluster_may_have(here, options, wanted):
    assert _most_workers(here, options) == wanted


def test_memory_grows_with_the_cluster_and_no_worker_asks_for_more_than_a_node_has():
    assert _memory_gb(TWO, Options(), 8) == 20.0
    assert _memory_gb(TWO, Options(), 64) == 160.0
    assert _memory_gb(TWO, Options(memory_bytes=12 * GB), 8) == 20.0
    with pytest.raises(ResourceError, match=r"must fit a node, found 13\.0 GB where the largest gives"):
        _memory_gb(TWO, Options(memory_bytes=13 * GB), 8)
