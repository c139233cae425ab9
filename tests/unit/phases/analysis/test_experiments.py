"""Hypotheses: written down first, tested as one family, concluded in words that follow the numbers."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from admf_ray.config.analysis import ExperimentConfig
from admf_ray.config.load import parse_pipeline
from admf_ray.phases.analysis.coordinator import AnalysisCoordinator
from admf_ray.phases.analysis.hypotheses import corrected, record, recorded, told
from admf_ray.phases.analysis.recorded import recorded_variants
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.walk import walk
from admf_ray.results.store import RunStore
from tests.serial import serial
from tests.unit.phases.analysis.conftest import FILTERED, body


def hypothesis(name, **changes):
    return ExperimentConfig(name=name, base_strategy="ma_crossover", modifications=changes)


def test_a_hypothesis_is_known_by_what_it_says(tmp_path):
    store = RunStore(str(tmp_path))
    one, same = (hypothesis(name, params={"risk.stop_loss_frac": 0.05}) for name in ("a", "b"))
    other = hypothesis("a", params={"risk.stop_loss_frac": 0.04})
    assert len(record(store, [one, same])) == 1
    assert [each.name for each in record(store, [same, other])] == ["a", "a"]
    assert all(each.p_better is None for each in recorded(store))


def test_a_dropped_hypothesis_still_counts(tmp_path):
    store = RunStore(str(tmp_path))
    three = [hypothesis(f"h{k}", params={"risk.stop_loss_frac": 0.01 * (k + 1)}) for k in range(3)]
    first, *_ = record(store, three)
    family = told(store, {first.hash: (0.01, 0.995)})
    assert corrected(family)[first.hash] == pytest.approx((0.03, 1.0))
    assert record(store, three[:1]) == family


def test_they_are_written_before_anything_runs(folder, copied, monkeypatch):
    before = json.loads((copied / "hypotheses.json").read_text())
    new = {**FILTERED, "name": "stopped", "modifications": {"params": {"risk.stop_loss_frac": 0.03}}}
    with serial():
        mining = BacktestCoordinator(
            parse_pipeline(body(folder, experiments=(FILTERED, new))), out=str(copied)
        )
        phase_2 = AnalysisCoordinator(mining, mining.run_parameter_search())
        seen = []

        def stops(searches):
            seen.extend(json.loads((copied / "hypotheses.json").read_text()))
            raise KeyboardInterrupt

        monkeypatch.setattr(mining, "mine", stops)
        with pytest.raises(KeyboardInterrupt):
            phase_2.run()
    assert [one["name"] for one in seen] == ["with trend", "stopped"]
    assert seen[0] == before[0]
    assert seen[0]["p_better"] is not None
    assert seen[1]["p_better"] is None


def test_both_sides_select_and_are_compared_on_the_same_bars(done):
    (one,) = done.analysed.experiments
    own = one.compared
    baseline, variant = own.curves
    assert (baseline.bars == variant.bars).all()
    assert own.baseline.n_points < done.phase_2.mined.n_points
    assert own.variant.searched[0].stack.filters
    assert (
        own.skill.n_bars
        == len(baseline.returns)
        == sum(piece.stop - piece.start for piece in baseline.pieces)
    )
    assert (baseline.returns != variant.returns).any()
    np.testing.assert_array_equal(walk(own.variant).returns, variant.returns)
    row = one.row()
    root = math.sqrt(done.mining.search.bars.bars_per_year)
    assert row["effect"] == pytest.approx(own.skill.effect * root)
    assert row["low"] <= row["effect"] <= row["high"]
    windows = one.window_rows()
    assert len(windows) == len(done.phase_2.mined.folds) > 2
    assert row["variant_trades"] == sum(each["variant_trades"] for each in windows)
    assert sum(each["bars"] for each in one.regime_rows()) <= own.skill.n_bars
    assert one.conclusion in one.sentence()
    sure = replace(one, p_better=2e-4, p_worse=2e-4).sentence()
    assert "p(not " in sure
    assert ") below 0.001 over 1 hypothesis" in sure


def test_one_alone_joins_the_family(folder, copied):
    with serial():
        mining = BacktestCoordinator(parse_pipeline(body(folder)), out=str(copied))
        phase_2 = AnalysisCoordinator(mining, mining.run_parameter_search())
        never = {"name": "never", "modifications": {"params": {"trend_direction.mean_bars": 5000},
                                                    "add_filter": "trend_direction"}}  # fmt: skip
        found = phase_2.run_experiment(never, "ma_crossover")
    assert found["family"] == 2
    assert (found["conclusion"], found["variant_fills"]) == ("no trades", 0)
    assert found["representative"]["metrics"]["trades"] == found["representative"]["trades"] == 0
    assert "no trades" in found["sentence"]


def test_an_experiment_container_is_an_island(folder, copied):
    with serial():
        mining = BacktestCoordinator(parse_pipeline(body(folder)), out=str(copied))
        phase_2 = AnalysisCoordinator(mining, mining.run_parameter_search())
        figures = []
        for _ in range(2):
            container = phase_2._create_experiment_container("ma_crossover", FILTERED["modifications"])
            assert container.state == "created"
            container.initialize_scope()
            found = phase_2._execute_backtest(container)
            container.teardown_scope()
            figures.append(found["metrics"])
    assert figures[0]["fills"] > 0
    np.testing.assert_equal(figures[0], figures[1])


def test_hypotheses_that_the_configuration_does_not_name_are_tested_with_all_others(done, folder, copied):
    """Every trial that is counted is a trial that the statistics see."""
    before = done.analysed.luck
    outside = {"name": "outside", "modifications": {"params": {"risk.stop_loss_frac": 0.02}}}
    with serial():
        mining = BacktestCoordinator(parse_pipeline(body(folder, tools=(), experiments=())), out=str(copied))
        phase_2 = AnalysisCoordinator(mining, mining.run_parameter_search())
        phase_2.run_experiment(outside, "ma_crossover")
        found = phase_2.run()
        tested = recorded_variants(mining, {})
    assert tested.left_out == ()
    assert [one.source for one in tested.subjects] == ["with trend", "outside"]
    luck, more = found.luck, len(tested.subjects[1].ok)
    assert more > 10
    assert before.tested == before.trials.own
    assert luck.tested == luck.trials.own == before.tested + more == luck.superior["raw"].n_points
    assert luck.skill.counts["experiments"] == sum(len(one.ok) for one in tested.subjects)
    assert luck.trials_told == f"{luck.tested:,} trials are counted, {luck.tested:,} of them tested"
    variants = {int(i) for one in tested.subjects for i in one.ids}
    assert variants & set(found.found.tables["pbo"]["point_id"].to_pylist())


def test_what_cannot_be_tested_is_said(folder, copied):
    family = json.loads((copied / "hypotheses.json").read_text())
    unknown = {**family[0], "name": "gone", "hash": "1", "says": {
        "base_strategy": "ma_crossover", "modifications": {"add_filter": "no_such_filter"}}}  # fmt: skip
    halved = {**family[0], "name": "halved", "hash": "2", "p_better": None, "p_worse": None}
    (copied / "hypotheses.json").write_text(json.dumps([*family, unknown, halved]))
    with serial():
        mining = BacktestCoordinator(parse_pipeline(body(folder, tools=())), out=str(copied))
        found = AnalysisCoordinator(mining, mining.run_parameter_search()).run()
    assert [one.split(":")[0] for one in found.found.remarks] == ["hypothesis gone", "hypothesis halved"]
    assert "no_such_filter" in found.found.remarks[0]
    assert "never finished" in found.found.remarks[1]
    fewer = replace(found.luck, trials=replace(found.luck.trials, own=found.luck.tested + 3, before=7))
    assert f"{fewer.tested + 10:,} trials are counted, {fewer.tested:,} of them tested" in fewer.trials_told
    assert "3 failed or are of hypotheses without a result; 7 are of earlier runs" in fewer.trials_told
