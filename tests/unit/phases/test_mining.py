"""Phase 1 with its neighbourhood: what is selected, from what, and the curves that follow."""

from contextlib import contextmanager

import numpy as np
import pytest

from admf_ray import Param, Strategy
from admf_ray.analysis.robustness import robustness
from admf_ray.cluster import session
from admf_ray.components import library  # noqa: F401  (registers)
from admf_ray.components.indicators import lag, subtract
from admf_ray.components.registry import find
from admf_ray.config.load import load_pipeline
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import sweep
from admf_ray.market import Bars, Fold, Window
from admf_ray.market.saving import write_parquet
from admf_ray.market.sealing import closed_now
from admf_ray.market.synthetic import planted_spike, random_walk
from admf_ray.phases import mining
from admf_ray.phases.mined import Mined, PointAt, Searched
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.opened import open_run
from admf_ray.phases.search import prepare_search
from admf_ray.phases.walk import walk
from admf_ray.rules.metrics import METRICS
from admf_ray.space.grid import parse_grid
from admf_ray.space.neighborhood import Neighborhood
from tests.serial import HERE, serial

PIPELINE = """
pipeline:
  name: small
  phase_1_mining:
    data: {{source: "{data}"}}
    walk_forward: {{training_window: 100, test_window: 63, step_size: 21}}
    parameter_search:
      base_grid:
        strategies:
          ma_crossover:
            parameters: {{fast: [3, 6], slow: {{start: 8, stop: 20, step: 4}}}}
      neighborhood_testing: {{radius: 1}}
    container_components:
      - {{name: data_handler, class: HistoricalDataHandler}}
      - {{name: strategy, class: configurable}}
      - {{name: broker, class: SimulatedBroker, params: {{commission_frac: 0.001, slippage_frac: 0.001}}}}
"""


def config_of(folder, bars, *overrides):
    write_parquet(bars, folder / "bars.parquet")
    (folder / "p.yaml").write_text(PIPELINE.format(data=folder / "bars.parquet"))
    return load_pipeline(folder / "p.yaml", overrides)


def mined(folder, bars, *overrides):
    config = config_of(folder, bars, *overrides)
    out = folder / f"run_{len(list(folder.iterdir()))}"
    with serial():
        return BacktestCoordinator(config, out=str(out)).run_parameter_search()


def opened(found):
    """The run that a search stands in."""
    return open_run(found.searched[0].figures.store.uri)


def changed_from(bars, t):
    """The bars with everything from `t` on upside down."""
    prices = [getattr(bars, name)[:, 0].copy() for name in ("open", "high", "low", "close")]
    pivot = prices[3][t - 1]
    opens, highs, lows, closes = (np.r_[x[:t], pivot**2 / x[t:]] for x in prices)
    highs, lows = np.r_[highs[:t], lows[t:]], np.r_[lows[:t], highs[t:]]
    return Bars.from_arrays(opens, highs, lows, closes, time_ns=bars.time_ns)


@pytest.fixture(scope="module")
def bars():
    return random_walk(260, 5).bars


@pytest.fixture(scope="module")
def found(bars, tmp_path_factory):
    return mined(tmp_path_factory.mktemp("found"), bars)


@pytest.fixture(scope="module")
def walked(found):
    return walk(found)


class Line:
    """Points of which each has the one before and the one behind for neighbours."""

    def __init__(self, stack, count):
        self.n_points = count
        self._rows = np.tile(stack.vector({"fast": 1, "slow": 99}), (count, 1))
        self._rows[:, stack.columns.index("fast")] += np.arange(count)

    def __len__(self):
        return self.n_points

    def rows(self, begin, end):
        return self._rows[begin:end]

    def index(self, begin, end):
        places = np.arange(self.n_points)[begin:end]
        return np.column_stack([places - 1, np.where(places + 1 < self.n_points, places + 1, -1)])


class Told:
    """Figures of a search that never was."""

    def __init__(self, scores):
        self._scores = scores

    def columns(self, names, window):
        own = self._scores.get(window, np.zeros_like(self._scores["full"]))
        return {name: np.ones_like(own) if name == "trades" else own for name in names}


def made(full, trains):
    """Phase 1 of fabricated scores: one strategy, `fast` from 1 on, radius 1, two folds."""
    stack = Stack(find("ma_crossover"))
    told = Told({"full": full, "train_0": trains[0], "train_1": trains[1]})
    searched = Searched(stack, ("fast",), Line(stack, len(full)), told, "sharpe", True)
    folds = tuple(Fold(k, Window(f"train_{k}", 0, 1), Window(f"test_{k}", 1, 2)) for k in range(2))
    windows = (Window("full", 0, 2), *(w for fold in folds for w in (fold.train, fold.test)))

    def of(by):
        return Mined(None, windows, folds, (searched,), "sharpe", True, by, "history", ())

    return of


def test_a_spike_loses_to_a_plateau_in_every_window():
    spike = np.array([0.0, 0.1, 3.0, 0.0, 0.9, 1.0, 1.0, 0.9])
    of = made(spike, [spike[::-1].copy(), spike])
    assert of("objective").best("full", "objective") == [PointAt(0, 2)]
    assert of("robust_score").best("full", "robust_score") == [PointAt(0, 5)]
    assert of("objective").chosen == [PointAt(0, 5), PointAt(0, 2)]
    assert of("robust_score").chosen == [PointAt(0, 1), PointAt(0, 5)]


def test_ties_are_broken_by_lattice_order():
    of = made(np.ones(5), [np.zeros(5), np.array([0.0, -np.inf, -np.inf, 0.0, 0.0])])
    assert of("robust_score").best("full", "robust_score", 3) == [PointAt(0, i) for i in range(3)]
    assert of("robust_score").chosen == [PointAt(0, 0), PointAt(0, 4)]


def test_neighbours_off_the_grid_are_swept_but_never_selected(found):
    (one,) = found.searched
    assert (found.n_points, len(one.points)) == (8, 8 + found.n_off_grid)
    assert found.n_off_grid > 30
    for window in found.windows:
        table = opened(found).points(window.name)
        assert table["off_grid"].sum() == found.n_off_grid == len(table) - 8
        assert (table["bars"] > 0).all()
        if window.name in found.judged:
            assert set(table.loc[table["robust_score"].notna(), "off_grid"]) == {False}
    assert len(found.best("full", "robust_score", 10**6)) == found.n_points
    assert one.figure("trades", "full").min() > 3


def test_robust_scores_equal_the_definition_row_by_row(found):
    (one,) = found.searched
    fast, slow = (one.stack.columns.index(name) for name in ("fast", "slow"))
    rows = one.points.rows(0, len(one.points))
    tested = 0
    for window in found.judged:
        raw = one.figure("sharpe", window)
        for i in range(one.n_points):
            distance = np.abs(rows - rows[i])[:, [fast, slow]].max(axis=1)
            near = raw[distance <= 1]
            if not np.isnan(near).any():
                wanted = np.percentile(near, 25)
                assert one.robust(window).robust_score[i] == pytest.approx(wanted, rel=1e-12)
                tested += 1
    assert tested > 20


def test_switched_off_means_the_objective_alone(bars, found, tmp_path):
    plain = mined(tmp_path, bars, "phase_1_mining.parameter_search.neighborhood_testing.enabled=false")
    assert (plain.n_off_grid, plain.select_by, plain.neighborhood) == (0, "objective", False)
    assert "robust_score" not in opened(plain).points()
    zero = mined(tmp_path, bars, "phase_1_mining.parameter_search.neighborhood_testing.radius=0")
    for window in (zero.windows[0], *(fold.train for fold in zero.folds)):
        assert zero.best(window.name, "robust_score") == plain.best(window.name, "objective")
    (one,), (two,) = plain.searched, found.searched
    for window in found.windows:
        assert (one.scores(window.name) == two.scores(window.name)[:8]).all()


def test_selection_knows_nothing_of_its_test_bars(bars, found, tmp_path):
    k = 3
    begin, end = found.folds[k].test.start, found.folds[k].test.stop
    inside, after = mined(tmp_path, changed_from(bars, begin)), mined(tmp_path, changed_from(bars, end))
    assert inside.chosen[: k + 1] == found.chosen[: k + 1]
    one, two, three = (
        np.array(list(of.searched[0].figures.columns(METRICS, f"test_{k}").values()))
        for of in (found, inside, after)
    )
    assert (one != two).any()
    np.testing.assert_array_equal(one, three)


def test_the_curve_uses_each_bar_once_from_the_latest_window(found, walked):
    tests = [fold.test for fold in found.folds]
    assert len(walked.returns) == tests[-1].stop - tests[0].start < sum(test.n_bars for test in tests)
    expected, growth, charged = [], 1.0, 0
    for piece in walked.pieces:
        at, test = found.chosen[piece.window], tests[piece.window]
        one = found.searched[at.strategy]
        run = Replay(found.bars, one.stack, one.row(at.point), test).run()
        cash = np.r_[run.equity[0], run.equity]
        own = np.diff(cash) / cash[:-1]
        own = own[piece.start - test.start : piece.stop - test.start]
        last = piece is walked.pieces[-1]
        units = run.positions[piece.stop - 1 - test.start, 0]
        expected += list(own if last else own[:-1])
        got = walked.returns[len(expected) - own.size + (not last) :][: own.size]
        if not last:
            expected.append(got[-1])
            assert (got[-1] < own[-1]) == (units != 0)
            charged += units != 0
        growth *= np.prod(1 + got)
    assert charged > 1
    assert walked.returns == pytest.approx(expected, rel=1e-9, abs=1e-14)
    assert walked.stitched_return == pytest.approx(growth - 1)


def test_the_summary_follows_from_the_table(found, walked):
    rows = found.walk_forward
    inside, outside = (np.array([row[f"{side}_return"] for row in rows]) for side in ("train", "test"))
    ratio = (np.log1p(outside).sum() / (63 * len(rows))) / (np.log1p(inside).sum() / (100 * len(rows)))
    assert walked.profitable_frac == (outside > 0).mean()
    assert walked.efficiency == pytest.approx(ratio) or (
        np.log1p(inside).sum() <= 0 and np.isnan(walked.efficiency)
    )
    assert -1 <= walked.rank_correlation <= 1
    assert np.isfinite(walked.continuous_return)
    assert walked.difference == walked.continuous_return - walked.stitched_return


def test_the_continuous_account_of_one_choice_is_one_plain_run(bars, tmp_path):
    grid = "phase_1_mining.parameter_search.base_grid.strategies.ma_crossover.parameters"
    one = mined(tmp_path, bars, f"{grid}.fast=3", f"{grid}.slow=8")
    (searched,) = one.searched
    window = Window("w", one.folds[0].test.start, one.folds[-1].test.stop)
    plain = Replay(one.bars, searched.stack, searched.row(0), window).run()
    assert plain.metrics["trades"] > 3
    assert walk(one).continuous_return == plain.metrics["total_return"]


def test_without_history_the_curve_stands_alone(bars, tmp_path):
    cold = mined(tmp_path, bars, "phase_1_mining.warmup=none")
    curve = walk(cold)
    assert np.isnan(curve.continuous_return)
    last = curve.pieces[-1]
    at, test = cold.chosen[last.window], cold.folds[last.window].test
    own = curve.returns[-test.n_bars :]
    assert (own != 0).any()
    assert np.prod(1 + own) - 1 == pytest.approx(cold.value(at, test.name, "total_return"))


class Echo(Strategy):
    """Holds the sign of the return so many bars before the next."""

    bars_back = Param(37, low=1, high=60)

    def prepare(bars, p):
        return {"move": subtract(lag(bars.close, p.bars_back - 1), lag(bars.close, p.bars_back))}

    def decide(now):
        return 1.0 if now.move > 0.0 else -1.0


def test_a_planted_spike_wins_by_sharpe_and_loses_by_robust_score():
    market = planted_spike(1500, 2, lag=37)
    stack = Stack(Echo)
    grid = parse_grid(
        {"strategies": {"e": {"parameters": {"bars_back": {"start": 20, "stop": 50, "step": 1}}}}}
    )
    columns = {name: param for _, cls in stack.classes for name, param in cls.parameters.items()}
    prefixed = dict(zip(stack.columns, columns.values(), strict=True))
    lattice = grid.strategies[0].lattice(prefixed)
    around = Neighborhood(2).around(lattice, np.arange(lattice.size))
    lucky = Window("full", 0, market.truth["lucky_bars"])
    scores = sweep(market.bars, stack, around.rows(), [lucky]).metric("sharpe")
    found = robustness(scores[:, None], around.index, around.n_points)
    spike = 37 - 20
    assert int(np.argmax(scores[: lattice.size])) == spike
    assert scores[spike] > 2
    assert int(np.argmax(found.robust_score)) != spike
    assert found.robust_score[spike, 0] < 0.5 * scores[spike]
    assert found.stability[spike, 0] < 0.5 < found.degradation[spike, 0]


def test_a_block_keeps_ray_from_call_to_call_and_ends_it(bars, tmp_path, monkeypatch):
    asked, open_now = [], []

    @contextmanager
    def started(*_):
        asked.append(len(open_now))
        open_now.append(1)
        yield HERE
        open_now.pop()

    monkeypatch.setattr(session, "_opened", started)
    with BacktestCoordinator(config_of(tmp_path, bars), out=str(tmp_path / "run")) as coordinator:
        for _ in range(2):
            with session.session() as here:
                assert here is HERE
        with pytest.raises(KeyError), coordinator:
            raise KeyError
        assert open_now == [1]
    assert (asked, open_now) == ([0], [])


def test_a_search_from_python_keeps_test_data_sealed(bars, tmp_path, monkeypatch):
    later = write_parquet(bars, tmp_path / "later.parquet")
    seen = []

    def prepared(config):
        seen.append(closed_now())
        return prepare_search(config)

    monkeypatch.setattr(mining, "prepare_search", prepared)
    tests = "test_strategies: [{name: baseline_adaptive}]"
    found = mined(tmp_path, bars, f"phase_3_test={{data: {{source: {later}}}, {tests}}}")
    assert len(found.searched) == 1
    ((seal,),) = seen
    assert seal.source == str(later)
    assert closed_now() == ()
