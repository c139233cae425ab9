"""Data, grid and strategies that stand at addresses give the bits of local ones."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from admf_ray import storage
from admf_ray.components.registry import find, forget
from admf_ray.config.load import load_pipeline, parse_pipeline
from admf_ray.errors import ConfigError, DataError
from admf_ray.market import load_bars
from admf_ray.market.saving import write_parquet
from admf_ray.market.sealing import overlap, sealed
from admf_ray.market.synthetic import random_walk
from admf_ray.phases.opened import open_run
from admf_ray.phases.search import prepare_search
from tests.searching import bits, pipeline, search, stored, traded, written
from tests.serial import serial

pytest_plugins = ["tests.away"]

STRATEGY = '''
from admf_ray import Param, Strategy

class Far(Strategy):
    """Long above a mean."""
    n = Param(5, low=2, high=60)
    def on_bar(self, bar):
        closes = bar.history(self.n).close
        return 1.0 if closes[-1] > closes.mean() else -1.0
'''
GRID = {"strategies": {"Far": {"parameters": {"n": [3, 5, 8, 13, 21]}}}}


@pytest.fixture
def places(away, tmp_path):
    """Write data, grid and strategy here and there, and return a pipeline's body for a kind of place."""
    (tmp_path / "far.py").write_text(STRATEGY)
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(GRID))
    body = pipeline(tmp_path, GRID["strategies"], files=(tmp_path / "far.py",))
    data = body["pipeline"]["phase_1_mining"]["data"]["source"]
    for file in (data, "far.py", "grid.yaml"):
        shutil.copy(tmp_path / file, away)

    def placed(prefix):
        body["pipeline"]["strategies"] = [f"{prefix}far.py"]
        mining = body["pipeline"]["phase_1_mining"]
        mining["data"]["source"] = f"{prefix}walk_260.parquet"
        mining["parameter_search"]["base_grid"] = f"{prefix}grid.yaml"
        return body

    yield placed
    forget(find("Far").__module__)


@pytest.mark.parametrize("kind", ["away", "file"])
def test_a_search_has_the_bits_of_local_files(places, tmp_path, kind):
    prefix = "away://" if kind == "away" else f"file://{tmp_path}/"
    with serial():
        search(places(f"{tmp_path}/"), tmp_path / "local")
        local = find("Far")
        forget(local.__module__)
        search(places(prefix), tmp_path / "other")
    module = find("Far").__module__
    assert (module == local.__module__) == (kind == "file")
    rows = stored(tmp_path / "local")
    assert traded(rows)
    assert bits(stored(tmp_path / "other")) == bits(rows)
    config = open_run(str(tmp_path / "other")).config.to_dict()["pipeline"]
    assert config["strategies"] == places(prefix)["pipeline"]["strategies"]
    assert config["phase_1_mining"]["data"]["source"] == f"{prefix}walk_260.parquet"


def test_between_processes_the_module_has_the_same_name(places):
    body = places("away://")
    parse_pipeline(body)
    first, copy = find("Far").__module__, storage.fetched("away://far.py")
    storage._copied.cache_clear()
    parse_pipeline(body)
    assert find("Far").__module__ == first
    assert storage.fetched("away://far.py") != copy


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("far.py", "strategies[0]: away://far.py: must be a file or folder, found nothing there; correct"),
        ("grid.yaml", "base_grid: 'away://grid.yaml' must be a file, found none; correct the address"),
        ("walk_260.parquet", "away://walk_260.parquet: must be a file or folder, found nothing there"),
    ],
)
def test_one_that_is_missing_is_one_line(places, away, tmp_path, gone, said):
    file = written(tmp_path, places("away://"))
    assert prepare_search(load_pipeline(file)).bars.n_bars == 260
    storage._copied.cache_clear()
    (away / gone).unlink()
    with pytest.raises((ConfigError, DataError)) as caught:
        prepare_search(load_pipeline(file))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_of_data_elsewhere(away, tmp_path):
    (away / "many").mkdir()
    for n, name in enumerate(("AAA", "BBB")):
        prices(n).to_csv(away / "many" / f"{name}.csv")
    options = {"stamp": "date", "zone": "America/New_York"}
    there, here = load_bars("away://many", **options), load_bars(away / "many", **options)
    assert there.symbols == ("AAA", "BBB")
    assert there.content_hash == here.content_hash


def prices(seed):
    """Return daily prices."""
    close = 100.0 + np.random.default_rng(seed).normal(size=50).cumsum()
    days = pd.bdate_range("2020-01-02", periods=50, name="date")
    columns = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 1000}
    return pd.DataFrame(columns, index=days)


def test_an_unreadable_file_is_named_by_its_address(away):
    (away / "many").mkdir()
    (away / "many" / "bad.parquet").write_text("no parquet")
    for address in ("away://many/bad.parquet", "away://many"):
        with pytest.raises(DataError, match=r"^away://many/bad.parquet: must be readable") as caught:
            load_bars(address)
        assert "/admf_ray_" not in str(caught.value)


def test_addresses_of_the_same_files_meet(tmp_path):
    write_parquet(random_walk(20, 1).bars, tmp_path / "x.parquet")
    (tmp_path / "y.parquet").symlink_to(tmp_path / "x.parquet")
    local = str(tmp_path / "x.parquet")
    for other in (f"file://{local}", f"file://{tmp_path}/./y.parquet", f"file://{tmp_path}"):
        assert overlap(local, other)
        assert overlap(other, local)
    assert not overlap(local, f"file://{tmp_path}/z.parquet")
    assert not overlap("s3://b/one.parquet", local)
    assert not overlap("s3://b/one.parquet", "s3://b/two.parquet")
    assert not overlap("s3://b/one", "s3://b/one_more")
    assert overlap("s3://b/data/one.parquet", "s3://k:s@b/data//one.parquet?region=eu-west-1")
    assert overlap("s3://b/data/one.parquet", "s3://b/data")
    assert overlap("s3://b/data/", "s3://b/data/one.parquet")
    assert not overlap("s3://b/x@1/one.parquet", "s3://c/x@1/one.parquet")
    assert not overlap("s3://b/x@1/one.parquet", "s3://1/one.parquet")


def test_sealed_data_elsewhere_stay_closed(away):
    write_parquet(random_walk(20, 1).bars, away / "x.parquet")
    assert load_bars("away://x.parquet").n_bars == 20
    with sealed("away://x.parquet", None):
        for written_otherwise in ("away://x.parquet", "away:///x.parquet?region=x"):
            with pytest.raises(DataError, match="sealed until phase 3"):
                load_bars(written_otherwise)
