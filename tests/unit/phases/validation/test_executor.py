"""Phase 3 from the configuration to the verdict, its files, and what is made of them later."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inline import inline
from small import small

from admf_ray import TestExecutor, open_run
from admf_ray.config.load import parse_pipeline
from admf_ray.errors import ConfigError
from admf_ray.market.synthetic import planted_trend
from admf_ray.phases.analysis.finalist import Finalist
from admf_ray.phases.analysis.rows import Rows, Subject
from admf_ray.phases.analysis.skill import SKILL, read_skill, training_skill, write_skill
from admf_ray.phases.pipeline import Pipeline
from admf_ray.phases.signal import backtest_choice, rerun_choice, signal
from admf_ray.phases.validation import resolve
from admf_ray.phases.validation.case import Member
from admf_ray.phases.validation.choice import is_choice, read_choice
from admf_ray.phases.validation.repeated import repeat_finalists
from admf_ray.phases.validation.sealed import open_sealed
from admf_ray.phases.verify import verify_rows
from admf_ray.report.overfitting import statistic
from admf_ray.results.ledger import Ledger
from admf_ray.results.store import RunStore
from tests.sources import edited

N_TRAIN, N_BARS = 1_200, 1_700
FILTER = {"class": "CounterTrendFilter"}
ROWS = """
      - {name: plain, strategy: ma_crossover, params: {fast: 2, slow: 14, side: both}}
      - {name: enhanced_with_filters, add_components: [{name: f, class: CounterTrendFilter}]}
"""


@pytest.fixture(scope="module")
def bars():
    return planted_trend(N_BARS, 2, net_sharpe=5.0, mean_run_bars=40).bars


@pytest.fixture(scope="module")
def done(tmp_path_factory, bars):
    """A validated run: its configuration, folder, verdict, and the calls that were made."""
    folder = tmp_path_factory.mktemp("done")
    config = small(folder, bars, N_TRAIN)
    with inline() as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr("admf_ray.phases.validation.executor.OTHERS", 4)
        result = Pipeline(config, out=str(folder / "results" / "one")).run()
        yield config, folder / "results" / "one", result.verdict, list(made)


def test_a_strong_edge_is_accepted_and_the_verdict_is_three_sentences(done):
    _, _, verdict, _ = done
    assert verdict.chosen == verdict.candidates[0].name
    first, second, third = verdict.sentences
    assert first.startswith(f"Accepted: {verdict.chosen} (")
    assert "looked at 1 time." in first
    assert f"(p {verdict.candidates[0].judged.test_p:.4f}, at most 0.0083 allowed)" in second
    assert "find a true Sharpe ratio of 1.5 with probability" in third


def test_what_is_picked_is_phase_2s_finalist_and_its_figures_go_with_it(done):
    config, run, _, _ = done
    with inline():
        executor = TestExecutor(config, out=str(run))
        mined = executor.run_parameter_search()
    (one,) = mined.searched
    best = resolve._Training(executor.search, mined, ()).best()
    other = (best.point + 1) % one.n_points
    member = Member.of(one.stack, one.row(other))
    finalist = Finalist(
        1, "ma_crossover", member.point_id, member.names, member.parameters(), "grid", 0.0, {}, (), ()
    )
    training = resolve._Training(executor.search, mined, (finalist,))
    assert training.picked() == (best.strategy, other) != best
    assert training.pick("ma_crossover") == member


@pytest.mark.parametrize(
    ("file", "anew"),
    [
        ("phases/validation/exam.py", True),
        ("phases/validation/netting.py", True),
        ("results/schema.py", True),
        ("engine/replay.py", True),
        ("report/page.py", False),
    ],
)
def test_an_answer_of_other_sources_is_computed_anew(done, tmp_path, monkeypatch, file, anew):
    config, run, _, _ = done
    with inline() as made:
        executor = TestExecutor(config, out=str(run))
        mined = executor.run_parameter_search()
        judging, order = executor._in_training(mined)
        assert (len(order), made) == (3, [])
        executor.store = RunStore(str(tmp_path))
        executor.store.create()
        shutil.copytree(run / "validation", tmp_path / "validation")

        def answer(work, hall, reused):
            made.extend(work)
            return dict(judging.trained)

        monkeypatch.setattr(executor, "_each", answer)
        with edited(file):
            executor._answers(order, judging.hall, "training", False)
        assert sorted(made) == (sorted(case.name for case in order) if anew else [])


def test_phase_2s_test_of_other_sources_is_made_again(done, tmp_path):
    config, run, _, _ = done
    with inline():
        executor = TestExecutor(config, out=str(run))
        mined = executor.run_parameter_search()
    rows = Rows(tuple(Subject("grid", one) for one in mined.searched), executor.search.conditions)
    store = RunStore(str(tmp_path))
    write_skill(store, training_skill(rows, 0), rows)
    assert read_skill(store, rows, 0) is not None
    with edited("analysis/overfitting/superior.py"):
        assert read_skill(store, rows, 0) is None


def test_the_training_p_is_over_the_rows_and_what_is_composed(done):
    """A point of the grid is a row already; netted strategies and one with a filter added are not."""
    config, run, verdict, _ = done
    with inline():
        executor = TestExecutor(config, out=str(run))
        mined = executor.run_parameter_search()
        judging, order = executor._in_training(mined)
    rows = Rows(tuple(Subject("grid", one) for one in mined.searched), executor.search.conditions)
    composed = [case for case in order if case.name != "plain"]
    own = np.column_stack([judging.hall.excess(judging.trained[case.name]) for case in composed])
    assert verdict.trials == {"grid": len(rows), "experiments": 0, "composed": 2}
    assert verdict.training_p == training_skill(rows, 0).joined(own).superior.spa_p
    assert f"over {len(rows) + 2:,} trials in training" in verdict.sentences[1]
    assert "2 composed for validation" in json.loads((run / "verdict.json").read_text())["trials_told"]


def test_nothing_composed_gives_phase_2s_p(tmp_path, bars):
    """Phase 2's variants are rows as well: the pick with the very filter of an experiment is one of them."""
    experiment = {"name": "f", "base_strategy": "ma_crossover", "modifications": {"add_filter": FILTER}}
    config = small(tmp_path, bars, N_TRAIN, ROWS)
    body = config.to_dict()["pipeline"]
    body["phase_2_analysis"] = {"experiments": [experiment], "candidates": 4, "seed": 7}
    body["phase_3_test"]["final_selection"]["verify_no_state_leakage"] = False
    config = parse_pipeline({"pipeline": body})
    with inline():
        result = Pipeline(config, out=str(tmp_path / "root" / "run")).run()
        verdict, luck = result.verdict, result.analysed.luck
        (tmp_path / "root" / "run" / SKILL).unlink()
        alone = TestExecutor(config, out=str(tmp_path / "root" / "run")).validate()
    assert [one.name for one in verdict.candidates if one.kind != "adaptive"] == [
        "plain",
        "enhanced_with_filters",
    ]
    assert verdict.trials["experiments"] > 10
    assert verdict.trials == luck.skill.counts
    assert verdict.training_p == luck.superior["excess"].spa_p
    assert verdict.training_p == statistic(open_run(tmp_path / "root" / "run").table("overfitting"), "spa_p")
    assert alone.trials == verdict.trials  # the experiment's rows are trials of the run
    assert alone.training_p == verdict.training_p


def test_every_finalist_has_its_own_processes_and_its_certificate(done):
    _, _, verdict, made = done
    names = [one.name for one in verdict.candidates]
    assert sorted(names) == ["baseline_adaptive", "enhanced_with_filters", "plain"]
    assert len(made) == 2 * 3 + 3 * 2 + 2 + 1  # exams, certificates, tile sizes of points, company
    for one in verdict.candidates:
        assert one.certificate["verdict"] == "PASS"
        assert one.certificate["a fresh process"] == one.certificate["shuffled order"] == "equal"
        assert set(one.verified.values()) == {
            "replay = replay" if one.kind == "adaptive" else "replay = sweep"
        }
        assert one.metrics["trades"] > 3


def test_names_that_begin_with_another_are_not_mixed_up(tmp_path, bars):
    rows = """
      - {name: a, strategy: ma_crossover, params: {fast: 2, slow: 14, side: both}}
      - {name: "a:x", strategy: ma_crossover, params: {fast: 4, slow: 20, side: both}}
"""
    config = small(tmp_path, bars, N_TRAIN, rows)
    with inline() as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr("admf_ray.phases.validation.executor.OTHERS", 2)
        verdict = Pipeline(config, out=str(tmp_path / "results" / "one")).run().verdict
    one, other = verdict.candidates
    assert {one.name, other.name} == {"a", "a:x"}
    assert one.metrics["trades"] != other.metrics["trades"]
    assert len(made) == 2 * 2 + 2 * 3 + 1  # exams, certificates, company
    assert one.certificate["verdict"] == other.certificate["verdict"] == "PASS"
    assert set(one.certificate) == set(other.certificate)
    assert not any(how.startswith("x:") for how in one.certificate)


def test_quarters_begin_anew_and_stand_beside_the_continuous_run(done):
    _, run, verdict, _ = done
    quarters = pq.read_table(run / "quarters.parquet").to_pandas()
    for one in verdict.candidates:
        own = quarters[quarters["name"] == one.name]
        assert len(own) == one.joins["n_quarters"] > 6
        assert np.prod(1 + own["total_return"]) - 1 == pytest.approx(one.joins["chained_return"])
        assert one.joins["continuous_return"] == one.metrics["total_return"]
        assert one.joins["difference"] != 0.0
        assert f"{int(own['open_at_end'][:-1].sum())} of {len(own) - 1} joins" in one.joins["why"]


def test_tables_hold_drift_noise_delay_and_the_training_distribution(done):
    _, run, verdict, _ = done
    drift = pq.read_table(run / "drift.parquet").to_pandas()
    counts = drift[drift["name"] == "plain"].groupby(["data", "kind"]).size().to_dict()
    assert counts == {
        ("training", "unperturbed"): 1, ("training", "drift"): 4, ("test", "unperturbed"): 1,
        ("test", "drift"): 4, ("test", "noise"): 5, ("test", "delay"): 1,
    }  # fmt: skip
    compared = pq.read_table(run / "comparison.parquet").to_pandas().set_index(["name", "figure"])
    row = compared.loc[("plain", "quarter.sharpe")]
    assert row["expected_low"] < row["expected"] < row["expected_high"]
    assert 0.0 <= row["percentile"] <= 1.0
    assert row["n_expected"] > 50
    interval = compared.loc[("plain", "sharpe")]
    assert interval["low"] < interval["test"] < interval["high"]
    curves = pq.read_table(run / "validation_curves.parquet").to_pandas()
    own = curves[(curves["name"] == "plain") & (curves["data"] == "test")]["return"]
    plain = next(one for one in verdict.candidates if one.name == "plain")
    assert len(own) == N_BARS - N_TRAIN
    assert np.prod(1 + own) - 1 == pytest.approx(plain.metrics["total_return"])
    assert json.loads((run / "verdict.json").read_text())["chosen"] == verdict.chosen


def test_the_same_again_runs_nothing_and_is_no_look(done):
    config, run, verdict, _ = done
    with inline() as made:
        again = TestExecutor(config, out=str(run)).validate()
    assert made == []
    assert (again.looks, again.sentences) == (1, verdict.sentences)


def test_other_finalists_need_again_and_a_smaller_p(done, bars):
    config, run, _, _ = done
    body = config.to_dict()["pipeline"]
    other = body["phase_3_test"]["test_strategies"].pop()
    body["phase_3_test"]["test_strategies"] = [other | {"params": {"fast": 2, "slow": 8, "side": "both"}}]
    body["phase_3_test"]["final_selection"]["verify_no_state_leakage"] = False
    other = parse_pipeline({"pipeline": body})
    out = str(run.parent / "two")
    with inline():
        with pytest.raises(ConfigError, match="looked at once, found 1 different look before"):
            TestExecutor(other, out=out).validate()
        found = TestExecutor(other, out=out).validate(again=True)
    assert found.looks == 2
    assert {one.judged.threshold for one in found.candidates} == {0.05 / 4}


def test_finalists_come_out_again_and_a_changed_answer_does_not(done):
    _, run, _, _ = done
    with inline():
        found = repeat_finalists(open_run(run))
        assert len(found) > 20
        assert {one.differs for one in found} == {()}
        (file,) = [
            path
            for path in (run / "validation").glob("test-*.json")
            if json.loads(path.read_text())["case"] == "plain"
        ]
        kept = file.read_text()
        answer = json.loads(kept)
        answer["metrics"]["sharpe"] = np.nextafter(answer["metrics"]["sharpe"], 9.0)
        file.write_text(json.dumps(answer))
        bad = [one for one in repeat_finalists(open_run(run)) if one.differs]
        file.write_text(kept)
    assert [(one.strategy, one.window) for one in bad] == [("plain", "full")]
    assert bad[0].differs[0].startswith("sharpe: ")


def test_random_rows_come_out_again_and_a_changed_one_does_not(done, tmp_path):
    _, run, _, _ = done
    found = verify_rows(open_run(run), 12)
    assert len({(one.point_id, one.window) for one in found}) == 12
    assert {one.differs for one in found} == {()}
    part = next((run / "points").glob("*.parquet"))
    kept = part.read_bytes()
    table = pq.read_table(part)
    changed = pa.array(np.nextafter(table["total_return"].to_numpy(), 9.0))
    pq.write_table(table.set_column(table.column_names.index("total_return"), "total_return", changed), part)
    bad = verify_rows(open_run(run), 12)
    part.write_bytes(kept)
    assert all(one.differs[0].startswith("total_return: ") for one in bad)


def test_the_choice_is_a_file_that_runs_again_to_the_bit(done, bars):
    _, run, verdict, _ = done
    path = run / "choice.yaml"
    assert is_choice(path)
    assert not is_choice(run.parents[1] / "p.yaml")
    chosen = read_choice(path)
    case, body = chosen.case, chosen.body
    one = verdict.candidates[0]
    assert (case.name, case.identity) == (one.name, one.identity)
    assert body["evidence"]["test_p"] == one.judged.test_p
    found, differs = rerun_choice(path)
    assert differs == {}
    assert found.metrics == one.metrics
    start = str(bars.slice(N_TRAIN, N_BARS).dates[0])
    assert backtest_choice(path, bars, start=start).metrics["trades"] == one.metrics["trades"]


def test_a_choice_of_other_code_is_refused(done, monkeypatch):
    _, run, _, _ = done
    monkeypatch.setattr("admf_ray.phases.validation.choice.code_digest", lambda cls: cls.label())
    with pytest.raises(
        ConfigError, match=r"choice\.yaml: must be of the code it was chosen with, found other"
    ):
        read_choice(run / "choice.yaml")


def test_the_signal_after_a_bar_is_the_order_that_the_next_bar_fills(done, bars):
    _, run, _, _ = done
    start = str(bars.slice(N_TRAIN, N_BARS).dates[0])
    _, whole = signal(run / "choice.yaml", bars, start)
    order = whole.result.orders[3]
    (now,), held = signal(run / "choice.yaml", bars.slice(0, order.bar + 1), start)
    assert held.result.orders[-1][:5] == order[:5]
    assert [one["qty"] for one in now.orders] == [order.qty]
    k = order.bar - N_TRAIN
    assert now.position == whole.result.positions[k, 0]
    assert order.bar + 1 in [fill.bar for fill in whole.result.fills]
    (quiet,), _ = signal(run / "choice.yaml", bars.slice(0, order.bar + 2), start)
    assert (quiet.orders, quiet.weight) == ((), now.weight)


def test_one_test_runs_in_a_container_of_its_own(done):
    config, run, verdict, _ = done
    with inline():
        executor = TestExecutor(config, out=str(run))
        mined = executor.run_parameter_search()
        from admf_ray.phases.validation.resolve import resolve

        cases = resolve(executor.search, mined).cases
        ledger = Ledger(str(run.parent))
        sealed = open_sealed(
            config, executor.search.bars, ledger, str(run), [one.identity for one in cases], False
        )
        row = executor._run_test_in_container(cases[2], sealed)
        suite = executor.run_test_suite(config.phase_3_test.test_strategies[2:], sealed)
    plain = next(one for one in verdict.candidates if one.name == "plain")
    assert cases[2]["strategy_class"] == "ma_crossover"
    assert cases[2]["strategy_params"]["slow"] == 14
    assert row["metrics"] == plain.metrics
    assert list(suite) == ["plain"]
    assert suite["plain"]["metrics"] == plain.metrics
