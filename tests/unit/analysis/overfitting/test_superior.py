import secrets

import numpy as np
import pytest
from arch.bootstrap import SPA
from scipy.stats import binom

from admf_ray.analysis.bootstrap import long_run_variance
from admf_ray.analysis.overfitting.superior import extremes, superior_ability
from admf_ray.errors import DataError
from tests.unit.analysis.overfitting.noise import noise


def theirs(excess, block, n_draws, seed):
    spa = SPA(
        np.zeros(len(excess)), -excess, block_size=block, reps=n_draws, seed=np.random.default_rng(seed)
    )
    spa.compute()
    return spa.pvalues


def of(*chunks):
    """What is tested, some points at a time."""
    return lambda: chunks


def counted(p, n_draws):
    return round(p * (n_draws + 1)) - 1


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_library_draw_by_draw(seed):
    """The library's `upper` is the reality check; on returns over their own deviation it studentizes."""
    excess = noise(150, 30, seed) * np.linspace(0.5, 4.0, 30)
    excess[1:] += 0.5 * excess[:-1]
    excess -= np.linspace(0.0, 0.02, 30)  # the last ones are so bad that they must not be recentred
    scaled = excess / np.sqrt(long_run_variance(excess, 5))
    found = superior_ability(of(excess[:, :7], excess[:, 7:]), 150, block_bars=5, seed=seed, n_draws=400)
    white, hansen = theirs(excess, 5, 400, seed), theirs(scaled, 5, 400, seed)
    assert 0 < hansen["consistent"] < hansen["upper"]
    assert counted(found.reality_check_p, 400) == round(400 * white["upper"])
    assert counted(found.spa_p, 400) == round(400 * hansen["consistent"])
    means = excess.mean(axis=0)
    assert (found.best_mean, found.best_t) == (means.argmax(), scaled.mean(axis=0).argmax())
    assert found.t == pytest.approx(np.sqrt(150) * scaled.mean(axis=0).max(), rel=1e-9)
    assert found.n_points == 30


def test_chunks_do_not_show(monkeypatch):
    excess = noise(120, 25, 1)
    whole = superior_ability(of(excess), 120, block_bars=3.5, seed=2, n_draws=300)
    monkeypatch.setattr("admf_ray.analysis.overfitting.superior.DRAWS_AT_A_TIME", 11)
    monkeypatch.setattr("admf_ray.analysis.bootstrap.DRAWN_BYTES", 2 * 120 * 64)
    passes = []

    def chunks():
        passes.append(len(passes))
        return (excess[:, k : k + 4] for k in range(0, 25, 4))

    parts = superior_ability(chunks, 120, block_bars=3.5, seed=2, n_draws=300)
    assert len(passes) == 5  # of 64 draws
    assert 0.05 < whole.spa_p < 1
    assert parts._replace(t=whole.t) == whole
    assert parts.t == pytest.approx(whole.t, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_two_populations_joined_are_one(seed):
    entropy = secrets.randbits(32)
    excess = noise(120, 25, [entropy, seed])
    options = {"block_bars": 3.5, "seed": seed, "n_draws": 300}
    whole = superior_ability(of(excess), 120, **options)
    one, other = (extremes(of(part), 120, **options) for part in (excess[:, :9], excess[:, 9:]))
    found = one.joined(other).superior()
    assert found.n_points == 25, f"entropy {entropy}"
    assert found._replace(t=whole.t) == whole, f"entropy {entropy}"
    assert other.joined(one).superior()[:2] == whole[:2], f"entropy {entropy}"
    assert not np.array_equal(one.high_t, one.joined(other).high_t)
    nothing = extremes(of(), 120, **options)
    assert nothing.joined(one).superior() == one.joined(nothing).superior() == one.superior()


def test_populations_of_other_draws_are_not_joined():
    excess = noise(120, 5, 1)
    one = extremes(of(excess), 120, block_bars=3.5, seed=0, n_draws=20)
    for change in ({"seed": 1}, {"block_bars": 3.0}, {"n_draws": 21}):
        other = extremes(of(excess), 120, **{"block_bars": 3.5, "seed": 0, "n_draws": 20} | change)
        with pytest.raises(DataError, match="must be of the same draws to be joined"):
            one.joined(other)


def test_useless_points_weaken_the_reality_check_only():
    """Hansen's point: many wild losers raise White's p-value, not the studentized one."""
    good = noise(400, 5, 3)
    good[:, 2] += 0.002
    losers = 10 * noise(400, 60, 4) - 0.1
    alone = superior_ability(of(good), 400, block_bars=2, seed=0)
    among = superior_ability(of(good, losers), 400, block_bars=2, seed=0)
    assert alone.best_t == among.best_t == 2
    assert alone.reality_check_p < 0.02 < 0.5 < among.reality_check_p
    assert among.spa_p == alone.spa_p < 0.02


def test_points_that_never_trade_are_no_evidence():
    flat = superior_ability(of(np.zeros((100, 3))), 100, block_bars=1, seed=0, n_draws=50)
    assert flat == (1.0, 1.0, 0, -1, 0.0, 3)
    assert superior_ability(of(), 100, block_bars=1, seed=0, n_draws=50) == (1.0, 1.0, -1, -1, 0.0, 0)
    bad = superior_ability(of(noise(100, 3, 0) - 0.1), 100, block_bars=1, seed=0, n_draws=50)
    assert (bad.spa_p, bad.best_t) == (1.0, -1)


def test_what_is_not_a_return_is_refused():
    excess = noise(50, 4, 0)
    with pytest.raises(DataError, match="from point 4 on: must have 50 bars, found 49"):
        superior_ability(of(excess, excess[1:]), 50, block_bars=1, seed=0, n_draws=5)
    broken = excess.copy()
    broken[7, 1] = np.nan
    with pytest.raises(DataError, match="returns of point 5: must be finite"):
        superior_ability(of(excess, broken), 50, block_bars=1, seed=0, n_draws=5)


@pytest.mark.parametrize(("markets", "n"), [(150, 250), pytest.param(2000, 500, marks=pytest.mark.slow)])
def test_noise_is_significant_as_often_as_it_should_be(markets, n):
    entropy = secrets.randbits(32)
    p = np.empty((markets, 2))
    for k in range(markets):
        found = superior_ability(of(noise(n, 20, [entropy, k])), n, block_bars=2, seed=k, n_draws=199)
        p[k] = found.reality_check_p, found.spa_p
    print(f"entropy {entropy}: p <= 0.05 in {(p <= 0.05).mean(axis=0)}, <= 0.5 in {(p <= 0.5).mean(axis=0)}")
    assert ((p <= 0.05).sum(axis=0) <= binom.ppf(1 - 1e-6, markets, 0.06)).all(), f"entropy {entropy}"
    assert ((p <= 0.5).sum(axis=0) >= binom.ppf(1e-6, markets, 0.4)).all(), f"entropy {entropy}"


def test_planted_skill_is_found():
    p = []
    for k in range(10):
        excess = noise(500, 20, k)
        excess[:, 3] += 0.0025
        p.append(superior_ability(of(excess), 500, block_bars=2, seed=k, n_draws=199).spa_p)
    assert np.mean(np.array(p) <= 0.05) >= 0.9
