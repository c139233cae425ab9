import numpy as np
import pytest

from admf_ray.analysis.clustering import analyse_cluster, compare_clusters


def cluster(label, rows, members=None):
    rows = np.array(rows, dtype=float)
    members = np.arange(len(rows)) if members is None else np.array(members)
    return analyse_cluster(label, members, rows, np.full(len(rows), 0.5), 252.0)


def noisy(n, scale, seed=0, n_bars=300):
    random = np.random.default_rng(seed)
    base = random.standard_normal(n_bars)
    return base + scale * random.standard_normal((n, n_bars))


def test_the_member_nearest_to_all_stands_for_the_cluster():
    rows = noisy(6, 0.8)
    middle = rows.mean(axis=0)
    found = cluster(3, np.vstack([rows, middle]), members=[10, 11, 12, 13, 14, 15, 99])
    assert found.representative == 99
    correlation = np.corrcoef(np.vstack([rows, middle]))
    pairs = correlation[np.triu_indices(7, 1)]
    assert found.mean_correlation == pytest.approx(pairs.mean())
    assert found.lowest_correlation == pytest.approx(pairs.min())
    assert found.near_duplicates == 0
    np.testing.assert_allclose(found.returns, np.vstack([rows, middle]).mean(axis=0))
    assert found.row()["members"] == 7
    assert found.row()["time_in_market_frac"] == 0.5


def test_near_duplicates_are_counted():
    rows = noisy(4, 1.0)
    twin = rows[0] + 0.01 * np.random.default_rng(9).standard_normal(300)
    assert cluster(0, [*rows, twin]).near_duplicates == 2
    same = cluster(0, [rows[0]] * 3)
    assert (same.near_duplicates, same.mean_correlation, same.lowest_correlation) == (3, 1.0, 1.0)


def test_the_order_of_members_does_not_show():
    rows = noisy(9, 0.7)
    rows[4] = rows[2]
    order = np.random.default_rng(4).permutation(9)
    one, other = cluster(0, rows), cluster(0, rows[order], members=order)
    np.testing.assert_array_equal(one.returns, other.returns)
    np.testing.assert_array_equal(one.typical.values, other.typical.values)
    assert one.mean_correlation == other.mean_correlation
    assert (rows[one.representative] == rows[other.representative]).all()


def test_one_member_and_none_that_trades():
    alone = cluster(1, noisy(1, 0.5), members=[7])
    assert alone.representative == 7
    assert alone.near_duplicates == 0
    assert np.isnan([alone.mean_correlation, alone.lowest_correlation]).all()
    flat = cluster(2, np.zeros((2, 300)))
    assert np.isnan(flat.sharpe)
    assert flat.mean_correlation == 1.0
    compared = compare_clusters([alone, flat])
    assert compared.complement == (None, None)
    assert np.isnan(compared.rows()[0]["gain"])


def test_the_pair_at_equal_volatility_has_the_sharpe_ratio_told():
    random = np.random.default_rng(2)
    own = [0.1 + random.standard_normal(500), 0.3 + 5.0 * random.standard_normal(500)]
    own.append(own[0] + 0.2 * random.standard_normal(500))
    found = compare_clusters([cluster(k, [row]) for k, row in enumerate(own)])
    scaled = [row / row.std(ddof=1) for row in own]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        both = scaled[a] + scaled[b]
        expected = both.mean() / both.std(ddof=1) * np.sqrt(252)
        assert found.pair_sharpe[a, b] == pytest.approx(expected)
        better = max(scaled[k].mean() * np.sqrt(252) for k in (a, b))
        assert found.gain[a, b] == pytest.approx(expected - better)
    assert found.complement[0] == 1
    assert found.complement[2] == 1
    gains = [row["gain"] for row in found.rows()]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 0


def test_opposites_have_no_sharpe_ratio_together():
    row = np.random.default_rng(0).standard_normal(50)
    found = compare_clusters([cluster(0, [row]), cluster(1, [-row])])
    assert found.correlation[0, 1] == pytest.approx(-1)
    assert np.isnan(found.pair_sharpe).all()
    alone = compare_clusters([cluster(0, [row])])
    assert alone.rows() == []
    assert alone.complement == (None,)
