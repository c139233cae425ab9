"""Every strategy and filter that ships passes the probe."""

from __future__ import annotations

import pytest

from admf_ray.components import library  # noqa: F401  (registers the library)
from admf_ray.components.registry import find, registered
from admf_ray.engine.causality import probe
from admf_ray.engine.probes.prepared import Prepared, probe_prepared
from admf_ray.engine.stack import Stack

SHIPPED = "admf_ray.components.library"
STRATEGIES = [n for n, c in registered("strategy").items() if c.__module__.startswith(SHIPPED)]
FILTERS = [n for n, c in registered("filter").items() if c.__module__.startswith(SHIPPED)]


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_strategies_prepare_knows_no_future(name, nasdaq, pair):
    stack = Stack(find(name, "strategy"))
    row = stack.vector({})
    for bars in (nasdaq, pair):
        prepared = Prepared(stack, row, bars, None)
        assert probe_prepared(prepared, bars, range(bars.n_bars - 1)) == []


def test_all_filters_and_sizing_at_once(nasdaq):
    stack = Stack(find("ma_crossover"), tuple(find(name, "filter") for name in FILTERS))
    settings = {
        "fast": 5, "slow": 20, "side": "both", "risk.sizing": "volatility_target",
        "risk.trailing_stop_atr": 3.0,
        "risk.take_profit_frac": 0.1, "broker.slippage_range_frac": 0.1, "broker.commission_frac": 0.001,
        "trend_direction.mean_bars": 50, "volatility.reference_bars": 60, "regime.reference_bars": 60,
        "regime.trend_bars": 50,
    }  # fmt: skip
    report = probe(nasdaq, stack, stack.vector(settings))
    assert report.n_fills > 10
    assert report.findings == ()
    assert report.n_boundaries == nasdaq.n_bars - 1
    assert report == probe(nasdaq, stack, stack.vector(settings))


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_end_to_end(name, nasdaq, pair):
    stack = Stack(find(name, "strategy"))
    across = name == "cross_sectional_momentum"
    report = probe(pair if across else nasdaq, stack, stack.vector({"lookback_bars": 20} if across else {}))
    assert report.n_fills > 0
    assert report.findings == ()
