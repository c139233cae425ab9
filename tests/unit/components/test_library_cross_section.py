"""Strategies that see all symbols, against the rule written down a second time."""

import numpy as np
import pytest

from admf_ray.components.library.cross_section import standing

NAN = np.nan


def momentum(close, lookback_bars, skip_bars, rebalance_bars, top, side):
    """Weights of gapless, untied closes."""
    n_bars, n_symbols = close.shape
    out = np.full(close.shape, NAN)
    for t in range(n_bars):
        chosen = t - t % rebalance_bars
        end = chosen - skip_bars
        if end < lookback_bars:
            continue
        past = close[end] / close[end - lookback_bars]
        order = sorted(range(n_symbols), key=lambda s, past=past: -past[s])
        out[t] = 0.0
        if side != "short":
            out[t, order[:top]] += 1.0
        if side != "long":
            out[t, order[::-1][:top]] -= 1.0
    return out


@pytest.mark.parametrize("side", ["long", "short", "both"])
@pytest.mark.parametrize(
    ("lookback", "skip", "rebalance", "top"), [(20, 0, 5, 1), (10, 3, 7, 2), (1, 0, 1, 3), (15, 0, 10, 4)]
)
def test_weights_are_the_rule(lab, lookback, skip, rebalance, top, side):
    close, high, low = lab.walk(200, seed=4, n_symbols=6)
    settings = {"lookback_bars": lookback, "skip_bars": skip, "rebalance_bars": rebalance, "top": top}
    expected = momentum(close, **settings, side=side)
    found = lab.weights(lab.bars(close, high, low), "cross_sectional_momentum", **settings, side=side)
    assert np.count_nonzero(np.diff(expected[50:], axis=0)) > 20
    np.testing.assert_array_equal(found, expected)


def test_symbols_without_data_are_out(lab):
    """The third is listed at bar 2 and misses bar 6; the first ends before bar 8."""
    close = np.array(
        [
            [9, 10, NAN], [10, 10, NAN], [11, 10, 5], [12, 10, 6],
            [13, 10, 7], [14, 10, 8], [15, 10, NAN], [16, 11, 9],
            [NAN, 11, 8], [NAN, 12, 7], [NAN, 13, 6], [NAN, 14, 5],
        ]
    )  # fmt: skip
    found = lab.weights(
        lab.bars(close), "cross_sectional_momentum", lookback_bars=1, rebalance_bars=2, side="both"
    )
    np.testing.assert_array_equal(found[2:4, :2], [[1, -1]] * 2)  # the third has no past yet
    np.testing.assert_array_equal(found[4:6], [[0, -1, 1]] * 2)
    np.testing.assert_array_equal(found[6:8], [[1, -1, 0]] * 2)
    np.testing.assert_array_equal(found[8:10, 1:], [[1, -1]] * 2)  # no bar of the first, so two remain
    np.testing.assert_array_equal(found[10:, 1:], [[1, -1]] * 2)


def test_nobody_leads_where_all_are_equal(lab):
    constant = np.full((100, 3), [1.0, 0.1, 50.0])
    for side in ("long", "short", "both"):
        for top in (1, 3):
            found = lab.weights(
                lab.bars(constant), "cross_sectional_momentum", lookback_bars=10, top=top, side=side
            )
            assert not np.nansum(np.abs(found))


def test_one_symbol_never_trades(lab):
    close, high, low = lab.walk(100)
    found = lab.weights(lab.bars(close, high, low), "cross_sectional_momentum", lookback_bars=10)
    assert not np.nansum(np.abs(found))


def test_places_share_the_last_of_a_tie():
    values = np.array([[3.0, 1.0, 3.0, NAN, 2.0], [7.0, 7.0, 7.0, 7.0, 7.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    close = np.ones((3, 5))
    close[2, 4] = NAN
    expected = [[1, 3, 1, NAN, 2], [NAN] * 5, [3, 2, 1, 0, NAN]]
    np.testing.assert_array_equal(standing(values, close, 1), expected)
    np.testing.assert_array_equal(standing(values, close, 2), [expected[0], expected[0], expected[2]])


def test_the_future_changes_no_place():
    values = np.random.default_rng(0).standard_normal((50, 4))
    close = np.ones((50, 4))
    whole = standing(values, close, 7)
    for end in (1, 7, 8, 30):
        np.testing.assert_array_equal(standing(values[:end].copy(), close[:end].copy(), 7), whole[:end])
