"""Phase 2 as a whole: its tables, what they rest on, and that it changes nothing when run again."""

import json
import math

import numpy as np
import pytest

from admf_ray import open_run
from admf_ray.analysis.path_intervals import PATH_FIGURES
from admf_ray.engine.paths import returns_of
from admf_ray.errors import ConfigError
from admf_ray.phases.analysis.overfitting import STATISTICS, _joined
from admf_ray.phases.analysis.rows import Rows, Subject
from admf_ray.phases.analysis.tables import TABLES
from admf_ray.results.ledger import Ledger
from tests.unit.phases.analysis.conftest import TOOLS, analyse, body


@pytest.fixture(scope="module")
def run(done):
    return open_run(done.out)


def test_every_table_is_read_from_python(run):
    for name in TABLES:
        frame = run.table(name)
        assert len(frame) > 0, name
    with pytest.raises(ConfigError, match="did you mean 'clusters'"):
        run.table("cluster")
    assert run.analysis["clusters"]["by_features"]["scores"]


def test_training_data_alone(done):
    assert not (done.out.parent.parent / "never.parquet").exists()
    assert done.analysed is not None


def test_candidates_are_the_points_of_the_store(done, run):
    points = run.points().set_index("point_id")
    frame = run.table("clusters")
    assert len(frame) >= 5
    assert frame["point_id"].is_unique
    assert (points.loc[frame["point_id"], "trades"] > 0).any()
    best = run.best(3)["point_id"]
    assert set(best) <= set(frame["point_id"])
    assert (frame["near_duplicates"] < len(frame)).all()
    assert set(frame["complement"]) <= set(frame["correlation_cluster"])
    assert (frame["complement"] != frame["correlation_cluster"]).all()
    spread = frame["volatility"].to_numpy() * math.sqrt(done.mining.search.bars.bars_per_year)
    assert spread == pytest.approx(points.loc[frame["point_id"], "volatility"].to_numpy(), rel=1e-9)


def test_regimes_sum_to_the_whole(run):
    frame = run.table("regimes")
    own = frame[frame["kind"] == "candidate"].groupby("point_id")
    points = run.points().set_index("point_id")
    gained = points["final_equity"] - 100_000.0
    assert gained.abs().max() > 100
    assert own["pnl"].sum().to_numpy() == pytest.approx(gained.loc[list(own.groups)].to_numpy(), abs=1e-6)
    trades = own["trades"].sum()
    assert trades.sum() > 20
    best = frame[frame["kind"] == "best"]
    assert set(best["strategy"]) == {"ma_crossover", "rsi_reversion"}
    quality = frame[frame["kind"] == "classifier"]
    assert quality["balance"].sum() == pytest.approx(1.0)
    assert (quality["bars"] > 0).sum() > 1
    told = {one["regime"]: one["self_transition"] for one in run.analysis["regimes"]["regimes"]}
    stays = dict(zip(quality["regime"], quality["self_transition"], strict=True))
    assert {k: v for k, v in stays.items() if v == v} == {k: v for k, v in told.items() if v is not None}


def test_at_the_break_even_cost_the_profit_is_gone(done, run):
    table = run.table("overfitting")
    found = table[
        (table["statistic"] == "break_even_bps") & np.isfinite(table["value"]) & (table["value"] > 0)
    ]
    assert len(found) > 0
    tested = 0
    for row in found.itertuples():
        point = run.points().set_index("point_id").loc[row.point_id]
        searched = next(s for s in done.phase_2.mined.searched if s.stack.strategy.label() == row.strategy)
        values = {name: point[name] for name in searched.varied}
        ran = searched.stack.vector(
            {**searched.stack.decode(searched.row(0)), **values,
             "broker.commission_frac": row.value / 1e4, "broker.slippage_frac": 0.0}
        )  # fmt: skip
        (path,) = next(returns_of(done.mining.search.conditions, searched.stack, ran[None]))
        assert (path != 0).any()
        if abs(np.prod(1 + path) - 1) < 1e-4:
            tested += 1
    assert tested == len(found)


def test_optima_are_flagged(run):
    frame, facts = run.table("sensitivity"), run.analysis["sensitivity"]
    for one in facts:
        own = frame[frame["strategy"] == one["strategy"]]
        for side, prefix in (("chosen", ""), ("highest", "highest_")):
            assert set(own[f"{prefix}spike"]) == {one[side]["spike"]}
            edges = own[own[f"{prefix}edge"] != ""]
            said = [f"{a} {b}" for a, b in zip(edges["parameter"], edges[f"{prefix}edge"], strict=True)]
            assert ", ".join(said) == one[side]["edges"]
    assert (frame["edge"] != "").any() or (frame["highest_edge"] != "").any()


def test_intervals_stand_round_the_figures_of_the_store(run):
    table, points = run.table("overfitting"), run.points().set_index("point_id")
    for name in PATH_FIGURES:
        own = table[(table["statistic"] == name) & (table["basis"] == "raw")].set_index("point_id")
        assert len(own) > 4
        stored = points.reindex(own.index)[name].dropna()
        assert own.loc[stored.index, "value"].to_numpy() == pytest.approx(stored.to_numpy(), rel=1e-9)
        assert (own["low"] < own["high"]).all()


def test_statistics_are_all_explained(run):
    table = run.table("overfitting")
    assert set(table["statistic"]) == set(STATISTICS)
    own = table[table["scope"] == "run"].set_index(["statistic", "basis"])["value"]
    for name in ("spa_p", "reality_check_p"):
        assert 0 < own[name, "excess"] <= 1
    assert 0 <= own["pbo", "raw"] <= 1
    assert 1 <= own["effective_trials", "excess"] <= own["trials", ""]


def test_variants_and_neighbours_are_trials(done, run):
    ids = {int(i) for i in run.points()["point_id"]}
    own = run.table("overfitting").set_index("statistic").loc["trials_own", "value"]
    variant = done.analysed.experiments[0].compared.variant.searched[0]
    variants = {int(i) for i in variant.figures.ids}
    assert variants
    assert not variants & ids
    assert own == len(ids | variants)
    tested = run.table("overfitting")
    tested = tested[(tested["statistic"] == "points_tested") & (tested["basis"] == "excess")]["value"].iloc[0]
    assert tested == own


def test_again_it_is_the_same_and_adds_no_trial(done, folder):
    before = {file.name: file.read_bytes() for file in done.out.glob("*.parquet")}
    entries = sorted(file.name for file in (done.out.parent / "ledger" / "trials").iterdir())
    analyse(body(folder), done.out)
    after = {file.name: file.read_bytes() for file in done.out.glob("*.parquet")}
    assert before == after
    assert set(TABLES) <= {name.removesuffix(".parquet") for name in before}
    assert sorted(file.name for file in (done.out.parent / "ledger" / "trials").iterdir()) == entries


def test_a_second_run_knows_the_first_ones_trials(done, folder):
    two = body(folder, tools=(), experiments=())
    two["pipeline"]["phase_1_mining"]["parameter_search"]["base_grid"]["strategies"].pop("rsi_reversion")
    two["pipeline"]["phase_1_mining"]["parameter_search"]["base_grid"]["strategies"]["ma_crossover"][
        "parameters"
    ]["fast"] = [3, 4]
    found = analyse(two, done.out.parent / "two").analysed.luck.trials
    ledger = Ledger(str(done.out.parent))
    kept = json.loads((done.out.parent / "two" / "trials.json").read_text())
    assert found.own > 10
    assert found.before > 100
    assert found.total == len(np.union1d(ledger.trials(kept["entries"]), _own_ids(done.out.parent / "two")))


def _own_ids(out):
    return open_run(out).points()["point_id"].to_numpy()


def test_those_listed_run_and_no_others(folder, copied):
    for file in copied.glob("*.parquet"):
        file.unlink()
    analyse(body(folder, tools=TOOLS[2:3], experiments=()), copied)
    names = {file.stem for file in copied.glob("*.parquet")}
    assert {"consistency", "band", "overfitting", "pbo", "finalists"} <= names
    assert not names & {"sensitivity", "heatmaps", "slices", "clusters", "regimes", "experiments"}


def test_who_is_near_whom_survives_the_joining(done):
    mined = done.phase_2.mined
    rows = Rows(tuple(Subject("grid", one) for one in mined.searched), done.mining.search.conditions)
    sums, near, n_points = _joined(rows)
    assert n_points == mined.n_points
    assert len(sums) == len(rows)
    at = 0
    for one in rows.subjects:
        for i in range(one.searched.n_points):
            mine = near(at, at + 1)[0]
            index = one.searched.points.index(i, i + 1)[0]
            wanted = one.sums[np.searchsorted(one.ok, index[index >= 0])]
            np.testing.assert_array_equal(sums[mine[mine >= 0]], wanted)
            assert len(wanted) > 0
            at += 1
    block = near(0, n_points)
    np.testing.assert_array_equal(block[5:9], near(5, 9))


def test_finalists_stand_in_order_with_reasons(done, run):
    finalists = run.finalists()
    assert finalists
    assert finalists == done.analysed.finalists
    assert [one.rank for one in finalists] == list(range(1, len(finalists) + 1))
    assert [one.score for one in finalists] == sorted((one.score for one in finalists), reverse=True)
    for one in finalists:
        row = one.components.build().vector(one.parameters)
        searched = next(s for s in done.phase_2.mined.searched if s.stack.strategy.label() == one.strategy)
        place = int(np.flatnonzero(searched.figures.ids == one.point_id)[0])
        np.testing.assert_array_equal(row, searched.row(place))
        assert one.reasons_for or one.reasons_against
        assert any("SPA p" in text for text in (*one.reasons_for, *one.reasons_against))
        assert one.scores["total_return"] > 0
