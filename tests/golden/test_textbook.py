"""Against a loop that anybody would write: moving-average cross, costs, stops and targets, bar by bar.

It shares nothing with the engine but the definitions: decide at the close, trade at the next open; the
fraction slips market and stop prices and not limits; a stop fills at its level or at a worse open, a
target when traded through; the stop goes first; a trailing stop follows after the bar's test; after a
protective exit the next trade waits for the next crossing. Sizes come from the decision's close and
are cut at the open to what the cash pays for. Fast and slow are such that the two means are never
exactly equal on the ECB's four decimals: there, rounding would decide.
"""

import numpy as np
import pytest


def textbook(bars, start, fast, slow, sides, fee, slip, stop_loss, take_profit, trail):
    """Return equity by bar and (entry bar, exit bar, units, entry, exit, reason) of closed trades."""
    opens, highs, lows, closes = (x[:, 0].tolist() for x in (bars.open, bars.high, bars.low, bars.close))
    cash, units, entry, begun, stop, take = 100_000.0, 0.0, 0.0, 0, None, None
    wanted, target, equity, curve, trades, cuts = 0, None, 100_000.0, [], [], 0

    def leave(t, price, reason):
        nonlocal cash, units
        cash += units * price - abs(units) * price * fee
        trades.append((begun, t, units, entry, price, reason))
        units = 0.0

    for t in range(start, len(closes)):
        if target is not None:
            if units:
                leave(t, opens[t] * (1 - np.sign(units) * slip), "signal")
            if target:
                side = np.sign(target)
                entry = opens[t] * (1 + side * slip)
                most = cash / (entry * (1 + fee)) if side > 0 else np.inf
                units, begun = side * min(abs(target), most), t
                cuts += abs(target) > most
                cash -= units * entry + abs(units) * entry * fee
                take = entry * (1 + side * take_profit) if take_profit else None
                near = [x for x in (stop_loss, trail) if x]
                stop = entry * (1 - side * min(near)) if near else None
            target = None
        if units > 0:
            if stop and lows[t] <= stop:
                leave(t, min(opens[t], stop) * (1 - slip), "stop_loss")
            elif take and highs[t] > take:
                leave(t, max(opens[t], take), "take_profit")
            elif trail:
                stop = max(stop, highs[t] * (1 - trail))
        elif units < 0:
            if stop and highs[t] >= stop:
                leave(t, max(opens[t], stop) * (1 + slip), "stop_loss")
            elif take and lows[t] < take:
                leave(t, min(opens[t], take), "take_profit")
            elif trail:
                stop = min(stop, lows[t] * (1 + trail))
        equity = cash + units * closes[t]
        curve.append(equity)
        if t >= slow - 1:
            above = np.mean(closes[t - fast + 1 : t + 1]) > np.mean(closes[t - slow + 1 : t + 1])
            side = 1 if above else -1
            side = side if side in sides else 0
            if side != wanted:
                wanted = side
                target = side * equity / closes[t]
    return np.array(curve), trades, cuts


CASES = [
    # sample, first bar, fast, slow, side, fee, slip, stop, target, trail, closed trades at least
    ("sp500", 0, 5, 20, "both", 0.001, 0.0005, 0.01, 0.02, 0.0, 200),
    ("sp500", 100, 10, 30, "long", 0.0, 0.001, 0.015, 0.0, 0.0, 50),
    ("sp500", 0, 3, 12, "short", 0.0005, 0.0, 0.02, 0.01, 0.015, 100),
    ("sp500", 0, 20, 60, "both", 0.0005, 0.0002, 0.0, 0.0, 0.03, 40),
    ("eurusd", 0, 7, 23, "both", 0.0002, 0.0001, 0.01, 0.02, 0.0, 300),
    ("eurusd", 1000, 20, 50, "both", 0.0001, 0.0, 0.0, 0.01, 0.02, 80),
    ("eurusd", 0, 11, 37, "long", 0.001, 0.0005, 0.005, 0.0, 0.0, 80),
]
SIDES = {"long": (1,), "short": (-1,), "both": (1, -1)}


@pytest.mark.parametrize("case", CASES)
def test_equity_and_trades(replay, samples, case):
    sample, start, fast, slow, side, fee, slip, stop_loss, take_profit, trail, least = case
    bars = samples[sample]
    curve, trades, cuts = textbook(
        bars, start, fast, slow, SIDES[side], fee, slip, stop_loss, take_profit, trail
    )
    settings = {
        "fast": fast,
        "slow": slow,
        "side": side,
        "broker.commission_frac": fee,
        "broker.slippage_frac": slip,
        "risk.stop_loss_frac": stop_loss,
        "risk.take_profit_frac": take_profit,
        "risk.trailing_stop_frac": trail,
    }
    result = replay(bars, "ma_crossover", settings, start)
    closed = [t for t in result.trades if t.exit_bar >= 0]
    assert len(closed) == len(trades) >= least
    reasons = {"signal"}
    reasons |= {"stop_loss"} if stop_loss or trail else set()
    reasons |= {"take_profit"} if take_profit else set()
    assert {t.reason for t in closed} == reasons
    np.testing.assert_allclose(result.equity, curve, rtol=1e-9)
    for found, (begun, ended, units, entry, price, reason) in zip(closed, trades, strict=True):
        assert (found.entry_bar, found.exit_bar, found.reason) == (begun, ended, reason)
        assert found.side == ("long" if units > 0 else "short")
        expected = (abs(units), entry, price)
        assert (found.qty, found.entry_price, found.exit_price) == pytest.approx(expected, rel=1e-9)
        fees = abs(units) * (entry + price) * fee
        gross = units * (price - entry)
        assert found.pnl == pytest.approx(gross - fees, rel=1e-9, abs=1e-14 * abs(units) * entry)
    assert sum(f.cut > 0 for f in result.fills) == cuts
    assert (cuts > 10) == ("long" in side or side == "both")
