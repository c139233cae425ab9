"""Test data are closed until finalists are fixed, opened once, and every look is written down."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from inline import inline
from small import small

from admf_ray import backtest
from admf_ray.cli import cli
from admf_ray.cluster.tilework import TileWork
from admf_ray.config.load import parse_pipeline
from admf_ray.errors import ConfigError, DataError
from admf_ray.market import inspect_source, load_bars
from admf_ray.market.sealing import closed_now
from admf_ray.market.synthetic import random_walk
from admf_ray.phases.closing import closed
from admf_ray.phases.looked import looked_at, roots_of
from admf_ray.phases.pipeline import Pipeline
from admf_ray.phases.search import prepare_search
from admf_ray.phases.validation.sealed import open_sealed
from admf_ray.results.ledger import Ledger
from tests.searching import stored


@pytest.fixture
def bars():
    return random_walk(900, 2).bars


@pytest.fixture
def config(tmp_path, bars):
    return small(tmp_path, bars, 700)


def test_reading_test_data_raises_while_they_are_closed(config):
    source = config.phase_3_test.data.source
    with closed(config):
        search = prepare_search(config)
        for read in (load_bars, inspect_source):
            with pytest.raises(DataError, match="sealed until phase 3"):
                read(source)
    assert search.bars.n_bars == 700
    assert load_bars(source).n_bars == 200


@pytest.mark.parametrize("way", ["dots", "link", "glob", "folder", "relative", "address"])
def test_no_other_spelling_and_no_other_thread_gets_around_the_seal(tmp_path, monkeypatch, config, way):
    source = config.phase_3_test.data.source
    (tmp_path / "link.parquet").symlink_to(source)
    (tmp_path / "beside").mkdir()
    monkeypatch.chdir(tmp_path)
    written = {
        "dots": f"{tmp_path}/beside/../test.parquet", "link": f"{tmp_path}/link.parquet",
        "glob": f"{tmp_path}/te*.parquet", "folder": str(tmp_path), "relative": "test.parquet",
        "address": f"file://{tmp_path}/beside/../test.parquet",
    }[way]  # fmt: skip
    if way == "folder":
        os.remove(config.phase_1_mining.data.source)
        os.remove(tmp_path / "link.parquet")
    assert load_bars(written).n_bars == 200
    with closed(config), ThreadPoolExecutor(1) as pool:
        for asked in (lambda: load_bars(written), pool.submit(load_bars, written).result):
            with pytest.raises(DataError, match="sealed until phase 3"):
                asked()
    assert load_bars(written).n_bars == 200


PEEKS = '''
from admf_ray import Param, Strategy
from admf_ray.market import load_bars


class Peeks(Strategy):
    """Asks for the test data."""

    n = Param(2, low=1, high=9)

    def on_bar(self, bar):
        return 1.0 if load_bars("{source}").n_bars else 0.0
'''


def test_a_strategy_that_asks_for_test_data_fails_with_the_sentence(tmp_path, config, caplog, monkeypatch):
    (tmp_path / "peeks.py").write_text(PEEKS.format(source=f"{tmp_path}/../{tmp_path.name}/test.parquet"))
    body = config.to_dict()["pipeline"]
    body["strategies"] = [str(tmp_path / "peeks.py")]
    mining = body["phase_1_mining"]
    mining["parameter_search"]["base_grid"] = {"strategies": {"Peeks": {"parameters": {"n": [2, 3]}}}}
    mining["parameter_search"]["neighborhood_testing"] = {"enabled": False}
    mining["execution"] = {**(mining.get("execution") or {}), "max_failed_frac": 1.0}
    run = tmp_path / "r" / "one"
    workers = []
    monkeypatch.setattr("tests.serial.TileWork", lambda shared: workers.append(shared) or TileWork(shared))
    with inline():
        Pipeline(parse_pipeline({"pipeline": body}), out=str(run)).run("mining")
    rows = stored(run).to_pylist()
    assert {row["n"] for row in rows} == {2, 3}
    for row in rows:
        assert row["status"] == "failed"
        assert "sealed until phase 3" in row["error"]
    assert any("is not probed" in line and "sealed until phase 3" in line for line in caplog.messages)
    assert closed_now() == ()
    (shared,) = workers
    work = TileWork(shared)  # as another process makes it, where nothing is closed
    with pytest.raises(DataError, match="sealed until phase 3"):
        load_bars(config.phase_3_test.data.source)
    del work
    assert closed_now() == ()
    assert load_bars(config.phase_3_test.data.source).n_bars == 200


def test_one_source_is_closed_from_the_first_test_day_on(tmp_path, bars, config):
    data = {"source": config.phase_1_mining.data.source}
    day = str(bars.slice(600, 601).dates[0])
    body = config.to_dict()["pipeline"]
    body["phase_1_mining"]["data"] = data | {"end": str(bars.slice(599, 600).dates[0])}
    body["phase_3_test"]["data"] = data | {"start": day}
    one = parse_pipeline({"pipeline": body})
    with closed(one):
        assert prepare_search(one).bars.n_bars == 600
        with pytest.raises(DataError, match="sealed until phase 3"):
            load_bars(data["source"])
    found = open_sealed(one, prepare_search(one).bars, Ledger(str(tmp_path / "r")), "run", ["a"], False)
    assert (found.window.start, found.window.stop, found.bars.n_bars) == (600, 700, 700)


def test_test_data_have_the_training_data_as_their_history(tmp_path, bars, config):
    training = prepare_search(config).bars
    found = open_sealed(config, training, Ledger(str(tmp_path / "r")), "run", ["a"], False)
    assert (found.window.start, found.window.stop) == (700, 900)
    np.testing.assert_array_equal(found.bars.close, bars.close)
    assert found.bars.bars_per_year == training.bars_per_year


def test_another_look_needs_again_and_the_same_one_is_none(tmp_path, config):
    training, ledger = prepare_search(config).bars, Ledger(str(tmp_path / "r"))

    def look(finalists, again=False):
        return open_sealed(config, training, ledger, "results/one", finalists, again).looks

    assert look(["a", "b"]) == 1
    assert look(["b", "a"]) == 1
    with pytest.raises(ConfigError, match=r"looked at once, found 1 different look before \(results/one\)"):
        look(["a", "c"])
    assert look(["a", "c"], again=True) == 2
    assert look(["a", "c"]) == 2
    assert look(["d"], again=True) == 3
    assert look(["a", "b"]) == 1


def test_a_backtest_on_test_bars_is_a_look_whatever_the_file_is_called(tmp_path, bars, config):
    root = tmp_path / "r"
    training, ledger = prepare_search(config).bars, Ledger(str(root))
    point = {"fast": 3, "slow": 10}
    assert looked_at(backtest("ma_crossover", point, data=bars), str(root)) == []
    open_sealed(config, training, ledger, "results/one", ["a"], False)
    before = backtest("ma_crossover", point, data=bars.slice(0, 700))
    assert looked_at(before, str(root)) == []
    (line,) = looked_at(backtest("ma_crossover", point, data=bars.slice(650, 900)), str(root))
    assert line == "these bars are test data of results/one: this backtest is recorded as a look at them"
    with pytest.raises(ConfigError, match="found 2 different looks before"):
        open_sealed(config, training, ledger, "results/two", ["b"], False)


def test_a_backtest_is_a_look_in_the_ledger_of_the_run_or_root_it_names(tmp_path, bars, config, monkeypatch):
    away = tmp_path / "away"
    training, ledger = prepare_search(config).bars, Ledger(str(away))
    open_sealed(config, training, ledger, str(away / "one"), ["a"], False)
    source = config.phase_3_test.data.source
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    words = ["backtest", "--strategy", "buy_and_hold", "--data", source]
    assert "recorded as a look" not in CliRunner().invoke(cli, words).output
    assert "recorded as a look" in CliRunner().invoke(cli, [*words, "--results", "../away"]).output
    with pytest.raises(ConfigError, match="found 2 different looks before"):
        open_sealed(config, training, ledger, "two", ["b"], False)
    refused = CliRunner().invoke(cli, [*words, "--results", "nowhere"]).exception
    assert "--results nowhere: must be the folder that your runs stand in" in str(refused)


def test_a_choice_is_looked_for_in_the_ledger_of_its_own_run_too(tmp_path, monkeypatch):
    file = tmp_path / "away" / "one" / "choice.yaml"
    (file.parent / "points").mkdir(parents=True)
    file.touch()
    monkeypatch.chdir(file.parent / "points")
    assert roots_of("results", file) == ["results"], "no run stands there"
    (file.parent / "run.json").touch()
    for path in (file, Path("../choice.yaml")):
        assert roots_of("results", path) == ["results", str(tmp_path / "away")]
        assert roots_of("../..", path) == ["../.."]
