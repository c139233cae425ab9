"""The three phases alone, again and together on one run, and every command that takes what came of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from admf_ray.cli import cli
from admf_ray.market import load_bars
from admf_ray.market.saving import write_parquet
from admf_ray.market.synthetic import planted_trend

N_TRAIN, N_BARS = 800, 1_300
PIPELINE = """
pipeline:
  name: edge
  phase_1_mining:
    data: train.parquet
    walk_forward: {training_window: 300, test_window: 150, step_size: 150}
    parameter_search:
      base_grid:
        strategies:
          ma_crossover: {parameters: {fast: [2, 4], slow: [8, 14], side: both}}
      neighborhood_testing: {radius: 1}
    container_components:
      - {name: data_handler, class: HistoricalDataHandler}
      - {name: strategy, class: configurable}
      - {name: broker, class: SimulatedBroker, params: {commission_frac: 0.0001, slippage_frac: 0.0001}}
  phase_2_analysis:
    tools: [walk_forward_consistency]
    candidates: 4
  phase_3_test:
    data: test.parquet
    validation: {drift_containers: 2}
    final_selection: {verify_no_state_leakage: false}
    test_strategies:
      - {name: plain, strategy: ma_crossover, params: {fast: 2, slow: 14, side: both}}
"""
OTHER = "phase_3_test.test_strategies=[{name: poor, strategy: buy_and_hold}]"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder as a user's: data, a pipeline file, results."""
    folder = tmp_path_factory.mktemp("phases")
    bars = planted_trend(N_BARS, 2, net_sharpe=7.0, mean_run_bars=40).bars
    write_parquet(bars.slice(0, N_TRAIN), folder / "train.parquet")
    write_parquet(bars.slice(N_TRAIN, N_BARS), folder / "test.parquet")
    write_parquet(bars, folder / "whole.parquet")
    (folder / "edge.yaml").write_text(PIPELINE)
    return folder


@pytest.fixture(scope="module")
def call(place, ray_address):
    """Call the command line in that folder; returns the exit code and what it printed."""

    def called(*words: str, ray: bool = False) -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(place)
            address = ("--address", ray_address) if ray else ()
            done = CliRunner().invoke(cli, [*words, *address])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            return 2, str(done.exception)
        return done.exit_code, done.stdout if done.exit_code < 2 else done.output

    return called


def run(call, *words: str) -> dict:
    code, said = call("run", "edge.yaml", "--json", *words, ray=True)
    assert code == 0, said
    return json.loads(said)


def touched(place: Path) -> dict[str, int]:
    """Return when each part, answer and page of the ledger was written; no repetition writes one again."""
    names = ("points/*", "validation/*")
    files = [file for name in names for file in (place / "results" / "edge").glob(name)]
    files += [file for file in (place / "results").rglob("ledger*/**/*") if file.is_file()]
    return {str(file): file.stat().st_mtime_ns for file in files}


@pytest.fixture(scope="module")
def phases(call, place):
    """Each phase alone, and again: what it said both times and whether a file was written again."""
    found = {}
    for phase in ("mining", "analysis", "validation"):
        first = run(call, "--phase", phase)
        before = touched(place)
        found[phase] = first, run(call, "--phase", phase), before == touched(place)
    return found


def test_each_phase_alone_does_its_own_part(phases):
    mined, analysed, validated = (phases[name][0] for name in ("mining", "analysis", "validation"))
    assert mined["computed"] > 8
    assert (mined["analysis"], mined["verdict"]) == (None, None)
    assert analysed["computed"] == validated["computed"] == 0
    assert analysed["analysis"]["finalists"]
    assert analysed["verdict"] is None
    assert validated["analysis"] is None
    assert validated["verdict"]["chosen"] == "plain"


def test_each_phase_again_computes_nothing_and_is_no_look(phases):
    for first, again, untouched in phases.values():
        assert again["computed"] == 0
        assert untouched
        assert (again["analysis"], again["verdict"]) == (first["analysis"], first["verdict"])
    assert phases["validation"][1]["verdict"]["looks"] == 1


def test_all_phases_after_each_alone_say_the_same(call, place, phases):
    before = touched(place)
    whole = run(call)
    assert whole["computed"] == 0
    assert before == touched(place)
    assert whole["verdict"] == phases["validation"][0]["verdict"]
    assert whole["analysis"] == phases["analysis"][0]["analysis"]


CHOICE = "results/edge/choice.yaml"


@pytest.fixture
def verdict(phases):
    """What validation found of the one it chose, as plain data."""
    (one,) = phases["validation"][0]["verdict"]["candidates"]
    assert one["test_trades"] > 10
    return one


def test_run_of_the_choice_gives_the_figures_to_the_bit(call, verdict):
    code, said = call("run", CHOICE)
    assert code == 0
    assert "PASS: to the bit the figures, trades and events of when it was chosen" in said
    assert "plain(fast=2, slow=14, side=both)" in " ".join(said.split())


def test_backtest_of_the_choice_gives_the_figures_and_is_recorded(call, place, verdict):
    words = ("backtest", CHOICE, "--data", "whole.parquet", "--start", first_test_day(place), "--json")
    code, said = call(*words)
    assert code == 0
    metrics = json.loads(said)["metrics"]
    for name in ("total_return", "sharpe", "max_drawdown", "trades"):
        assert metrics[name] == verdict[f"test_{name}"]


def test_signal_on_new_data_gives_the_order_that_waits(call, place, verdict):
    code, said = call("signal", CHOICE, "--data", "test.parquet", "--json")
    assert code == 0
    (one,) = json.loads(said)["signals"]
    assert one["weight"] in (-1.0, 1.0)
    assert np.sign(one["position"]) == one["weight"] or one["orders"]
    code, said = call("signal", CHOICE, "--data", "train.parquet")
    assert code == 2
    assert "train.parquet: must go on after" in said


def first_test_day(place: Path) -> str:
    return str(load_bars(place / "test.parquet").dates[0])


def test_verify_passes_and_names_a_figure_that_was_changed(call, place, phases):
    code, said = call("verify", "results/edge", "--rows", "8")
    assert (code, said) == (0, "PASS: 8 rows replayed, every figure equal to the last bit\n")
    part = next((place / "results" / "edge" / "points").glob("*.parquet"))
    kept = part.read_bytes()
    table = pq.read_table(part)
    sharpe = table["sharpe"].to_numpy().copy()
    sharpe[:] = np.nextafter(sharpe, 9.0)
    pq.write_table(table.set_column(table.column_names.index("sharpe"), "sharpe", pa.array(sharpe)), part)
    try:
        code, said = call("verify", "results/edge", "--rows", "100")
    finally:
        part.write_bytes(kept)
    assert code == 1
    *rows, last = said.splitlines()
    assert last.startswith("FAIL: ")
    assert rows
    assert all(re.fullmatch(r"ma_crossover -?\d+ \S+: sharpe: \S+ stored, \S+ replayed", row) for row in rows)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "nowhere.yaml"), "nowhere.yaml: must be a file, found none"),
        (("run", "results/edge"), "go on with a run that is there with: admf-ray resume results/edge"),
        (("run", CHOICE, "--set", "a=1", "--top", "3"), "must be run as it was chosen, found --set, --top"),
        (("backtest", CHOICE, "--data", "test.parquet", "--cash", "5"), "as it was chosen, found --cash"),
        (("backtest", "edge.yaml", "--data", "test.parquet"), "must be a choice of admf-ray run, found no"),
        (("signal", "half.yaml", "--data", "test.parquet"), "half.yaml: must be whole"),
        (("run", "edited.yaml"), "edited.yaml: must be as it was written, found it edited"),
        (("signal", CHOICE), "Missing option '--data'"),
        (("signal", CHOICE, "--data", "gone.parquet"), "gone.parquet: must be a file, folder or glob"),
        (("verify", CHOICE), "must hold a run, found no run.json"),
        (
            ("run", "edge.yaml", "--set", "phase_3_test.data=gone.parquet", "--out", "results/new"),
            "--set phase_3_test.data: gone.parquet: must be a file, folder or glob",
        ),
    ],
)
def test_bad_input_is_refused_before_any_work(call, place, phases, words, said):
    text = (place / CHOICE).read_text()
    (place / "half.yaml").write_text(text[: text.index("evidence:")])
    (place / "edited.yaml").write_text(text.replace("fast: 2", "fast: 3"))
    code, found = call(*words)
    assert code == 2
    assert said in found
    assert not (place / "results" / "new" / "points").exists()


def test_run_of_the_choice_in_json_says_what_differs(call, phases):
    code, said = call("run", CHOICE, "--json")
    assert (code, json.loads(said)["differs"]) == (0, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("admf_ray.phases.signal.hashes", lambda held: {"trades": "other"})
        code, said = call("run", CHOICE, "--json")
        assert code == 1
        assert json.loads(said)["differs"]["hash_trades"][1] == "other"
        assert call("run", CHOICE, "--quiet")[1].splitlines()[-1].startswith("FAIL: other figures")


def test_another_look_needs_again_and_the_verdict_corrects_for_it(call, place, phases):
    code, said = call("run", "edge.yaml", "--phase", "validation", "--set", OTHER, ray=True)
    assert code == 2
    assert "edge.yaml" in said
    assert "test data are looked at once, found" in said
    assert (place / CHOICE).exists()
    words = ("run", "edge.yaml", "--phase", "validation", "--set", OTHER, "--again", "--json")
    code, said = call(*words, ray=True)
    assert code == 0
    verdict = json.loads(said)["verdict"]
    assert verdict["looks"] == 3  # the backtest of the choice is one
    assert [one["threshold"] for one in verdict["candidates"]] == [0.05 / 6]
    assert verdict["chosen"] is None
    assert not (place / CHOICE).exists(), "no choice of an earlier verdict beside this one"
    assert run(call, "--phase", "validation")["verdict"]["looks"] == 1
    assert call("run", CHOICE)[0] == 0
