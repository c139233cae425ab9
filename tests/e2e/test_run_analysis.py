"""``admf-ray run`` with phase 2: conclusions in plain words, the same in JSON."""

import json

import pytest
import yaml
from click.testing import CliRunner

from admf_ray.cli import cli
from admf_ray.phases.analysis.tables import TABLES
from tests.serial import serial
from tests.unit.phases.analysis.conftest import body


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    (folder / "p.yaml").write_text(yaml.safe_dump(body(folder)))

    def call(*words):
        with serial():
            done = CliRunner().invoke(
                cli,
                ["run", str(folder / "p.yaml"), "--out", str(folder / "out"), *words],
                catch_exceptions=False,
            )
        assert done.exit_code == 0, done.output
        return done.output

    call.folder = folder
    return call


def test_phases_run_alone_or_together(run):
    mined = run("--phase", "mining")
    assert "over the whole training span (in sample" in mined
    assert "finalists" not in mined
    assert not (run.folder / "out" / "finalists.parquet").exists()
    told = run("--phase", "analysis")
    assert "over the whole training span (in sample" not in told
    order = ("sensitivity", "clusters of", "consistency of the selection rule", "regimes (", "experiments:",
             "is it luck", "finalists, ordered")  # fmt: skip
    places = [told.index(word) for word in order]
    assert places == sorted(places)
    for word in ("with trend: ", "of them by earlier runs", "   + ", "   - ", "SPA p"):
        assert word in told
    assert all((run.folder / "out" / f"{name}.parquet").exists() for name in TABLES)


def test_json_says_the_same(run):
    found = json.loads(run("--phase", "analysis", "--json"))["analysis"]
    assert found["experiments"][0]["hypothesis"] == "with trend"
    assert found["experiments"][0]["conclusion"] in found["experiments"][0]["sentence"]
    assert {row["statistic"] for row in found["overfitting"]} >= {"trials", "pbo", "spa_p"}
    assert found["finalists"][0]["rank"] == 1
    assert found["clusters"]["correlation_clusters"]
