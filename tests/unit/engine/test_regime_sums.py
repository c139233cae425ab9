"""Sums by regime: a bar's return belongs to the label before it, and nothing is lost or counted twice."""

from __future__ import annotations

import numpy as np
import pytest

from admf_ray.engine.replay import Replay
from admf_ray.engine.sweep import sweep
from admf_ray.errors import ConfigError
from admf_ray.market import Window
from tests.parity.cases import COMBINATIONS, N_REGIMES, labels_of
from tests.parity.markets import market

NAMED = {c.name: c for c in COMBINATIONS}
CASH = 100_000.0


def case(name):
    c = NAMED[name]
    bars = market(4, c.shape, 400, daily_volatility=0.02)
    settings = {"often": 0.7, "risk.fraction": 0.8, "broker.commission_frac": 0.001}
    if name == "bracket":
        settings |= {"risk.stop_loss_frac": 0.03}
    elif name == "many_holes":
        settings = {"broker.commission_frac": 0.001, "risk.stop_loss_atr": 1.5}
    return bars, c.stack, c.stack.vector(settings)


@pytest.mark.parametrize("window", [Window("full", 0, 400), Window("full", 137, 391)], ids=["all", "middle"])
@pytest.mark.parametrize("name", ["bracket", "many_plain", "many_holes"])
def test_sums_are_those_of_the_replays_equity(name, window):
    bars, stack, row = case(name)
    labels = labels_of(bars)
    got = Replay(bars, stack, row, window, labels=labels, n_regimes=N_REGIMES).run()
    assert len(got.fills) > 10, "nothing traded, so nothing is shown"
    sums = got.regime_sums
    assert sums.shape == (N_REGIMES + 1, 4)
    assert sums.all(), "every regime must have earned, lost and held"
    before = np.concatenate([[CASH], got.equity[:-1]])
    returns = got.equity / before - 1.0
    active = got.equity != got.cash
    own = np.concatenate([[-1], labels])[window.start : window.stop]
    for row_, label in enumerate([*range(N_REGIMES), -1]):
        here = own == label
        pnl = (got.equity - before)[here].sum()
        expected = [returns[here].sum(), (returns[here] ** 2).sum(), pnl, active[here].sum()]
        assert sums[row_] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert sums[:, 2].sum() == pytest.approx(got.equity[-1] - CASH, rel=1e-9)
    assert sums[:, 3].sum() == active.sum() == round(got.metrics["exposure"] * window.n_bars)


def test_only_full_is_split_and_only_with_labels():
    bars, stack, row = case("bracket")
    labels = labels_of(bars)
    windows = [Window("late", 200, 400), Window("full", 0, 400), Window("mid", 100, 300)]
    got = sweep(bars, stack, row[None], windows, labels=labels, n_regimes=N_REGIMES)
    alone = sweep(bars, stack, row[None], windows[1:2], labels=labels, n_regimes=N_REGIMES)
    assert got.regime_sums[..., 3].sum() == alone.values[0, 0, alone.metrics.index("exposure")] * 400
    assert got.regime_sums.tobytes() == alone.regime_sums.tobytes()
    other = sweep(bars, stack, row[None], windows[:1], labels=labels, n_regimes=N_REGIMES)
    assert other.regime_sums.shape == (1, N_REGIMES + 1, 4)
    assert np.isnan(other.regime_sums).all()
    bare = sweep(bars, stack, row[None], windows)
    assert bare.regime_sums.shape == (1, 0, 4)
    assert bare.values.tobytes() == got.values.tobytes()
    assert Replay(bars, stack, row, windows[1]).run().regime_sums.shape == (0, 4)


def test_the_first_bars_return_belongs_to_the_label_before_the_window():
    bars, stack, row = case("bracket")
    labels = np.full(400, -1)
    labels[199] = 0  # known at the close before the window: owns its first bar alone
    replayed = Replay(bars, stack, row, Window("full", 200, 400), labels=labels, n_regimes=1).run()
    assert replayed.regime_sums[1, 3] > 0
    assert not replayed.regime_sums[0].any(), "nothing can be held at the first bar"
    labels[200] = 0
    first = next(k for k in range(200) if replayed.equity[k] != CASH)
    labels[200 + first - 1] = 0
    replayed = Replay(bars, stack, row, Window("full", 200, 400), labels=labels, n_regimes=1).run()
    assert replayed.regime_sums[0, 2] == replayed.equity[first] - CASH


@pytest.mark.parametrize(
    "labels", [np.zeros(399, dtype=np.int64), np.full(400, 3), np.full(400, -2), np.zeros((400, 1), int)]
)
def test_labels_that_do_not_fit_are_refused(labels):
    bars, stack, row = case("bracket")
    window = Window("full", 0, 400)
    for attempt in (
        lambda: sweep(bars, stack, row[None], [window], labels=labels, n_regimes=3),
        lambda: Replay(bars, stack, row, window, labels=labels, n_regimes=3).run(),
    ):
        with pytest.raises(ConfigError, match="labels: must be 400, one a bar, from -1 to 2"):
            attempt()
