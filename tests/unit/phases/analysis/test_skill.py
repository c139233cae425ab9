"""The training test: over every row of every strategy, compiled or not, and joined by what is composed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from admf_ray.engine.paths import returns_of
from admf_ray.market.saving import write_parquet
from admf_ray.market.synthetic import fat_tails, garch
from admf_ray.phases.analysis import rows as rows_module
from admf_ray.phases.analysis.rows import GRID, Rows, Subject
from admf_ray.phases.analysis.skill import SKILL, read_skill, told, training_skill, write_skill
from admf_ray.results.store import RunStore
from tests.searching import pipeline, search
from tests.serial import serial

TWINS = """
from admf_ray import Param, Strategy
from admf_ray.components.indicators import lag


class Swept(Strategy):
    \"\"\"Long above the close so many bars ago.\"\"\"

    back = Param(5, low=1, high=300)

    def prepare(bars, p):
        return {"close": bars.close, "before": lag(bars.close, p.back)}

    def decide(now):
        return 1.0 if now.close > now.before else 0.0


class Asked(Strategy):
    \"\"\"The same in plain Python.\"\"\"

    back = Param(5, low=1, high=300)

    def on_bar(self, bar):
        closes = bar.history(self.back + 1).close
        return 1.0 if bar.bar >= self.back and closes[-1] > closes[0] else 0.0
"""
MARKETS = [(garch, 11, 50), pytest.param((fat_tails, 12, 230), marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=MARKETS, ids=["garch", "fat tails"])
def twins(request, tmp_path_factory):
    """Rows of a compiled strategy and of its twin in plain Python, and their run."""
    make, seed, n_points = request.param
    grid = {"parameters": {"back": {"start": 1, "stop": n_points, "step": 1}}}
    folder = tmp_path_factory.mktemp("twins")
    (folder / "twins.py").write_text(TWINS)
    write_parquet(make(260, seed, annual_drift=0.1).bars, folder / "bars.parquet")
    body = pipeline(
        folder, {"Swept": grid, "Asked": grid}, files=(folder / "twins.py",), folds=False,
        search={"neighborhood_testing": {"enabled": False}}, execution={"tile_points": 20},
        data={"source": str(folder / "bars.parquet")},
    )  # fmt: skip
    with serial(shuffled=seed), pytest.MonkeyPatch.context() as patch:
        patch.setattr("admf_ray.phases.running.refuse_foresight", lambda *_: None)  # tested elsewhere
        run = search(body, folder / "run")
    searched = run.mined.searched
    return [Rows((Subject(GRID, one),), run.search.conditions) for one in searched], run


def test_a_plain_twin_has_the_same_p(twins, monkeypatch):
    (swept, asked), _ = twins
    compiled = [one.subjects[0].searched.stack.strategy.is_compiled() for one in (swept, asked)]
    assert compiled == [True, False]
    monkeypatch.setattr(rows_module, "points_at_a_time", lambda n_bars: 13)
    mine, its = training_skill(swept, 0), training_skill(asked, 0)
    assert mine.counts == its.counts == {GRID: len(swept), "experiments": 0}
    assert len(np.unique(swept.figure("sharpe"))) > 40
    assert 0.001 < mine.superior.spa_p < 1
    assert its.superior[:4] == mine.superior[:4]
    assert its.extremes.drawn == mine.extremes.drawn
    assert np.isclose(its.extremes.high_t, mine.extremes.high_t, rtol=1e-12).all()


def test_kept_returns_have_the_bits_of_a_replay(twins):
    (swept, asked), _ = twins
    places = np.array([2, 17, 30, 49])
    (subject,) = asked.subjects
    kept = np.concatenate(list(subject.returns(asked.conditions, places)))
    stack, points = subject.searched.stack, subject.rows(subject.ok[places])
    assert (kept != 0).any(axis=1).all()
    np.testing.assert_array_equal(kept, np.concatenate(list(returns_of(asked.conditions, stack, points))))
    np.testing.assert_array_equal(
        kept, np.concatenate(list(swept.subjects[0].returns(swept.conditions, places)))
    )


def test_what_is_composed_counts_with_the_rows(twins):
    (swept, _), _ = twins
    skill = training_skill(swept, 0)
    (edge,) = next(swept.excess(np.array([3]))).T
    strong = skill.joined((edge + 0.01)[:, None])
    assert strong.counts == {GRID: len(swept), "experiments": 0, "composed": 1}
    assert strong.superior.spa_p < 0.01 < skill.superior.spa_p
    assert strong.superior.n_points == len(swept) + 1
    assert skill.joined(np.empty((260, 0))) is skill
    assert told(strong.counts).endswith(" of the grid and their neighbours, 1 composed for validation")


def test_what_phase_2_left_is_taken_for_the_same_rows_only(twins, tmp_path):
    (swept, asked), _ = twins
    store = RunStore(str(tmp_path))
    assert read_skill(store, swept, 0) is None
    both = Rows((*swept.subjects, Subject("an experiment", asked.subjects[0].searched)), swept.conditions)
    skill = training_skill(both, 0)
    write_skill(store, skill, both)
    found = read_skill(store, both, 0)
    assert skill.counts == {GRID: len(swept), "experiments": len(asked)}
    assert found.counts == skill.counts
    for mine, its in zip(found.extremes, skill.extremes, strict=True):
        np.testing.assert_array_equal(mine, its)
    assert read_skill(store, both, 1) is None
    assert read_skill(store, asked, 0) is None
    assert read_skill(store, swept, 0) is None  # before the experiment
    fewer = replace(swept.subjects[0])
    fewer.__dict__["ok"] = swept.subjects[0].ok[:-1]
    assert read_skill(store, Rows((fewer, both.subjects[1]), swept.conditions), 0) is None
    assert json.loads((tmp_path / SKILL).read_text())["extremes"]["n_points"] == 2 * len(swept)
