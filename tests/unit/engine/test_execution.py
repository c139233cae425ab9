"""The definitions of execution, sentence by sentence, on bars small enough to check by hand: one symbol."""

from __future__ import annotations

import numpy as np
import pytest

from admf_ray.market import Instrument
from tests.unit.engine.scripted import KEEP, bars_of, fills, noticed, play

APPROX = pytest.approx


class TestBarProtocol:
    def test_an_order_of_bar_t_fills_at_the_next_open_and_is_marked_at_that_close(self):
        got = play([10.0, (10.0, 13.0, 9.0, 12.0), 11.0], [1.0, 1.0, 1.0])
        assert fills(got) == [(1, 100.0, 10.0, "signal")]
        assert [o.bar for o in got.orders] == [0]
        assert got.equity.tolist() == [1_000.0, 1_200.0, 1_100.0]
        assert got.cash.tolist() == [1_000.0, 0.0, 0.0]

    def test_nothing_is_forced_closed_at_the_end_and_the_open_trade_is_reported_apart(self):
        got = play([10.0, 10.0, 12.0], [1.0])
        assert got.positions[:, 0].tolist() == [0.0, 100.0, 100.0]
        assert got.equity[-1] == 1_200.0
        assert got.metrics["trades"] == 0.0
        assert [(t.reason, t.pnl, t.exit_bar) for t in got.trades] == [("open", 200.0, -1)]

    def test_what_is_decided_on_the_last_bar_never_fills(self):
        assert fills(play([10.0, 10.0, 10.0], [0.0, 0.0, 1.0])) == []

    def test_the_account_is_fresh_in_each_window_and_sees_earlier_bars(self):
        got = play([10.0] * 3 + [20.0] * 3, [1.0] * 6, window=(3, 6))
        assert fills(got) == [(4, 50.0, 20.0, "signal")]

    def test_a_loss_at_the_first_fill_is_a_drawdown_from_the_initial_cash(self):
        got = play([10.0, (10.0, 10.0, 8.0, 8.0), 8.0], [1.0])
        assert got.metrics["max_drawdown"] == APPROX(-0.2)


class TestOrders:
    def test_an_order_is_sent_only_when_the_weight_changes(self):
        got = play([10.0, 10.0, 20.0, 5.0, 9.0, 9.0], [0.5, 0.5, 0.5, 0.5, 0.0, 0.0])
        assert [o.bar for o in got.orders] == [0, 4]

    def test_no_opinion_keeps_the_last_weight(self):
        got = play([10.0] * 5, [0.5, KEEP, 0.5, KEEP, KEEP])
        assert len(got.orders) == 1

    def test_a_weight_beyond_one_is_one(self):
        got = play([10.0] * 5, [1.0, 1.5, 7.0, 1.0, -3.0], fraction=0.5)
        assert [(o.bar, o.qty) for o in got.orders] == [(0, 50.0), (4, -100.0)]

    def test_the_band_re_sizes_on_drift_beyond_it_and_not_within(self):
        # 50 units of 1,000; at 12: 600 of 1,100, wanted 550, drift 50 / 1,100 = 4.5 %
        assert len(play([10.0, 10.0, 12.0, 12.0], [0.5] * 4, rebalance_band_frac=0.05).orders) == 1
        got = play([10.0, 10.0, 12.0, 12.0], [0.5] * 4, rebalance_band_frac=0.04)
        assert fills(got)[1] == (3, APPROX(550.0 / 12.0 - 50.0, abs=1e-6), 12.0, "signal")

    def test_the_band_holds_without_an_opinion_too(self):
        got = play([10.0, 10.0, 12.0, 12.0], [0.5, KEEP, KEEP, KEEP], rebalance_band_frac=0.04)
        assert [o.bar for o in got.orders] == [0, 2]

    def test_the_band_does_not_re_enter_after_a_stop(self):
        got = play(
            [10.0, 10.0, (10.0, 10.0, 8.0, 10.0), 10.0, 10.0], [0.5] * 5, rebalance_band_frac=0.01,
            stop_loss_frac=0.1,
        )  # fmt: skip
        assert [f[3] for f in fills(got)] == ["signal", "stop_loss"]


class TestSizing:
    def test_sizing_uses_the_close_of_the_decision(self):
        assert fills(play([10.0, 8.0, 8.0], [1.0])) == [(1, 100.0, 8.0, "signal")]

    def test_what_cannot_be_afforded_with_costs_is_cut_and_the_event_says_so(self):
        got = play([10.0, 10.0, 10.0], [1.0], commission_frac=0.01)
        assert fills(got) == [(1, round(1_000 / 10.1, 6), 10.0, "signal")]
        assert got.fills[0].cut == APPROX(100 - 1_000 / 10.1)
        assert noticed() == [(1, "order_cut")]
        assert 0.0 <= got.cash[-1] < 1e-9

    def test_the_largest_affordable_lot_is_bought(self):
        lots = {"options": {"instruments": [Instrument("A", lot=10.0)]}}
        assert fills(play([10.0] * 3, [1.0], commission_frac=0.01, **lots))[0][1] == 90.0
        assert fills(play([10.0] * 3, [1.0], commission_frac=0.01, lots="whole"))[0][1] == 99.0
        assert fills(play([10.0] * 3, [1.0], commission_min=15.0))[0][1] == 98.5
        assert (
            fills(play([10.0] * 3, [1.0], commission_per_order=10.0, commission_per_share=1.0))[0][1] == 90.0
        )

    def test_an_order_that_affords_nothing_is_cut_to_nothing(self):
        got = play([10.0, 5_000.0, 10.0], [1.0, 1.0, 1.0], lots="whole")
        assert fills(got) == []
        assert noticed() == [(1, "order_cut")]
        assert got.equity.tolist() == [1_000.0] * 3

    def test_at_the_fill_it_sizes_with_the_fill_price_costs_included(self):
        assert fills(play([10.0, 8.0, 8.0], [1.0], size_at="fill")) == [(1, 125.0, 8.0, "signal")]
        got = play([10.0, 20.0, 20.0], [0.5], size_at="fill", commission_frac=0.01)
        assert fills(got)[0][1] == round(500.0 / 20.2, 6)
        assert got.fills[0].cut == 0.0

    def test_the_limits_per_symbol_and_of_gross_exposure(self):
        assert fills(play([10.0] * 3, [1.0], max_symbol_exposure=0.3))[0][1] == 30.0
        assert fills(play([10.0] * 3, [1.0], max_gross_exposure=0.4))[0][1] == 40.0
        got = play([10.0] * 3, [1.0], fraction=3.0, max_symbol_exposure=3.0, max_gross_exposure=2.0,
                   long_initial_margin=0.25)  # fmt: skip
        assert fills(got)[0][1] == 200.0
        assert got.cash[-1] == -1_000.0

    def test_multiplier_in_size_value_and_profit(self):
        es = {"options": {"instruments": [Instrument("A", multiplier=5.0, lot=1.0)]}}
        got = play([10.0, 10.0, 11.0], [1.0], **es)
        assert fills(got)[0][1] == 20.0
        assert got.equity[-1] == 1_100.0


class TestReversal:
    def test_it_is_a_closing_and_an_opening_fill(self):
        got = play([10.0, 10.0, 12.0, 12.0], [1.0, 1.0, -1.0, -1.0])
        assert fills(got) == [
            (1, 100.0, 10.0, "signal"),
            (3, -100.0, 12.0, "signal"),
            (3, -100.0, 12.0, "signal"),
        ]
        assert got.fills[1].pnl == 200.0
        assert np.isnan(got.fills[2].pnl)

    def test_each_execution_is_charged(self):
        got = play([10.0, 10.0, 10.0, 10.0], [0.5, 0.5, -0.5, -0.5], commission_per_order=1.0)
        assert got.metrics["commission"] == 3.0

    def test_trades_are_flat_to_flat_at_average_cost(self):
        got = play([10.0, 10.0, 20.0, 20.0, 20.0, 30.0, 30.0], [0.2, 0.2, 0.4, 0.4, 0.0, 0.0, 0.0])
        # 20 at 10, up to 480 / 20 = 24: 4 at 20; average 280 / 24; out at 30
        assert fills(got) == [(1, 20.0, 10.0, "signal"), (3, 4.0, 20.0, "signal"), (5, -24.0, 30.0, "signal")]
        (trade,) = got.trades
        assert (trade.entry_bar, trade.exit_bar, trade.qty) == (1, 5, 24.0)
        assert trade.entry_price == APPROX(280 / 24)
        assert trade.pnl == APPROX(720 - 280)


class TestMarketOrders:
    def test_slippage_spread_and_ticks_worsen_both_ways(self):
        tick = {"options": {"instruments": [Instrument("A", tick=0.5)]}}
        got = play(
            [10.0] * 5, [0.1, 0.1, 0.0, 0.0], slippage_frac=0.01, spread_frac=0.02, slippage_ticks=1.0, **tick
        )
        assert [f[2] for f in fills(got)] == [10.7, 9.3]
        assert got.metrics["slippage"] == APPROX(0.7 * 10 * 2)

    def test_the_range_that_slips_is_the_bar_before(self):
        got = play([10.0, (10.0, 18.0, 2.0, 10.0), 10.0], [0.1, 0.0], slippage_range_frac=0.5)
        assert [f[2] for f in fills(got)] == [10.0, 2.0]


class TestLimitOrders:
    def test_touching_is_not_enough(self):
        limit = {"order_type": "limit", "offset_frac": 0.1}
        assert fills(play([10.0, (10.0, 10.0, 9.0, 9.5), (9.5, 9.5, 9.0, 9.5)], [1.0], **limit)) == []
        got = play([10.0, (10.0, 10.0, 8.99, 9.5), 9.5], [1.0], slippage_frac=0.05, **limit)
        assert fills(got) == [(1, 100.0, 9.0, "signal")]

    def test_a_gap_beyond_it_fills_at_the_open(self):
        got = play([10.0, (8.0, 10.0, 8.0, 9.5), 9.5], [1.0], order_type="limit", offset_frac=0.1)
        assert fills(got) == [(1, 100.0, 8.0, "signal")]

    def test_selling_mirrors(self):
        limit = {"order_type": "limit", "offset_frac": 0.1}
        assert fills(play([10.0, (10.0, 11.0, 10.0, 10.0)], [-0.5], **limit)) == []
        assert fills(play([10.0, (10.0, 11.01, 10.0, 10.0)], [-0.5], **limit)) == [(1, -50.0, 11.0, "signal")]
        assert fills(play([10.0, (12.0, 12.0, 10.0, 10.0)], [-0.5], **limit)) == [(1, -50.0, 12.0, "signal")]

    def test_good_till_cancelled_waits_and_a_day_order_does_not(self):
        rows = [10.0, 10.0, (10.0, 10.0, 8.0, 10.0), 10.0]
        limit = {"order_type": "limit", "offset_frac": 0.1}
        assert fills(play(rows, [1.0] * 4, **limit)) == [(2, 100.0, 9.0, "signal")]
        assert fills(play(rows, [1.0] * 4, time_in_force="day", **limit)) == []

    def test_a_new_weight_replaces_what_waits(self):
        rows = [10.0, 10.0, (10.0, 10.0, 8.0, 10.0), 10.0]
        assert fills(play(rows, [1.0, 0.0, 0.0, 0.0], order_type="limit", offset_frac=0.1)) == []

    def test_an_exit_to_flat_goes_to_market(self):
        got = play([10.0, (9.0, 9.0, 8.0, 9.0), 9.0], [1.0, 0.0], order_type="limit", offset_frac=0.0)
        assert [o.kind for o in got.orders] == ["limit", "market"]
        assert fills(got)[-1] == (2, -100.0, 9.0, "signal")


class TestStopOrders:
    STOP = {"order_type": "stop", "offset_frac": 0.1}  # noqa: RUF012

    def test_touching_is_enough_and_it_slips(self):
        got = play([10.0, (10.0, 11.0, 10.0, 10.0), 10.0], [0.5], slippage_frac=0.01, **self.STOP)
        assert fills(got) == [(1, 50.0, 11.11, "signal")]

    def test_a_gap_fills_at_the_open(self):
        got = play([10.0, (12.0, 12.0, 10.0, 10.0), 10.0], [0.5], **self.STOP)
        assert fills(got) == [(1, 50.0, 12.0, "signal")]

    def test_selling_mirrors(self):
        assert fills(play([10.0, (10.0, 10.0, 9.0, 10.0)], [-0.5], **self.STOP)) == [
            (1, -50.0, 9.0, "signal")
        ]
        assert fills(play([10.0, (8.0, 10.0, 8.0, 10.0)], [-0.5], **self.STOP)) == [(1, -50.0, 8.0, "signal")]

    def test_prices_are_ticks(self):
        tick = {"options": {"instruments": [Instrument("A", tick=0.25)]}}
        got = play([10.1, (10.1, 12.0, 10.1, 10.1)], [0.5], order_type="stop", offset_frac=0.1, **tick)
        assert fills(got)[0][2] == 11.25  # 11.11 rounded away from the market


def test_bars_of_keeps_what_it_is_given():
    assert bars_of([1.0, None, 2.0], [0.0] * 3).tradable[:, 0].tolist() == [True, False, True]
