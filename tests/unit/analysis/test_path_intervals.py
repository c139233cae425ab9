import numpy as np
import pytest

from admf_ray.analysis.bootstrap import redrawn
from admf_ray.analysis.path_intervals import PATH_FIGURES, path_intervals


def plain(r, year):
    curve = np.concatenate([[1.0], np.cumprod(np.maximum(1 + r, 0))])
    return (
        curve[-1] ** (year / len(r)) - 1,
        r.std(ddof=1) * np.sqrt(year),
        (curve / np.maximum.accumulate(curve) - 1).min(),
    )


def test_equals_resampling_each_series_by_itself():
    returns = 0.02 * np.random.default_rng(3).standard_normal((150, 3)) + [0.002, 0.0, -0.01]
    returns[40, 2] = -1.5  # owes money: it has lost all, not more
    found = path_intervals(returns, bars_per_year=252.0, block_bars=4.0, seed=5, n_draws=300)
    assert tuple(found) == PATH_FIGURES
    for k in range(3):
        draws = np.array([plain(returns[bars, k], 252) for bars in redrawn(150, 4.0, 300, 5)])
        for j, (estimate, low, high) in enumerate(found.values()):
            assert estimate[k] == pytest.approx(plain(returns[:, k], 252)[j], rel=1e-10)
            expected = np.quantile(draws[:, j], [0.025, 0.975])
            np.testing.assert_allclose([low[k], high[k]], expected, rtol=1e-9, atol=1e-14)
    assert (found["annual_return"][1] < found["annual_return"][2])[:2].all()
    assert found["annual_return"][0][2] == -1.0 == found["max_drawdown"][0][2]


def test_series_that_do_not_move_have_no_width():
    found = path_intervals(np.zeros((30, 1)), bars_per_year=252.0, block_bars=1.0, seed=0, n_draws=20)
    assert all((np.concatenate(own) == 0.0).all() for own in found.values())


def test_shared_histories_and_narrower_with_more_bars():
    random = np.random.default_rng(9)
    width = {}
    for n in (100, 1600):
        twins = np.tile(0.01 * random.standard_normal((n, 1)), 2)
        found = path_intervals(twins, bars_per_year=252.0, block_bars=2.0, seed=1, n_draws=400)
        for _, low, high in found.values():
            assert low[0] == low[1] < high[0] == high[1]
        width[n] = found["volatility"][2][0] - found["volatility"][1][0]
    assert width[1600] < 0.5 * width[100]
