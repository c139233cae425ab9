"""A disk that damages a finished run: it is said in a line, and running again mends it and nothing else."""

import shutil

import pyarrow.parquet as pq
import pytest

from admf_ray import open_run
from admf_ray.config.load import parse_pipeline
from admf_ray.errors import StoreError
from admf_ray.phases.pipeline import Pipeline
from tests.damage import flip
from tests.searching import bits, parts, pipeline, stored, traded
from tests.serial import serial

TILE = 7


def run(body, out, phase=None):
    """Run what is left of both phases or one, without Ray; returns how many points were computed."""
    with serial():
        ran = Pipeline(parse_pipeline(body), out=str(out)).run(phase).ran
    return 0 if ran is None else ran.tally.points


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The plain data of a pipeline of both phases, and its finished run."""
    folder = tmp_path_factory.mktemp("damage")
    body = pipeline(folder, execution={"tile_points": TILE})
    body["pipeline"]["phase_2_analysis"] = {"candidates": 4, "tools": []}
    assert run(body, folder / "root" / "one") > 2 * TILE
    return body, folder / "root"


@pytest.mark.parametrize(("column", "phase"), [("point_id", "mining"), ("slice_sum", "analysis")])
def test_a_run_damaged_inside_a_part_is_mended_by_running_it_again(whole, tmp_path, column, phase):
    """Found when a run looks what is there, and when only phase 2 reads it."""
    body, root = whole
    shutil.copytree(root, tmp_path / "root")
    place = tmp_path / "root" / "one"
    before, touched = bits(stored(place)), parts(place)
    tables = {name: (place / name).read_bytes() for name in ("finalists.parquet", "overfitting.parquet")}
    assert traded(stored(place))
    name = list(touched)[1]
    flip(place / "points" / name, column)
    with pytest.raises(StoreError) as caught:
        run(body, place, phase)
    assert str(caught.value).startswith(f"{place / 'points' / name}: must be whole, found ")
    assert str(caught.value).endswith(f"set aside as {name}.damaged: run again, its points are computed anew")
    lost = pq.read_table(place / "points" / f"{name}.damaged", columns=["window"])
    n_windows = len(open_run(place).windows)
    assert 0 < run(body, place, phase) == lost.num_rows / n_windows <= TILE
    after = parts(place)
    assert {one for one in after if after[one] != touched.get(one)} == {name}
    assert bits(stored(place)) == before
    assert {one: (place / one).read_bytes() for one in tables} == tables
    assert run(body, place, phase) == 0
    assert parts(place) == after
