"""Execution by hand: brackets, shorts, margin, ruin, missing bars, halts, several symbols."""

from __future__ import annotations

import numpy as np
import pytest

from admf_ray.market import Instrument
from tests.unit.engine.scripted import KEEP, bars_of, fills, noticed, play

APPROX = pytest.approx
DAY_NS = 86_400 * 10**9


class TestBracket:
    def test_it_is_live_in_the_bar_of_the_entry(self):
        got = play([10.0, (10.0, 10.0, 8.0, 9.0), 9.0], [0.5], stop_loss_frac=0.1, slippage_frac=0.0)
        assert fills(got) == [(1, 50.0, 10.0, "signal"), (1, -50.0, 9.0, "stop_loss")]
        got = play([10.0, (10.0, 12.0, 10.0, 10.0), 9.0], [0.5], take_profit_frac=0.1)
        assert fills(got) == [(1, 50.0, 10.0, "signal"), (1, -50.0, 11.0, "take_profit")]

    def test_a_stop_fires_on_touch_a_target_must_be_traded_through(self):
        got = play([10.0, 10.0, (10.0, 10.0, 9.0, 9.5), 10.0], [0.5] * 4, stop_loss_frac=0.1)
        assert fills(got)[1] == (2, -50.0, 9.0, "stop_loss")
        got = play([10.0, 10.0, (10.0, 11.0, 10.0, 10.0), 10.0], [0.5] * 4, take_profit_frac=0.1)
        assert len(fills(got)) == 1

    def test_gaps_fill_at_the_open_and_only_the_stop_slips(self):
        got = play([10.0, 10.0, (8.0, 8.0, 7.0, 8.0)], [0.5] * 3, stop_loss_frac=0.1, slippage_frac=0.01)
        assert fills(got)[1] == (2, -50.0, 7.92, "stop_loss")
        got = play([10.0, 10.0, (14.0, 14.0, 13.0, 14.0)], [0.5] * 3, take_profit_frac=0.1, spread_frac=0.02)
        assert fills(got)[1] == (2, -50.0, 14.0, "take_profit")

    def test_the_stop_wins_when_both_could_fire(self):
        wild = (10.0, 12.0, 8.0, 10.0)
        got = play([10.0, 10.0, wild], [0.5] * 3, stop_loss_frac=0.1, take_profit_frac=0.1)
        assert fills(got)[1] == (2, -50.0, 9.0, "stop_loss")
        got = play([10.0, 10.0, wild], [-0.5] * 3, stop_loss_frac=0.1, take_profit_frac=0.1)
        assert fills(got)[1] == (2, 50.0, 11.0, "stop_loss")

    def test_after_an_entry_within_the_bar_the_stop_may_fire_and_the_target_not(self):
        limit = {"order_type": "limit", "offset_frac": 0.1, "take_profit_frac": 0.05, "stop_loss_frac": 0.2}
        got = play([10.0, (10.0, 10.0, 8.9, 10.0), (9.2, 9.2, 9.2, 9.2)], [0.5], **limit)
        assert fills(got) == [(1, 50.0, 9.0, "signal")]
        got = play([10.0, (10.0, 10.0, 7.0, 10.0), 9.2], [0.5], **limit)
        assert fills(got) == [(1, 50.0, 9.0, "signal"), (1, -50.0, 7.2, "stop_loss")]

    def test_an_entry_at_the_open_may_reach_its_target_in_the_same_bar(self):
        limit = {"order_type": "limit", "offset_frac": 0.1, "take_profit_frac": 0.05}
        got = play([10.0, (8.0, 10.0, 8.0, 10.0), 9.2], [0.5], **limit)
        assert fills(got) == [(1, 50.0, 8.0, "signal"), (1, -50.0, 8.4, "take_profit")]

    def test_a_trailing_stop_moves_after_the_bars_test(self):
        # the bar's high of 20 would put the stop at 18, above its low of 10: it fires one bar later
        got = play(
            [10.0, 10.0, (10.0, 20.0, 10.0, 19.0), (19.0, 19.0, 17.0, 19.0), 19.0], [0.5] * 5,
            trailing_stop_frac=0.1,
        )  # fmt: skip
        assert fills(got)[1:] == [(3, -50.0, 18.0, "stop_loss")]

    def test_a_trailing_stop_never_moves_back(self):
        got = play(
            [10.0, 10.0, (10.0, 20.0, 10.0, 19.0), (19.0, 19.0, 18.5, 19.0), (19.0, 19.0, 17.0, 19.0)],
            [0.5] * 5, trailing_stop_frac=0.1,
        )  # fmt: skip
        assert fills(got)[1:] == [(4, -50.0, 18.0, "stop_loss")]

    def test_nothing_is_re_entered_after_a_stop_until_the_weight_changes(self):
        rows = [10.0, 10.0, (10.0, 10.0, 8.0, 10.0), 10.0, 10.0, 10.0, 10.0]
        got = play(rows, [0.5, 0.5, 0.5, 0.5, 0.6, 0.6, 0.6], stop_loss_frac=0.1)
        assert [f[0] for f in fills(got)] == [1, 2, 5]

    def test_average_true_ranges(self):
        rows = [(10.0, 11.0, 9.0, 10.0)] * 5 + [(10.0, 10.0, 5.0, 6.0)]
        got = play(rows, [KEEP, KEEP, KEEP, 0.5, 0.5, 0.5], stop_loss_atr=2.0, atr_bars=2)
        assert fills(got) == [(4, 50.0, 10.0, "signal"), (5, -50.0, 6.0, "stop_loss")]


class TestShorts:
    def test_the_initial_margin_bounds_them(self):
        got = play([10.0] * 3, [-1.0], fraction=3.0, max_symbol_exposure=3.0, max_gross_exposure=3.0)
        assert fills(got) == [(1, -200.0, 10.0, "signal")]

    def test_nobody_sells_short_for_nothing(self):
        tick = {"options": {"instruments": [Instrument("A", tick=10.0)]}}
        assert fills(play([10.0] * 4, [-1.0], slippage_ticks=1.0, **tick)) == []
        assert noticed() == [(1, "order_cut")]

    def test_a_breach_of_maintenance_is_closed_at_the_next_open(self):
        # short 100 at 10; at 15.5: equity 450 <= 0.3 * 1,550
        got = play([10.0, 10.0, 15.0, 15.5, 15.2, 15.0], [-1.0] * 6)
        assert fills(got) == [(1, -100.0, 10.0, "signal"), (4, 100.0, 15.2, "margin_call")]
        assert noticed() == [(3, "margin_call")]
        assert got.equity[-1] == APPROX(480.0)

    def test_a_long_on_margin_is_called_too(self):
        got = play(
            [10.0, 10.0, 6.0, 6.0, 6.0], [1.0] * 5, fraction=2.0, max_symbol_exposure=2.0,
            max_gross_exposure=2.0, long_initial_margin=0.5,
        )  # fmt: skip
        # 200 at 10 on 1,000; at 6: equity 200 <= 0.25 * 1,200
        assert fills(got)[1] == (3, -200.0, 6.0, "margin_call")

    def test_ruin_is_flat_at_once_and_for_good_and_its_row_says_so(self):
        got = play([10.0, 10.0, 25.0, 1.0, 1.0, 1.0], [-1.0, -1.0, -1.0, 1.0, -1.0, 1.0])
        assert fills(got)[1] == (2, 100.0, 25.0, "ruined")
        assert got.equity.tolist() == [1_000.0, 1_000.0] + [-500.0] * 4
        assert not got.positions[3:].any()
        assert got.metrics["halted"] == 7.0
        assert got.metrics["max_drawdown"] == -1.0
        assert np.isfinite(
            [got.metrics[k] for k in ("sharpe", "total_return", "annual_return", "volatility")]
        ).all()

    def test_a_ruined_account_pays_no_more_interest(self):
        got = play([10.0, 10.0, 25.0, 1.0, 1.0, 1.0], [-1.0] * 6, interest_frac_per_year=1.0)
        assert len(set(got.equity[2:])) == 1

    def test_a_halted_account_can_still_be_ruined(self):
        got = play([10.0, 10.0, 13.0, 40.0, 40.0], [-1.0] * 5, max_drawdown_frac=0.25)
        assert fills(got)[1] == (3, 100.0, 40.0, "drawdown_halt")
        assert got.metrics["halted"] == 7.0

    def test_borrow_is_charged_by_calendar_day(self):
        # business days from a Monday: the short of bar 1 (Tuesday) is carried over a weekend after bar 4
        got = play([10.0] * 7, [-0.5] * 7, borrow_frac_per_year=0.365)
        assert -np.diff(got.equity) == APPROX([0.0, 0.5, 0.5, 0.5, 1.5, 0.5])
        assert got.metrics["financing"] == APPROX(3.5)


class TestMissingBars:
    def test_they_mark_stale_and_never_fill(self):
        got = play([10.0, 10.0, None, 12.0, None, 11.0], [1.0, 0.0, 0.0, 0.5, KEEP, KEEP])
        assert fills(got) == [
            (1, 100.0, 10.0, "signal"),
            (3, -100.0, 12.0, "signal"),
            (5, 50.0, 11.0, "signal"),
        ]
        assert got.equity.tolist() == [1_000.0, 1_000.0, 1_000.0, 1_200.0, 1_200.0, 1_200.0]

    def test_forward_filled_bars_never_fill(self):
        rows = [10.0, 10.0, 10.0, 12.0, 12.0]
        options = {"tradable": np.array([True, False, False, True, True])}
        assert fills(play(rows, [0.5] * 5, options=options)) == [(3, 50.0, 12.0, "signal")]

    def test_a_quote_at_which_nothing_traded_is_no_mark(self):
        options = {"tradable": np.array([True, True, False, True])}
        got = play([10.0, 10.0, 99.0, 10.0], [1.0] * 4, options=options)
        assert got.equity.tolist() == [1_000.0] * 4
        assert len(fills(got)) == 1

    def test_a_symbol_that_ends_is_liquidated_at_its_last_close(self):
        got = play([10.0, 10.0, (9.0, 9.0, 8.0, 8.5), None, None], [1.0] * 3, slippage_frac=0.1)
        assert fills(got)[1][::3] == (2, "delisted")
        assert fills(got)[1][2] == 8.5
        assert not got.positions[2:].any()

    def test_stops_rest_while_nothing_trades(self):
        options = {"tradable": np.array([True, True, False, True])}
        got = play([10.0, 10.0, (10.0, 10.0, 1.0, 1.0), 10.0], [0.5] * 4, stop_loss_frac=0.1, options=options)
        assert len(fills(got)) == 1


class TestHalts:
    def test_a_drawdown_closes_everything_for_good(self):
        got = play([10.0, 10.0, 7.0, 7.0, 10.0, 10.0], [1.0, 1.0, 1.0, 0.5, 1.0, 0.2], max_drawdown_frac=0.25)
        assert fills(got)[1:] == [(3, -100.0, 7.0, "drawdown_halt")]
        assert noticed() == [(2, "drawdown_halt")]
        assert got.metrics["halted"] == 3.0

    def test_the_session_ends_flat(self):
        times = (18_262 + np.array([0, 0, 0, 1, 1, 1])) * DAY_NS + np.array([14, 15, 16] * 2) * 3_600 * 10**9
        bars = bars_of([10.0, 10.0, 12.0, 12.0, 12.0, 12.0], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5], time_ns=times)
        bars.__dict__["session_end_minute"] = 960
        got = play(bars, None, flat_at_session_end="yes")
        assert fills(got)[:2] == [(1, 50.0, 10.0, "signal"), (2, -50.0, 12.0, "session_end")]
        assert got.positions[[2, 5], 0].tolist() == [0.0, 0.0]
        assert len(fills(play(bars, None))) == 1


class TestSeveralSymbols:
    def test_each_has_its_share_of_one_account(self):
        got = play({"A": [10.0] * 3, "B": [20.0] * 3}, {"A": [1.0], "B": [-1.0]})
        assert fills(got) == [(1, 50.0, 10.0, "signal"), (1, -25.0, 20.0, "signal")]

    def test_what_reduces_exposure_is_filled_first(self):
        got = play(
            {"A": [10.0] * 5, "B": [20.0] * 5},
            {"A": [0.0, 0.0, 1.0, 1.0], "B": [1.0, 1.0, 0.0, 0.0]},
            fraction=2.0,
        )
        assert [(f.bar, f.symbol, round(f.qty, 6)) for f in got.fills] == [
            (1, "B", 50.0),
            (3, "B", -50.0),
            (3, "A", 100.0),
        ]

    def test_increases_share_scarce_cash_pro_rata(self):
        # 600 + 600 are wanted after both gap up by a fifth
        got = play({"A": [10.0, 12.0, 12.0], "B": [20.0, 24.0, 24.0]}, {"A": [1.0], "B": [1.0]})
        assert [round(f.qty, 6) for f in got.fills] == [round(50 / 1.2, 6), round(25 / 1.2, 6)]
        assert noticed() == [(1, "order_cut"), (1, "order_cut")]
        assert 0.0 <= got.cash[-1] < 1e-9

    def test_the_gross_limit_is_shared_pro_rata_with_room_for_what_is_held(self):
        many = {"A": [10.0] * 5, "B": [10.0] * 5, "C": [10.0] * 5}
        got = play(many, {"A": [1.0] * 5, "B": [0.0, 1.0], "C": [0.0, 0.5]}, fraction=1.8)
        # A holds 600; B wants 600, C 300, and 400 is left
        assert [round(f.qty, 6) for f in got.fills] == [60.0, round(60 * 4 / 9, 6), round(30 * 4 / 9, 6)]

    def test_a_missing_bar_of_one_marks_it_stale_and_leaves_the_other_alone(self):
        got = play(
            {"A": [10.0, None, 10.0, 12.0], "B": [10.0, 10.0, 12.0, 12.0]}, {"A": [1.0] * 4, "B": [1.0] * 4}
        )
        assert [(f.bar, f.symbol) for f in got.fills] == [(1, "B"), (2, "A")]
        assert got.equity.tolist() == [1_000.0, 1_000.0, 1_100.0, 1_200.0]

    def test_one_that_ends_is_liquidated_and_its_benchmark_with_it(self):
        got = play({"A": [10.0] * 5, "B": [10.0, 10.0, 9.0, None, None]}, {"A": [1.0] * 5, "B": [1.0] * 3})
        assert [(f.bar, f.symbol, f.reason) for f in got.fills][-1] == (2, "B", "delisted")
        assert got.equity[-1] == 950.0

    def test_a_margin_call_closes_all(self):
        got = play({"A": [10.0] * 5, "B": [10.0, 10.0, 26.0, 26.0, 26.0]}, {"A": [1.0] * 5, "B": [-1.0] * 5})
        # cash 1,000, A 500, B -1,300: equity 200 <= 0.3 * 1,300
        assert [(f.bar, f.symbol, f.reason) for f in got.fills][2:] == [
            (3, "A", "margin_call"),
            (3, "B", "margin_call"),
        ]

    def test_instruments_keep_their_names_when_columns_are_sorted(self):
        options = {"instruments": [Instrument("B", multiplier=2.0), Instrument("A")]}
        got = play({"B": [10.0] * 3, "A": [10.0] * 3}, {"B": [1.0], "A": [1.0]}, options=options)
        assert [(f.symbol, f.qty) for f in got.fills] == [("A", 50.0), ("B", 25.0)]


def test_adding_to_a_position_never_moves_its_trailing_stop_back():
    """The stop trails the high of 20 to 18; the add at 19 would start it at a tenth below 13.6."""
    calm, jump, dip = 10.0, (10.0, 20.0, 10.0, 19.0), (19.0, 19.0, 17.5, 19.0)
    weights = [0.5, 0.5, 0.5, 0.9, 0.9, 0.9, 0.9]
    got = play([calm, calm, jump, 19.0, 19.0, dip, 19.0], weights, trailing_stop_frac=0.1)
    assert [(fill.bar, fill.reason) for fill in got.fills] == [(1, "signal"), (4, "signal"), (5, "stop_loss")]
    assert got.fills[-1].price == 18.0


def test_cash_that_an_exit_leaves_below_zero_is_said():
    """A long paid in full and a short that doubles: covering is never refused, and not silent either."""
    prices = {"A": [10.0] * 6, "B": [10.0, 10.0, 20.5, 20.5, 20.5, 20.5]}
    weights = {"A": [1.0] * 6, "B": [-1.0, -1.0, 0.0, 0.0, 0.0, 0.0]}
    got = play(prices, weights)
    assert got.cash[-1] == -25.0
    told = [(notice.bar, notice.notice, notice.value) for notice in play.notices]
    assert told == [(3, "cash_below_zero", -25.0)]
