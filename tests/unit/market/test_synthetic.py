import math
import pickle

import numpy as np
import pandas as pd
import pytest

from admf_ray.errors import ConfigError
from admf_ray.market import check_bars
from admf_ray.market.synthetic import (
    fat_tails,
    garch,
    intraday_minutes,
    planted_crossing,
    planted_mean_reversion,
    planted_spike,
    planted_trend,
    random_walk,
    regime_switching,
)

DAILY = (
    fat_tails,
    garch,
    planted_crossing,
    planted_mean_reversion,
    planted_spike,
    planted_trend,
    random_walk,
    regime_switching,
)


def log_returns(market):
    return np.diff(np.log(market.bars.close[:, 0]))


def net_sharpe(market, position, cost):
    close = market.bars.close[:, 0]
    earned = position[:-1] * (close[1:] / close[:-1] - 1)
    earned[1:] -= cost * np.abs(np.diff(position[:-1]))
    return earned.mean() / earned.std() * math.sqrt(261)


@pytest.mark.parametrize("make", [*DAILY, intraday_minutes])
def test_same_seed_same_bits(make):
    size = 3 if make is intraday_minutes else 500
    one, two, other = make(size, 7), make(size, 7), make(size, 8)
    assert one.bars.content_hash == two.bars.content_hash
    assert one.bars.content_hash != other.bars.content_hash
    for name, value in one.truth.items():
        assert np.array_equal(value, two.truth[name])
        if isinstance(value, np.ndarray) and value.ndim == 1 and value.size > 10:
            assert value.size == one.bars.n_bars
            assert not value.flags.writeable
    assert all(defect.severity == "warning" for defect in check_bars(one.bars))


def test_a_market_can_be_sent_to_another_process():
    market = regime_switching(300, 1)
    copy = pickle.loads(pickle.dumps(market))
    assert copy.bars.content_hash == market.bars.content_hash
    assert np.array_equal(copy.truth["label"], market.truth["label"])
    assert not copy.truth["label"].flags.writeable


def test_random_walk_has_its_moments():
    market = random_walk(50_000, 1, annual_drift=0.5, annual_volatility=0.2)
    returns = log_returns(market)
    assert returns.std() * math.sqrt(261) == pytest.approx(0.2, rel=0.02)
    assert returns.mean() == pytest.approx(market.truth["drift"], abs=4 * returns.std() / math.sqrt(50_000))
    assert not np.array_equal(market.bars.open[1:], market.bars.close[:-1])


def test_random_walk_of_many_symbols():
    bars = random_walk(20_000, 1, n_symbols=12, correlation=0.5).bars
    assert bars.symbols[0] == "S00"
    correlation = np.corrcoef(np.diff(np.log(bars.close), axis=0).T)
    assert correlation[np.triu_indices(12, 1)] == pytest.approx(np.full(66, 0.5), abs=0.05)


def test_garch_clusters():
    market = garch(40_000, 3)
    squares = log_returns(market) ** 2
    assert np.corrcoef(squares[1:], squares[:-1])[0, 1] > 0.1
    unit = log_returns(market) / market.truth["sigma"][1:]
    assert unit.std() == pytest.approx(1.0, rel=0.02)
    assert abs(np.corrcoef(unit[1:] ** 2, unit[:-1] ** 2)[0, 1]) < 0.02


def test_fat_tails_are_fat():
    returns = log_returns(fat_tails(40_000, 3, degrees_of_freedom=5.0))
    assert returns.std() * math.sqrt(261) == pytest.approx(0.16, rel=0.03)
    assert ((returns - returns.mean()) ** 4).mean() / returns.var() ** 2 > 4.5


def test_regimes_are_what_the_labels_say():
    market = regime_switching(50_000, 5, mean_run_bars=100.0)
    label, returns = market.truth["label"][1:], log_returns(market)
    assert set(label.tolist()) == {0, 1, 2}
    for k in range(3):
        mine = returns[label == k]
        assert mine.std() == pytest.approx(market.truth["volatilities"][k], rel=0.03)
        assert mine.mean() == pytest.approx(
            market.truth["drifts"][k], abs=4 * mine.std() / math.sqrt(mine.size)
        )
    assert 50_000 / np.count_nonzero(np.diff(label)) == pytest.approx(100, rel=0.15)


@pytest.mark.parametrize("make", [planted_crossing, planted_trend, planted_mean_reversion])
@pytest.mark.parametrize(("sharpe", "cost"), [(0.0, 0.0005), (1.5, 0.0), (2.0, 0.0005)])
def test_planted_edges_have_the_stated_net_sharpe(make, sharpe, cost):
    found = []
    for seed in range(3):
        market = make(50_000, seed, net_sharpe=sharpe, cost_frac=cost)
        found.append(net_sharpe(market, market.truth["position"], cost))
    assert np.mean(found) == pytest.approx(sharpe, abs=0.2)  # standard error 0.04 a seed and more


def test_the_trend_cannot_be_known_from_its_own_bar():
    market = planted_trend(50_000, 1, net_sharpe=3.0)
    assert np.array_equal(market.bars.open[1:], market.bars.close[:-1])
    shuffled = np.random.default_rng(0).permutation(market.truth["position"])
    assert net_sharpe(market, shuffled, 0.0) == pytest.approx(0.0, abs=0.3)


def test_the_crossing_is_that_of_its_own_closes_and_has_a_plateau():
    market = planted_crossing(50_000, 4, net_sharpe=3.0, cost_frac=0.0, fast_bars=8, slow_bars=30)
    close = pd.Series(market.bars.close[:, 0])

    def rule(fast, slow):
        return np.sign(close.rolling(fast).mean() - close.rolling(slow).mean()).fillna(0.0).to_numpy()

    assert np.mean(rule(8, 30) == market.truth["position"]) > 0.9999
    assert net_sharpe(market, rule(8, 30), 0.0) == pytest.approx(3.0, abs=0.2)
    for fast, slow in ((7, 30), (9, 30), (8, 27), (8, 33), (7, 33), (9, 27)):
        assert 2.0 < net_sharpe(market, rule(fast, slow), 0.0) < 3.0


def test_reversion_comes_back():
    market = planted_mean_reversion(50_000, 2, half_life_bars=10.0)
    x = market.truth["deviation"]
    assert np.corrcoef(x[10:], x[:-10])[0, 1] == pytest.approx(0.5, abs=0.05)
    assert log_returns(market).std() * math.sqrt(261) == pytest.approx(0.16, rel=0.03)


def test_the_spike_is_alone_and_ends():
    market = planted_spike(20_000, 3, lag=37, sharpe=4.0, lucky_bars=10_000)
    returns = np.diff(np.log(market.bars.close[:, 0]), prepend=np.log(100.0))

    def rule(lag, start, stop):
        position = np.zeros(returns.size)
        position[lag - 1 :] = np.sign(returns[: returns.size - lag + 1])
        earned = (position[:-1] * returns[1:])[start:stop]
        return earned.mean() / earned.std() * math.sqrt(261)

    position = np.zeros(returns.size)
    position[36:] = np.sign(returns[: returns.size - 36])
    assert np.mean(position == market.truth["position"]) > 0.999
    assert rule(37, 0, 10_000) == pytest.approx(4.0, abs=0.6)
    for neighbour in (35, 36, 38, 39):
        assert abs(rule(neighbour, 0, 10_000)) < 0.6
    assert abs(rule(37, 10_000, 20_000)) < 0.6


def test_intraday_sessions():
    bars = intraday_minutes(60, 1).bars
    assert bars.n_bars == 60 * 390
    assert bars.minute_of_day.min() == 9 * 60 + 31
    assert bars.minute_of_day.max() == 16 * 60
    assert set(bars.weekday.tolist()) == {0, 1, 2, 3, 4}
    assert (
        len({stamp % 86_400_000_000_000 for stamp in bars.time_ns[bars.minute_of_day == 960].tolist()}) == 2
    )
    volume = bars.volume.reshape(60, 390).mean(0)
    assert volume[:30].mean() > 2 * volume[180:210].mean()


@pytest.mark.parametrize(
    ("make", "figures", "text"),
    [
        (random_walk, {"n_bars": 0}, "n_bars: must be > 0"),
        (random_walk, {"correlation": 2.0}, "correlation"),
        (garch, {"alpha": 0.5, "beta": 0.5}, "alpha \\+ beta"),
        (fat_tails, {"degrees_of_freedom": 2.0}, "must be > 2"),
        (regime_switching, {"annual_drifts": [0.1]}, ">= 2 regimes"),
        (regime_switching, {"mean_run_bars": 0.5}, "mean_run_bars"),
        (planted_trend, {"mean_run_bars": 0.5}, "mean_run_bars"),
        (planted_crossing, {"slow_bars": 8}, "slow_bars > fast_bars"),
        (planted_mean_reversion, {"net_sharpe": 30.0}, "does not fit"),
        (planted_spike, {"lag": 2000}, "lucky bars"),
        (intraday_minutes, {"bar_minutes": 7}, "must divide the session"),
    ],
)
def test_figures_out_of_range(make, figures, text):
    with pytest.raises(ConfigError, match=text):
        make(**figures)
