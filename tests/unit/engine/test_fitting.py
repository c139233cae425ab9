"""Strategies that learn: from their training window alone, and nothing leaks from one use to the next."""

import numpy as np
import pytest
import sklearn.linear_model as sklearn

from admf_ray import Param, Strategy
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import sweep
from admf_ray.errors import ComponentError
from admf_ray.market import Window
from admf_ray.market.synthetic import random_walk


class Learned(Strategy):
    """Long while a linear model of the last returns forecasts a rise."""

    lags = Param(3, low=1, high=10)
    fields = ("forecast",)

    def features(close, lags):
        moves = np.full(close.size, np.nan)
        moves[1:] = close[1:] / close[:-1] - 1.0
        rows = np.full((close.size, lags), np.nan)
        for k in range(lags):
            rows[k:, k] = moves[: close.size - k]
        return moves, rows

    def fit(train, p):
        moves, rows = Learned.features(train.close, p.lags)
        known = np.isfinite(rows[:-1]).all(axis=1)
        return sklearn.LinearRegression().fit(rows[:-1][known], moves[1:][known])

    def prepare(bars, p, fitted):
        _, rows = Learned.features(bars.close, p.lags)
        known = np.isfinite(rows).all(axis=1)
        forecast = np.full(len(bars), np.nan)
        forecast[known] = fitted.predict(rows[known])
        fitted.coef_[:] = 0.0  # a leak, if anybody saw this model again
        return {"forecast": forecast}

    def decide(now):
        return 1.0 if now.forecast > 0.0 else -1.0


WINDOWS = [Window("a.train", 0, 300), Window("a.test", 300, 400), Window("b.train", 100, 400)]
TRAINS = [WINDOWS[0], WINDOWS[0], WINDOWS[2]]


@pytest.fixture(scope="module")
def swept():
    bars = random_walk(n_bars=500, seed=5).bars
    stack = Stack(Learned)
    values = stack.values([{"lags": 2}, {"lags": 4}])
    return bars, stack, values, sweep(bars, stack, values, WINDOWS, trains=TRAINS)


def test_replay_has_the_sweeps_bits(swept):
    bars, stack, values, result = swept
    assert (result.values[:, :, result.metrics.index("trades")] > 0).all()
    for i, row in enumerate(values):
        for w, (window, train) in enumerate(zip(WINDOWS, TRAINS, strict=True)):
            metrics = Replay(bars, stack, row, window, train=train).run().metrics
            assert [metrics[m] for m in result.metrics] == pytest.approx(
                result.values[i, w].tolist(), abs=0, rel=0, nan_ok=True
            )


def test_the_full_window_is_split_by_regime_wherever_it_stands(swept):
    bars, stack, values, _ = swept
    labels = np.arange(bars.n_bars) // 50 % 2
    windows = [WINDOWS[0], Window("full", 0, 500), WINDOWS[1]]
    result = sweep(bars, stack, values, windows, trains=[WINDOWS[0]] * 3, labels=labels, n_regimes=2)
    for row, sums in zip(values, result.regime_sums, strict=True):
        replay = Replay(bars, stack, row, windows[1], train=WINDOWS[0], labels=labels, n_regimes=2)
        assert sums.tobytes() == replay.run().regime_sums.tobytes()
        assert (sums[:2, 3] > 100).all()


def test_bars_after_training_change_nothing_in_training(swept):
    bars, stack, values, result = swept
    other = random_walk(n_bars=500, seed=6).bars
    mixed = type(bars).from_arrays(
        *(
            np.concatenate([getattr(bars, c)[:300, 0], getattr(other, c)[300:, 0]])
            for c in ("open", "high", "low", "close")
        ),
        time_ns=bars.time_ns,
        bars_per_year=bars.bars_per_year,
    )
    again = sweep(mixed, stack, values, WINDOWS, trains=TRAINS)
    assert np.array_equal(again.values[:, 0], result.values[:, 0], equal_nan=True)
    assert not np.array_equal(again.values[:, 1], result.values[:, 1], equal_nan=True)


def test_order_and_company_of_points_do_not_matter(swept):
    bars, stack, values, result = swept
    turned = sweep(bars, stack, values[::-1], WINDOWS, trains=TRAINS)
    assert np.array_equal(turned.values[::-1], result.values, equal_nan=True)


def test_fields_and_prepare_must_agree():
    class Disagrees(Learned):
        """As Learned, with another name."""

        fields = ("prediction",)

    stack = Stack(Disagrees)
    bars = random_walk(n_bars=200, seed=5).bars
    with pytest.raises(ComponentError, match="must return prediction as its `fields` say, found forecast"):
        sweep(bars, stack, stack.vector()[None], [Window("full", 0, 200)])
