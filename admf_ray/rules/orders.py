"""How orders are made and when a bar reaches them."""

from __future__ import annotations

import math

from numpy import nan

from admf_ray.rules.compile import rule
from admf_ray.rules.state import LIMIT, MARKET, NO_ORDER, SIGNAL, STOP, Order

__all__ = [
    "limit_order",
    "market_order",
    "stop_order",
    "trigger_day",
    "trigger_gtc",
    "trigger_market",
]


@rule
def market_order(qty, close, tick, target, b):
    """Order that fills at the next tradable bar's open."""
    return Order(MARKET, qty, nan, nan, SIGNAL, -1.0, target, 0.0)


@rule
def limit_order(qty, close, tick, target, b):
    """Limit `offset_frac` better than the close; exits to flat go to market."""
    if target == 0.0:
        return Order(MARKET, qty, nan, nan, SIGNAL, -1.0, target, 0.0)
    if qty > 0.0:
        price = _to_tick(close * (1.0 - b.offset_frac), tick, -1.0)
    else:
        price = _to_tick(close * (1.0 + b.offset_frac), tick, 1.0)
    return Order(LIMIT, qty, price, nan, SIGNAL, -1.0, target, 0.0)


@rule
def stop_order(qty, close, tick, target, b):
    """Stop `offset_frac` beyond the close (enters on a breakout); exits to flat go to market."""
    if target == 0.0:
        return Order(MARKET, qty, nan, nan, SIGNAL, -1.0, target, 0.0)
    if qty > 0.0:
        price = _to_tick(close * (1.0 + b.offset_frac), tick, 1.0)
    else:
        price = _to_tick(close * (1.0 - b.offset_frac), tick, -1.0)
    return Order(STOP, qty, price, nan, SIGNAL, -1.0, target, 0.0)


@rule
def _to_tick(price, tick, direction):
    if tick <= 0.0:
        return price
    steps = price / tick
    near = round(steps)
    if abs(steps - near) < 1e-9:
        return near * tick
    return (math.ceil(steps) if direction > 0.0 else math.floor(steps)) * tick


@rule
def trigger_market(order, bar, day):
    """(hit, price, intrabar, order) of a market order: always, at the open."""
    return True, bar.open, False, order


@rule
def trigger_gtc(order, bar, day):
    """(hit, price, intrabar, order) for any kind, good till cancelled.

    A buy limit fills when traded through (low < limit), at the limit, or at the open when the bar
    opens beyond it. A buy stop triggers on touch (high >= stop), at the stop, or at the open on a
    gap. Sells mirror.
    """
    if order.kind == MARKET:
        return True, bar.open, False, order
    price = order.price
    buy = order.qty > 0.0
    if order.kind == LIMIT:
        if buy:
            if bar.open < price:
                return True, bar.open, False, order
            return bar.low < price, price, True, order
        if bar.open > price:
            return True, bar.open, False, order
        return bar.high > price, price, True, order
    if buy:
        if bar.open >= price:
            return True, bar.open, False, order
        return bar.high >= price, price, True, order
    if bar.open <= price:
        return True, bar.open, False, order
    return bar.low <= price, price, True, order


@rule
def trigger_day(order, bar, day):
    """As `trigger_gtc`, but an order that saw one session's bars without filling is cancelled after it."""
    if order.kind == MARKET:
        return True, bar.open, False, order
    if order.day >= 0.0 and day != order.day:
        return False, nan, False, NO_ORDER
    hit, price, intrabar, _ = trigger_gtc(order, bar, day)
    seen = Order(order.kind, order.qty, order.price, nan, order.reason, day, order.target, order.intrabar)
    return hit, price, intrabar, seen
