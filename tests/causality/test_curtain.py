from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from admf_ray.engine.probes.curtain import Curtain, columns_of, extended, false_market
from admf_ray.market import check_bars


@pytest.mark.parametrize("direction", [1, -1])
def test_a_false_market_is_valid_and_differs_in_every_cell(pair, direction):
    false = false_market(pair, direction)
    prices = {name: false[name] for name in ("open", "high", "low", "close")}
    made = replace(pair, volume=false["volume"], extra={"mood": false["mood"]}, **prices)
    assert not [d for d in check_bars(made) if d.severity == "error"]
    for name, real in columns_of(pair).items():
        assert (np.isnan(real) == np.isnan(false[name])).all()
        share = (real == false[name])[~np.isnan(real)].mean()
        assert share < (0.5 if name == "mood" else 1e-9)
    assert set(np.unique(false["mood"][~np.isnan(false["mood"])])) == {0.0, 1.0, 2.0}


def test_one_direction_turns_every_comparison_with_the_close_before(nasdaq):
    real = np.sign(np.diff(nasdaq.close[:, 0]))
    before = nasdaq.close[:-1, 0]
    assert (np.sign(false_market(nasdaq, 1)["close"][1:, 0] - before) != real).all()


def test_a_curtain_shows_and_hides_behind_read_only_arrays(pair):
    curtain = Curtain(pair)
    close = curtain.bars.close
    np.testing.assert_array_equal(close, pair.close)
    with pytest.raises(ValueError, match="read-only"):
        close[0, 0] = 1.0
    curtain.hide(10)
    np.testing.assert_array_equal(close[:10], pair.close[:10])
    assert close[10, 0] == curtain.false["close"][10, 0] != pair.close[10, 0]
    curtain.show_cell(10, 0, ["close"])
    assert close[10, 0] == pair.close[10, 0]
    curtain.show()
    np.testing.assert_array_equal(curtain.bars.volume, pair.volume)


def test_appended_bars_leave_the_real_ones(pair):
    longer = extended(pair, 5)
    assert longer.n_bars == pair.n_bars + 5
    np.testing.assert_array_equal(longer.slice(0, pair.n_bars).close, pair.close)
    assert longer.tradable[-5:].all()
