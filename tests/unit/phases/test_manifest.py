"""A run goes on as itself or not at all: what differs is said, and a fork takes what is still valid."""

import copy
import os

import pytest

from admf_ray.config.load import parse_pipeline
from admf_ray.errors import StoreError
from admf_ray.phases.manifest import config_of, differences, manifest_of, settled
from admf_ray.phases.search import context_of, prepare_search
from admf_ray.results.store import RunStore
from tests.searching import bits, parts, pipeline, search, stored, traded
from tests.serial import serial

OWN = '''
from admf_ray import Param, Strategy


class {name}(Strategy):
    """Above its mean, in Python."""

    n = Param(5, low=2, high=60)

    def on_bar(self, bar):
        closes = bar.history(self.n).close
        return {weight} if closes[-1] > closes.mean() else 0.0
'''


def body(folder, values=(4, 8), **options):
    grid = {name: {"parameters": {"n": list(values)}} for name in ("First", "Second")}
    files = (folder / "first.py", folder / "second.py")
    for file, name in zip(files, grid, strict=True):
        if not file.exists():
            file.write_text(OWN.format(name=name, weight=1.0))
    return pipeline(folder, grid, files=files, folds=False, **options)


@pytest.fixture
def run(tmp_path):
    """A run, and what tells of it."""
    with serial():
        found = search(body(tmp_path), tmp_path / "run")
    assert traded(stored(tmp_path / "run"))
    return found


def refused(asked, tmp_path, *said):
    with serial(), pytest.raises(StoreError) as caught:
        search(asked, tmp_path / "run")
    for words in (*said, "--fork begins a new run from what is still valid"):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def forked(asked, tmp_path):
    """Fork a run; returns how many points were computed, and where."""
    with serial():
        found = search(asked, tmp_path / "run", fork=True)
    assert found.store.uri == str(tmp_path / "run") + "-2"
    return found.ran.tally.points, tmp_path / "run-2"


def test_another_value_computes_only_what_is_new(run, tmp_path):
    (tmp_path / "run" / "points" / "mine.parquet").write_text("somebody else's")
    before = parts(tmp_path / "run")
    asked = body(tmp_path, values=(4, 8, 40))
    refused(asked, tmp_path, "First.parameters.n[2]: nothing there, 40 now")
    computed, place = forked(asked, tmp_path)
    assert computed == 2 * 3, "the point, and the two beside it"
    assert parts(tmp_path / "run") == before
    with serial():
        search(asked, tmp_path / "alone")
    assert bits(stored(place)) == bits(stored(tmp_path / "alone"))


def test_changed_code_computes_that_strategy_alone(run, tmp_path):
    (tmp_path / "second.py").write_text(OWN.format(name="Second", weight=-1.0))
    refused(body(tmp_path), tmp_path, "code of Second or what it imports: changed")
    computed, place = forked(body(tmp_path), tmp_path)
    assert computed == 6
    with serial():
        search(body(tmp_path), tmp_path / "alone")
    assert bits(stored(place)) == bits(stored(tmp_path / "alone"))
    assert bits(stored(place)) != bits(stored(tmp_path / "run"))


def test_other_data_compute_everything(run, tmp_path):
    asked = body(tmp_path, n_bars=300)
    refused(asked, tmp_path, "data: S0 2000-01-03 to", "300 bars now")
    computed, _ = forked(asked, tmp_path)
    assert computed == 12


def test_a_fork_is_gone_on_with_and_what_is_free_may_change(run, tmp_path):
    asked = body(tmp_path, values=(4, 8, 40))
    _, place = forked(asked, tmp_path)
    with serial():
        again = search(asked, tmp_path / "run", fork=True)
        assert (again.store.uri, again.ran) == (str(place), None)
        other = body(tmp_path, execution={"tile_points": 1, "parallelism": "thread"})
        other["pipeline"]["container_settings"] = {"max_concurrent_containers": 3}
        assert search(other, tmp_path / "run").ran is None


def test_what_is_free_is_written_down_as_it_is_now(run, tmp_path):
    before = run.store.manifest()
    asked = body(tmp_path)
    asked["pipeline"]["phase_3_test"] = {
        "data": str(tmp_path / "later.parquet"),
        "test_strategies": [{"name": "one", "strategy": "First", "params": {"n": 4}}],
    }
    with serial():
        assert search(asked, tmp_path / "run").ran is None
    now = run.store.manifest()
    assert before["pipeline"].get("phase_3_test") is None
    assert now["pipeline"] == parse_pipeline(asked).to_dict()["pipeline"]
    assert parse_pipeline(config_of(now)).phase_3_test.test_strategies[0].name == "one"
    assert {**now, "pipeline": before["pipeline"]} == before
    with run.store.held(), pytest.raises(StoreError, match="one driver at a time"), serial():
        search(body(tmp_path), tmp_path / "run")
    assert run.store.manifest() == now


def seen(root):
    """Return all that is in a folder: content and time of change by path, folders without."""
    files = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in root.rglob("*") if file.is_file()}
    return files | {folder: None for folder in root.rglob("*") if folder.is_dir()}


def test_a_second_driver_changes_nothing_whatever_it_asks(run, tmp_path):
    own, free, other, third = (
        prepare_search(parse_pipeline(body(tmp_path, **how)))
        for how in ({}, {"execution": {"tile_points": 1}}, {"values": (4, 8, 40)}, {"values": (5, 8)})
    )
    with settled(run.store, other, True) as fork:
        assert fork.uri == f"{run.store.uri}-2"
    fresh, begun = RunStore(str(tmp_path / "fresh")), RunStore(f"{run.store.uri}-3")
    fresh.create()
    begun.create()
    for held, asked, how in (
        (run.store, own, False),
        (run.store, free, False),
        (run.store, free, True),
        (fork, other, True),
        (begun, third, True),  # held, its manifest not written yet
        (fresh, own, False),
    ):
        with held.held():
            before = seen(tmp_path)
            with (
                pytest.raises(StoreError, match=f"found process {os.getpid()} on .* at work") as caught,
                settled(fresh if held is fresh else run.store, asked, how),
            ):
                raise AssertionError("two drivers")
            assert str(caught.value).startswith(f"{held.uri}: must be held by one driver at a time")
            assert seen(tmp_path) == before
    with settled(run.store, third, True) as forked_again:
        assert forked_again.uri == begun.uri
        assert begun.exists("run.json")
    with settled(run.store, free, True) as same:
        assert same is run.store
    assert seen(tmp_path) != before, "what may differ is written down once the run is held"


@pytest.mark.parametrize("fork", [False, True])
def test_what_another_driver_began_meanwhile_is_looked_at_again(tmp_path, monkeypatch, fork):
    """Between the first look and the lock, the folder became a run of something else."""
    asked, theirs = (prepare_search(parse_pipeline(body(tmp_path, values))) for values in ((5, 8), (4, 8)))
    begun = manifest_of(theirs, [context_of(theirs, *one) for one in theirs.searches])
    real, store = RunStore.held, RunStore(str(tmp_path / "new"))

    def late(self):
        if self is store:
            self.write_manifest(begun)
        return real(self)

    monkeypatch.setattr(RunStore, "held", late)
    if fork:
        with settled(store, asked, fork) as other:
            assert other.uri == f"{store.uri}-2"
    else:
        with (
            pytest.raises(StoreError, match="must be a run of the same code, data and configuration"),
            settled(store, asked, fork),
        ):
            raise AssertionError("another's run")
    assert store.manifest() == begun


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.update(format="0"), "format 0 there, 1 now"),
        (lambda m: m["pipeline"]["phase_1_mining"].update(warmup="x"), "warmup: 'x' there, 'history'"),
        (lambda m: m["bars"].update(hash="0"), "data: other prices in S0 2000-01-03 to"),
        (lambda m: m["contexts"][0].update(code="0"), "code of First or what it imports: changed"),
        (lambda m: m["contexts"][0]["engine"].update(numpy="1"), "engine numpy: 1 there"),
        (lambda m: m["contexts"][0]["engine"].update(sources="1"), "engine sources: changed"),
    ],
)  # fmt: skip
def test_each_difference_is_told(run, change, said):
    now = run.store.manifest()
    old = copy.deepcopy(now)
    assert differences(old, now) == []
    change(old)
    (found,) = differences(old, now)
    assert found.startswith(said) or said in found


def test_a_full_disk_is_one_line_and_the_run_goes_on_later(tmp_path, monkeypatch):
    def full(self, *_):
        raise StoreError("x: must be writable, found No space left on device; choose another place")

    with serial():
        with monkeypatch.context() as patch:
            patch.setattr(RunStore, "write_part", full)
            with pytest.raises(StoreError, match="No space left on device"):
                search(body(tmp_path), tmp_path / "run")
        assert search(body(tmp_path), tmp_path / "run").ran.tally.points == 12
