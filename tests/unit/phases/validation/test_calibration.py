"""A few markets of known truth through the whole pipeline; benchmarks/calibration.py has hundreds."""

import pytest

from admf_ray.market.synthetic import garch, planted_crossing, planted_spike
from benchmarks.calibration import judge_market


def test_noise_is_refused_a_strong_edge_accepted():
    noise = [judge_market(garch(1_500, seed, annual_drift=0.08).bars) for seed in (1, 2)]
    assert [one.accepted for one in noise] == [False, False]
    assert min(one.training_p for one in noise) > 0.05
    edge = judge_market(planted_crossing(1_500, 3, net_sharpe=4.0).bars)
    assert edge.accepted
    assert edge.training_p < 0.01
    assert edge.excess_sharpe > 2.0


@pytest.mark.parametrize("seed", [2, 3])
def test_a_planted_spike_is_refused(seed):
    market = planted_spike(1_500, seed, lag=37)
    found = judge_market(market.bars, "echoes", int(market.truth["lucky_bars"]), spike=37)
    assert (found.accepted, found.spike) == (False, False)
