"""Parts that are whole or not there, found by what they are of, placed by whose they are."""

import errno
import json
import multiprocessing
import os
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from admf_ray.errors import StoreError
from admf_ray.results.frames import points_frame
from admf_ray.results.identity import point_ids
from admf_ray.results.points import StoredPoints, ids_on, parts_of
from admf_ray.results.schema import digest_in, part_name
from admf_ray.results.store import RunStore
from tests.damage import flip

from .conftest import SALT, context, put, rows_of


def test_rows_come_back_in_the_order_asked_for_whatever_the_parts(store):
    made = context()
    put(store, made, [5, 3, 9])
    put(store, made, [1, 8])
    wanted = rows_of([9, 2, 1, 3])
    stored = StoredPoints(store, made, point_ids(wanted, SALT))
    assert stored.known().tolist() == [True, False, True, True]
    np.testing.assert_array_equal(stored.columns(["sharpe"], "full")["sharpe"], [9, np.nan, 1, 3])
    np.testing.assert_array_equal(stored.columns(["sharpe"], "train_0")["sharpe"], [-9, np.nan, -1, -3])
    sums = stored.columns(["slice_sum"], "full")["slice_sum"]
    assert sums[2].tolist() == [0.0, 2.0]
    assert np.isnan(sums[1]).all()


def kept_returns(fasts, n_bars=40):
    return np.array([np.arange(n_bars) + 100.0 * fast for fast in fasts])


@pytest.mark.parametrize("most", [1, 2, 100])
def test_kept_returns_come_back_in_blocks(store, most):
    made = context()
    for fasts in ([5, 3, 9], [1, 8], [4]):
        put(store, made, fasts, returns=kept_returns(fasts))
    wanted = [9, 2, 1, 3, 4]
    stored = StoredPoints(store, made, point_ids(rows_of(wanted), SALT))
    places = np.array([0, 2, 3, 4])
    blocks = list(stored.blocks("returns", "full", places, most))
    assert [len(one) for one in blocks] == [len(places[k : k + most]) for k in range(0, 4, most)]
    np.testing.assert_array_equal(np.concatenate(blocks), kept_returns([9, 1, 3, 4]))
    np.testing.assert_array_equal(stored.columns(["returns"], "full")["returns"][2], kept_returns([1])[0])


def test_a_block_reads_the_parts_of_its_points_alone(store):
    made = context()
    names = [put(store, made, fasts, returns=kept_returns(fasts)) for fasts in ([5, 3], [1, 8])]
    stored = StoredPoints(store, made, point_ids(rows_of([5, 3, 1, 8]), SALT))
    blocks = stored.blocks("returns", "full", np.arange(4), 2)
    np.testing.assert_array_equal(next(blocks), kept_returns([5, 3]))
    os.remove(store.path(f"points/{names[0]}"))
    np.testing.assert_array_equal(next(blocks), kept_returns([1, 8]))


def test_kept_returns_are_shown_by_name_only(store):
    made = context()
    put(store, made, [5, 3], {1: ("ValueError", "bad")}, kept_returns([5, np.nan]))
    stored = StoredPoints(store, made, point_ids(rows_of([3, 5]), SALT))
    off_grid = np.zeros(2, dtype=bool)
    assert not {"returns", "slice_sum"} & set(points_frame(stored, off_grid, "full"))
    frame = points_frame(stored, off_grid, "full", ["status", "returns"])
    assert frame["status"].tolist() == ["failed", "ok"]
    assert np.isnan(frame["returns"][0]).all()
    np.testing.assert_array_equal(frame["returns"][1], kept_returns([5])[0])
    assert points_frame(stored, off_grid, "train_0", ["returns"])["returns"].isna().all()


def test_writing_a_part_twice_changes_nothing(store):
    made = context()
    assert put(store, made, [5, 3]) == put(store, made, [5, 3])
    assert len(store.parts()) == 1
    assert part_name(made, point_ids(rows_of([5, 3]), SALT)) != part_name(
        made, point_ids(rows_of([3, 5]), SALT)
    )


def test_each_fact_names_other_parts(store):
    made = context()
    for change in (
        {"code": "f" * 32},
        {"engine": {"sources": "other", "numpy": "2"}},
        {"bars": "other"},
        {"windows": (("full", 0, 39, 0, 39), ("train_0", 0, 20, 0, 20))},
        {"fixed": {"portfolio.initial_cash": 1.0}},
        {"conditions": {"warmup": "none"}},
        {"regimes": ("down", "unknown")},
    ):
        other = context(**change)
        assert other.digest != made.digest
        put(store, other, [5])
        assert parts_of(store, made.digest) == {}
    assert len(store.parts()) == 7
    assert context(engine={"numpy": "2", "sources": "e"}).digest == made.digest


def test_failures_are_rows_that_say_why(store):
    made = context()
    put(store, made, [5, 3], errors={1: ("ValueError", "mine.py:3 bad: raised ValueError: no; mend it")})
    stored = StoredPoints(store, made, point_ids(rows_of([3, 4, 5]), SALT))
    codes, errors = stored.statuses()
    assert codes.tolist() == [1, -1, 0]
    assert errors == {0: ("ValueError", "mine.py:3 bad: raised ValueError: no; mend it")}
    assert np.isnan(stored.columns(["trades"], "full")["trades"][0])


def test_other_tools_read_the_same_rows(store):
    put(store, context(), [5, 3])
    put(store, context(strategy="other", varied=("length",)), [5])
    pattern = store.path("points/*.parquet")
    by_sql = duckdb.sql(
        f"select strategy, fast, sharpe, \"sharpe@up\" from read_parquet('{pattern}', union_by_name=true) "
        "where \"window\" = 'full' order by strategy, fast"
    ).fetchall()
    assert [row[:3] for row in by_sql] == [("made_up", 3, 3.0), ("made_up", 5, 5.0), ("other", 5, 5.0)]
    frame = pl.read_parquet(store.path("points/made_up*.parquet"))
    assert frame.filter(pl.col("window") == "full")["fast"].to_list() == [5, 3]
    assert set(pd.read_parquet(store.path("points"))["strategy"]) == {"made_up", "other"}


def test_a_frame_has_all_columns_in_order(store):
    made = context()
    put(store, made, [5, 3])
    put(store, made, [1])
    stored = StoredPoints(store, made, point_ids(rows_of([1, 3, 5]), SALT))
    frame = points_frame(stored, np.array([False, False, True]), "full")
    assert frame["fast"].tolist() == [1, 3, 5]
    assert frame["off_grid"].tolist() == [False, False, True]
    assert {"side", "status", "sharpe", "sharpe@up", "pnl@unknown"} <= set(frame)


def test_a_damaged_part_is_set_aside_and_made_again(store, caplog):
    made = context()
    name = put(store, made, [5, 3])
    with open(store.path(f"points/{name}"), "r+b") as file:
        file.truncate(100)
    stored = StoredPoints(store, made, point_ids(rows_of([5]), SALT))
    assert not stored.known().any()
    assert "damaged" in caplog.text
    put(store, made, [5, 3])
    stored.refresh()
    assert stored.known().all()


@pytest.mark.parametrize("column", ["point_id", "window", "sharpe", "slice_sum", "sharpe@up"])
def test_a_flipped_bit_inside_a_part_is_noticed_named_and_made_again(store, column):
    made = context()
    names = [put(store, made, fasts) for fasts in ([5, 3], [1, 8])]
    stored = StoredPoints(store, made, point_ids(rows_of([5, 3, 1, 8]), SALT))
    whole = stored.columns(["sharpe"], "full")["sharpe"]
    assert whole.tolist() == [5, 3, 1, 8]
    flip(store.path(f"points/{names[0]}"), column)
    with pytest.raises(StoreError) as caught:
        stored.columns([column] if column not in ("point_id", "window") else ["sharpe"], "full")
    said = str(caught.value)
    assert said.startswith(f"{store.path('points')}/{names[0]}: must be whole, found ")
    assert said.endswith(f"; set aside as {names[0]}.damaged: run again, its points are computed anew")
    assert "\n" not in said
    assert store.parts() == names[1:]
    assert store.exists(f"points/{names[0]}.damaged")
    stored.refresh()
    assert stored.known().tolist() == [False, False, True, True]
    assert put(store, made, [5, 3]) == names[0]
    stored.refresh()
    np.testing.assert_array_equal(stored.columns(["sharpe"], "full")["sharpe"], whole)


def test_all_damaged_parts_are_found_by_the_first_that_is_read(store):
    made = context()
    names = [put(store, made, fasts) for fasts in ([5, 3], [1, 8], [4])]
    stored = StoredPoints(store, made, point_ids(rows_of([5, 3, 1, 8, 4]), SALT))
    flip(store.path(f"points/{names[0]}"), "sharpe")
    flip(store.path(f"points/{names[2]}"), "pnl@up")
    with pytest.raises(StoreError, match=r"\(and 1 more\): must be whole"):
        points_frame(stored, np.zeros(5, dtype=bool), "full")
    assert store.parts() == [names[1]]


def test_what_is_not_the_files_fault_sets_nothing_aside(store, monkeypatch):
    made = context()
    name = put(store, made, [5, 3])
    stored = StoredPoints(store, made, point_ids(rows_of([5, 3]), SALT))
    with pytest.raises(StoreError, match=r"all parts must be readable, found .*nothing_such.*; run again"):
        stored.columns(["nothing_such"], "full")

    def refused(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(pq, "read_schema", refused)
        with pytest.raises(StoreError, match=r"must be readable, found .*Too many open files; try again"):
            parts_of(store, made.digest)
    assert store.parts() == [name]


def test_a_derived_tables_flipped_bit_is_noticed(store):
    store.write_table("walk.parquet", pa.table({"sharpe": np.random.default_rng(3).normal(size=500)}))
    assert store.read_table("walk.parquet").num_rows == 500
    flip(store.path("walk.parquet"), "sharpe")
    with pytest.raises(StoreError, match=r"walk\.parquet: must be readable, found .*; remove it and run"):
        store.read_table("walk.parquet")


def test_files_of_others_beside_the_parts_are_passed_over(store):
    made = context()
    name = put(store, made, [5, 3])
    for other in ("mine.parquet", "a-b-c.parquet", name.replace("made_up", "copied")):
        pd.DataFrame({"x": [1.0]}).to_parquet(store.path(f"points/{other}"))
    Path(store.path("points/notes-of-mine.parquet")).write_text("no Parquet")
    assert len(store.parts()) == 5
    assert list(parts_of(store, made.digest)) == [name]
    assert ids_on(store, "b")[made.digest].tolist() == sorted(point_ids(rows_of([5, 3]), SALT))
    assert len(store.parts()) == 5, "none is set aside"
    assert [digest_in(one) for one in ("mine.parquet", "a-b-c.parquet", name)] == ["", "", made.digest[:12]]


def test_two_points_with_one_number_are_refused(store):
    with pytest.raises(StoreError, match="share a number"):
        StoredPoints(store, context(), np.array([4, 7, 4]))


def _hold(path, ready, done):
    store = RunStore(path)
    with store.held():
        ready.set()
        done.wait(30)


def test_the_second_driver_is_told_who_holds_the_run(store):
    spawn = multiprocessing.get_context("spawn")
    ready, done = spawn.Event(), spawn.Event()
    holder = spawn.Process(target=_hold, args=(store.uri, ready, done))
    holder.start()
    try:
        assert ready.wait(30)
        with pytest.raises(StoreError, match=f"found process {holder.pid} on"), store.held():
            pass
        holder.kill()
        holder.join()
        with store.held():
            assert str(os.getpid()) in Path(store.path("lock")).read_text()
    finally:
        holder.kill()


def test_a_storage_address_serves_as_a_folder_does(tmp_path):
    store = RunStore(f"file://{tmp_path}/away")
    store.create()
    name = put(store, context(), [5])
    facts = {"format": "1", "pipeline": {}, "bars": {}, "contexts": []}
    store.write_manifest(facts)
    assert store.manifest() == facts
    assert store.parts() == [name]
    assert (
        json.loads(pq.read_schema(tmp_path / "away/points" / name).metadata[b"admf_ray"])["strategy"]
        == "made_up"
    )
    with pytest.raises(StoreError, match="must be a folder, or a storage address"):
        RunStore("nowhere://x").create()
    with pytest.raises(StoreError, match=r"found no run\.json"):
        RunStore(str(tmp_path)).manifest()
