import numpy as np
import pytest
from arch.bootstrap import SPA, StationaryBootstrap, optimal_block_length

from admf_ray.analysis import bootstrap
from admf_ray.analysis.bootstrap import (
    as_factors,
    block_length,
    interval,
    long_run_variance,
    redrawn,
    sharpe_intervals,
    times_drawn,
)


def persistent(n, seed, rho=0.6):
    shocks = np.random.default_rng(seed).standard_normal(n)
    out = np.empty(n)
    last = 0.0
    for t in range(n):
        last = out[t] = rho * last + shocks[t]
    return out


def test_block_length_is_the_librarys_and_grows_with_persistence():
    calm, sticky = persistent(800, 1, 0.0), persistent(800, 1, 0.8)
    assert block_length(sticky) == optimal_block_length(sticky)["stationary"].iloc[0]
    assert block_length(sticky) > 5 * block_length(calm) >= 5
    both = np.column_stack([calm, sticky, np.full(800, 0.01)])
    assert block_length(both) == np.median([block_length(calm), block_length(sticky)])


def test_series_that_tell_nothing_get_single_bars():
    assert block_length(np.zeros(100)) == 1.0
    assert block_length(np.full((100, 2), 0.001)) == 1.0
    assert block_length(np.arange(9.0)) == 1.0


def test_times_drawn_counts_the_bars_of_each_draw():
    x = np.random.default_rng(0).standard_normal(50)
    ((at, drawn),) = times_drawn(50, 4.5, 30, seed=3)
    assert at == slice(0, 30)
    by_bars = np.array([x[bars].mean() for bars in redrawn(50, 4.5, 30, seed=3)])
    assert (drawn.sum(axis=1) == 50).all()
    assert len({row.tobytes() for row in drawn}) == 30
    np.testing.assert_allclose(drawn @ x / 50, by_bars, rtol=1e-12, atol=1e-15)


def test_counts_come_some_histories_at_a_time(monkeypatch):
    ((_, whole),) = times_drawn(60, 3.0, 25, seed=2)
    monkeypatch.setattr(bootstrap, "DRAWN_BYTES", 2 * 60 * 7)
    monkeypatch.setattr(bootstrap, "FACTOR_BYTES", 8 * 60 * 2)
    parts = [(at, drawn.copy(), drawn.base) for at, drawn in times_drawn(60, 3.0, 25, seed=2)]
    assert [at for at, _, _ in parts] == [slice(0, 7), slice(7, 14), slice(14, 21), slice(21, 25)]
    assert len({id(base) for _, _, base in parts}) == 1  # one array, filled anew
    np.testing.assert_array_equal(np.concatenate([drawn for _, drawn, _ in parts]), whole)
    factors = list(as_factors(whole, 128))
    assert [len(own) for _, own in factors] == [2] * 12 + [1]
    np.testing.assert_array_equal(np.concatenate([own for _, own in factors]), whole)


def test_blocks_have_their_mean_length():
    breaks = sum((np.diff(bars) % 1000 != 1).sum() for bars in redrawn(1000, 8.0, 200, seed=5))
    assert 200 * 999 / breaks == pytest.approx(8.0, rel=0.05)


@pytest.mark.parametrize(("n", "block"), [(60, 1.0), (60, 5.0), (61, 12.5), (97, 3.0)])
def test_long_run_variance_equals_its_sum_over_lags(n, block):
    x = np.column_stack([persistent(n, n), np.random.default_rng(n).standard_normal(n), np.ones(n)])
    p, rest = 1.0 / block, x - x.mean(axis=0)
    by_lags = (rest**2).sum(axis=0) / n
    for i in range(1, n):
        weight = (1 - i / n) * (1 - p) ** i + i / n * (1 - p) ** (n - i)
        by_lags += 2 * weight * (rest[: n - i] * rest[i:]).sum(axis=0) / n
    found = long_run_variance(x, block)
    np.testing.assert_allclose(found, by_lags, rtol=1e-9, atol=1e-14)
    assert found[0] > found[1] * 1.05 or block == 1.0


def test_long_run_variance_equals_the_librarys():
    x = np.column_stack([persistent(120, k) for k in range(4)])
    spa = SPA(np.zeros(120), -x, block_size=6, reps=5, seed=1)
    spa.compute()
    np.testing.assert_allclose(long_run_variance(x, 6.0), spa._loss_diff_var, rtol=1e-9)


def test_long_run_variance_is_what_endless_draws_give():
    x = persistent(200, 3)
    means = np.concatenate([drawn @ x for _, drawn in times_drawn(200, 7.0, 20_000, seed=1)]) / 200
    assert 200 * means.var() == pytest.approx(long_run_variance(x[:, None], 7.0)[0], rel=0.05)


def test_interval_equals_the_librarys_percentiles():
    x = persistent(300, 9) / 100

    def sharpe(r):
        return r.mean() / r.std(ddof=1)

    found = interval(x, sharpe, seed=4, block_bars=10, n_draws=500, confidence=0.9)
    theirs = StationaryBootstrap(10, x, seed=np.random.default_rng(4)).conf_int(
        sharpe, 500, method="percentile", size=0.9
    )
    assert found.estimate == sharpe(x)
    np.testing.assert_allclose([found.low, found.high], theirs.ravel(), rtol=1e-12)
    assert found.low < found.high


def test_a_figure_mostly_undefined_has_no_interval():
    x = np.zeros(40)
    x[0] = 1.0

    def when_seen(r):
        return 1.0 if r.any() else np.nan

    found = interval(x, when_seen, seed=0, block_bars=1.0, n_draws=200)
    assert (found.low, found.high) == (1.0, 1.0)  # seen in two thirds of the draws
    rare = interval(x, lambda r: 1.0 if r.sum() > 1.5 else np.nan, seed=0, block_bars=1.0, n_draws=200)
    assert np.isnan([rare.estimate, rare.low, rare.high]).all()


def test_intervals_do_not_show_the_blocks_of_draws(monkeypatch):
    returns = 0.01 * np.random.default_rng(4).standard_normal((300, 3))
    options = {"block_bars": 4.0, "seed": 7, "n_draws": 400}
    whole = sharpe_intervals(returns, **options)
    monkeypatch.setattr(bootstrap, "DRAWN_BYTES", 2 * 300 * 33)
    monkeypatch.setattr(bootstrap, "FACTOR_BYTES", 8 * 300 * 8)
    assert len(list(times_drawn(300, 4.0, 400, 7))) == 13
    np.testing.assert_allclose(sharpe_intervals(returns, **options), whole, rtol=1e-12)


def test_intervals_of_many_are_those_of_each():
    random = np.random.default_rng(4)
    returns = 0.01 * random.standard_normal((300, 3))
    returns[:, 2] = 0.0
    estimate, low, high = sharpe_intervals(returns, block_bars=4.0, seed=7, n_draws=400)
    for k in range(2):
        one = interval(returns[:, k], lambda r: r.mean() / r.std(ddof=1), seed=7, block_bars=4.0, n_draws=400)
        assert (estimate[k], low[k], high[k]) == pytest.approx(tuple(one), rel=1e-9)
        assert low[k] < estimate[k] < high[k]
    assert np.isnan([estimate[2], low[2], high[2]]).all()
