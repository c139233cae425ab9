"""A choice of a strategy that learns: wherever it runs, it has learned from its training data alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from inline import inline
from small import small

from admf_ray.errors import ConfigError, DataError
from admf_ray.market import Window
from admf_ray.market.saving import write_parquet
from admf_ray.market.synthetic import planted_trend
from admf_ray.phases.pipeline import Pipeline
from admf_ray.phases.signal import backtest_choice, rerun_choice, run_choice, signal
from admf_ray.phases.validation.choice import read_choice
from admf_ray.phases.validation.netting import Held, Setting, hashes, run_case

N_TRAIN, N_BARS = 800, 1_300
BANDED = Path(__file__).parent / "banded.py"
LEARNED = """
      - {name: learned, strategy: Banded, params: {n: 8}}
"""


@pytest.fixture(scope="module")
def bars():
    return planted_trend(N_BARS, 2, net_sharpe=7.0, mean_run_bars=40).bars


@pytest.fixture(scope="module")
def done(tmp_path_factory, bars):
    """A run whose choice learns: its folder, and what validation found."""
    folder = tmp_path_factory.mktemp("learned")
    own = [f"strategies=[{BANDED}]", "phase_3_test.validation.drift_containers=2"]
    config = small(
        folder, bars, N_TRAIN, LEARNED, [*own, "phase_3_test.final_selection.verify_no_state_leakage=false"]
    )
    with inline():
        found = Pipeline(config, out=str(folder / "results" / "one")).run().verdict
    assert found.chosen == "learned"
    (answer,) = (folder / "results" / "one" / "validation").glob("test-*.json")
    return folder, json.loads(answer.read_text())


@pytest.fixture
def path(done):
    return done[0] / "results" / "one" / "choice.yaml"


def test_run_again_it_has_validations_bits(path, done):
    _, answer = done
    found, differs = rerun_choice(path)
    assert differs == {}
    assert found.metrics == answer["metrics"]
    assert len(found.trades) > 20
    assert hashes(Held(found.result, found.events)) == answer["hashes"]


def test_learning_from_the_bars_it_trades_would_be_another(path, bars, done):
    """What the other tests compare depends on what was learned."""
    case = read_choice(path).case
    held = run_case(case, Setting(bars, Window("full", N_TRAIN, N_BARS)))
    assert hashes(held)["trades"] != done[1]["hashes"]["trades"]


def test_backtest_and_signal_on_new_data_have_learned_the_same(path, bars, done):
    _, answer = done
    start = str(bars.slice(N_TRAIN, N_BARS).dates[0])
    found = backtest_choice(path, bars, start=start)
    assert found.metrics == answer["metrics"]
    assert hashes(Held(found.result, found.events)) == answer["hashes"]
    (now,), held = signal(path, bars, start)
    assert hashes(held) == answer["hashes"]
    assert now.position == held.result.positions[-1, 0] != 0.0
    new = bars.slice(N_TRAIN - 50, N_BARS)  # its training data are elsewhere
    fresh, _ = signal(path, new, start)
    assert (fresh[0].weight, fresh[0].position) == (now.weight, now.position)


def test_members_of_an_ensemble_learn_from_the_training_data_too(path, bars):
    chosen = read_choice(path)
    part = chosen.case.account
    several = replace(chosen.case, members=(part, part), weights=(0.5, 0.5))
    window = Window("full", N_TRAIN, N_BARS)
    one, two = (run_choice(replace(chosen, case=case), bars, window) for case in (chosen.case, several))
    assert hashes(one)["equity"] == hashes(two)["equity"]


def test_in_sample_bars_are_named(path, bars):
    last = bars.slice(0, N_TRAIN).dates[1]
    (note,) = [one for one in backtest_choice(path, bars).notes if "in sample" in one]
    assert note.startswith(f"chosen on data to {last}: ")


def test_other_training_data_or_none_are_one_line(path, bars, done):
    folder, _ = done
    file = folder / "train.parquet"
    kept = file.read_bytes()
    try:
        write_parquet(bars.slice(1, N_TRAIN), file)
        with pytest.raises(
            DataError, match=r"data\.training: must be the data it was chosen on, found others"
        ):
            signal(path, bars)
        file.unlink()
        with pytest.raises(
            DataError, match=r"data\.training: needs the data it was chosen on: .*train.parquet"
        ):
            rerun_choice(path)
    finally:
        file.write_bytes(kept)


def test_moved_training_data_may_be_named(path, bars, done, tmp_path):
    folder, answer = done
    moved = tmp_path / "moved.parquet"
    moved.write_bytes((folder / "train.parquet").read_bytes())
    other = tmp_path / "choice.yaml"
    other.write_text(path.read_text().replace(str(folder / "train.parquet"), str(moved)))
    assert rerun_choice(other)[0].metrics == answer["metrics"]


def test_data_that_end_before_the_training_and_other_symbols_are_refused(path, bars):
    with pytest.raises(DataError, match=r"must go on after .*, found them to end on"):
        signal(path, bars.slice(0, N_TRAIN))
    other = replace(bars, symbols=("OTHER",), instruments=())
    with pytest.raises(DataError, match=r"must run on the symbols it learned from, .*, found OTHER"):
        signal(path, other)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("n: 8", "n: 9"), "must be as it was written, found it edited"),
        (lambda text: text.replace("test_p: ", "test_p: 1"), "must be as it was written, found it edited"),
        (lambda text: text[: text.index("evidence:")], "must be whole, found no 'choice.digest' at its end"),
        (lambda text: text[: text.index("identity:") + 4], "must be valid YAML|must be whole"),
        (lambda text: "pipeline: {}\n", "must be a choice of admf-ray run, found no 'choice'"),
        (lambda text: "choice: 5\n", "must be whole"),
        (
            lambda text: text.replace("banded.py", "gone.py"),
            "strategies: .*gone.py: must be an existing Python file",
        ),
        (
            lambda text: re.sub(r"strategies:\n +- .*\n", "strategies: 5\n", text),
            "must be a list of Python files",
        ),
    ],
)
def test_what_is_no_choice_any_more_is_one_line(path, tmp_path, change, said):
    file = tmp_path / "choice.yaml"
    file.write_text(change(path.read_text()))
    with pytest.raises(ConfigError, match=said) as caught:
        read_choice(file)
    assert str(file) in str(caught.value)
