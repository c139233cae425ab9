"""Events cannot be changed, carry what the log needs, and leave the number to the bus."""

import math

import pytest

from admf_ray.engine.events import EVENT_TYPES, BarEvent, FillEvent, OrderEvent, RiskEvent, SignalEvent

EXAMPLES = (
    BarEvent(3, 10, "A", 1.0, 2.0, 0.5, 1.5),
    SignalEvent(3, 10, "A", -1.0, "ma_crossover"),
    OrderEvent(3, 10, "A", "market", 5.0, math.nan, "signal"),
    FillEvent(4, 11, "A", 5.0, 1.5, 0.1, 0.0, "signal"),
    RiskEvent(4, 11, "A", "order_cut", 2.0),
)


def test_examples_cover_every_type():
    assert tuple(type(event) for event in EXAMPLES) == EVENT_TYPES


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_events_are_unchangeable_unnumbered_and_located(event):
    assert event._fields[:3] == ("bar", "time_ns", "symbol")
    assert event._fields[-1] == "sequence"
    assert event.sequence == 0
    assert "sequence" in type(event).__doc__
    for name in event._fields:
        with pytest.raises(AttributeError):
            setattr(event, name, 1)
    with pytest.raises(AttributeError):
        event.other = 1
    with pytest.raises(TypeError):
        event[0] = 1


def test_a_fill_closes_no_trade_unless_it_says_so():
    fill = EXAMPLES[3]
    assert math.isnan(fill.pnl)
    assert fill.cut == 0.0
    assert math.isnan(EXAMPLES[0].volume)
