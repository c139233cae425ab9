"""The bus: order of delivery, numbering, isolation, and its log as a file."""

import gc
import json
import math
import weakref

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_ray.components.base import Component
from admf_ray.engine.bus import EventBus
from admf_ray.engine.container import ScopedContainer
from admf_ray.engine.events import EVENT_TYPES, BarEvent, FillEvent, OrderEvent, RiskEvent, SignalEvent
from admf_ray.errors import ComponentError, ConfigError, StoreError


def bar(k=0):
    return BarEvent(k, 10 * k, "A", 1.0, 2.0, 0.5, 1.5)


def signal(source="s"):
    return SignalEvent(0, 0, "A", 1.0, source)


def test_publish_numbers_from_one_and_returns_what_is_delivered():
    bus, seen = EventBus(), []
    bus.subscribe(BarEvent, seen.append)
    first, second = bus.publish(bar(0)), bus.publish(bar(1))
    assert [first.sequence, second.sequence] == [1, 2] == [event.sequence for event in seen]
    assert seen[0] is first
    assert type(first) is BarEvent
    assert first[:-1] == bar(0)[:-1]
    assert bus.sequence == 2


def test_handlers_are_called_in_the_order_of_subscription_and_by_type_only():
    bus, seen = EventBus(), []
    for name in "cab":
        bus.subscribe(BarEvent, lambda event, name=name: seen.append(name))
    bus.subscribe(SignalEvent, lambda event: seen.append("signal"))
    bus.publish(bar())
    assert seen == ["c", "a", "b"]


def test_all_see_events_in_the_order_of_their_numbers():
    bus, seen = EventBus(keep_log=True), []
    bus.subscribe(BarEvent, lambda event: bus.publish(signal()))
    bus.subscribe(
        SignalEvent, lambda event: bus.publish(OrderEvent(0, 0, "A", "market", 1.0, math.nan, "signal"))
    )
    for kind in EVENT_TYPES:
        bus.subscribe(kind, lambda event: seen.append(event.sequence))
    bus.publish(bar(0))
    bus.publish(bar(1))
    assert seen == [1, 2, 3, 4, 5, 6]
    assert [event.sequence for event in bus.log] == seen
    assert [type(event) for event in bus.log[:3]] == [BarEvent, SignalEvent, OrderEvent]


def test_who_subscribes_during_delivery_receives_what_is_published_after_that():
    bus, late = EventBus(), []

    def subscribe_late(event):
        if event.bar == 0:
            bus.publish(bar(1))
            bus.subscribe(BarEvent, lambda event: late.append(event.bar))
            bus.publish(bar(2))

    bus.subscribe(BarEvent, subscribe_late)
    bus.publish(bar(0))
    bus.publish(bar(3))
    assert late == [2, 3]


def test_an_exception_reaches_the_publisher_and_the_bus_stays_usable():
    bus, seen = EventBus(keep_log=True), []

    def fail(event):
        bus.publish(signal())
        if event.bar == 0:
            raise ZeroDivisionError("in a handler")

    bus.subscribe(BarEvent, fail)
    bus.subscribe(SignalEvent, seen.append)
    with pytest.raises(ZeroDivisionError, match="in a handler"):
        bus.publish(bar(0))
    assert not seen
    bus.publish(bar(1))
    assert [event.sequence for event in seen] == [4]
    assert len(bus.log) == 4


def test_an_event_is_published_once():
    one, other = EventBus(), EventBus()
    published = one.publish(bar())
    for bus in (one, other):
        with pytest.raises(ComponentError, match=r"published once, found BarEvent number 1; make a new one"):
            bus.publish(published)


@pytest.mark.parametrize("thing", [None, 3, (), ("a", 1), "text", BarEvent])
def test_only_events_are_published_or_subscribed_to(thing):
    bus = EventBus()
    with pytest.raises(ComponentError, match="must be one of BarEvent, SignalEvent"):
        bus.publish(thing)
    if thing is not BarEvent:
        with pytest.raises(ComponentError, match="must be one of BarEvent, SignalEvent"):
            bus.subscribe(thing, print)


def test_a_closed_bus_refuses_and_has_let_go():
    bus = EventBus(keep_log=True)

    class Held:
        def handle(self, event):
            pass

    held = Held()
    gone = weakref.ref(held)
    bus.subscribe(BarEvent, held.handle)
    bus.publish(bar())
    bus.close()
    bus.close()
    del held
    assert gone() is None
    assert bus.closed
    assert bus.log == ()
    with pytest.raises(ComponentError, match="torn down, found BarEvent after teardown"):
        bus.publish(bar())
    with pytest.raises(ComponentError, match="torn down"):
        bus.subscribe(BarEvent, print)
    with pytest.raises(ComponentError, match="torn-down bus"):
        bus.write_log("x.jsonl")


def test_closing_during_delivery_ends_it_after_the_present_event():
    bus, seen = EventBus(), []

    def close(event):
        bus.publish(signal())
        bus.close()

    bus.subscribe(BarEvent, close)
    bus.subscribe(BarEvent, seen.append)
    bus.subscribe(SignalEvent, seen.append)
    bus.publish(bar())
    assert [type(event) for event in seen] == [BarEvent]


def ready(name):
    container = ScopedContainer(name)
    container.initialize_scope()
    return container


def test_a_container_publishes_on_its_own_bus_only():
    with ready("a") as a, ready("b") as b:
        with pytest.raises(ComponentError, match="only its own container may, found no container at work"):
            a.bus.publish(bar())

        def meddle(scope):
            assert scope.bus.publish(bar()).sequence == 1
            with pytest.raises(
                ComponentError, match=rf"only its own container may, found container '{a.id}'"
            ):
                b.bus.publish(bar())
            with pytest.raises(ComponentError, match="only its own container may"):
                b.bus.subscribe(BarEvent, print)

        a.run(meddle)
        assert a.bus.sequence == 1
        assert b.bus.sequence == 0


def test_a_container_within_another_has_its_own_bus_too():
    def outer(scope):
        scope.bus.publish(bar())
        with ready("inner") as inner:
            inner.run(lambda own: own.bus.publish(bar()))
            with pytest.raises(ComponentError, match="only its own container may, found container 'outer#"):
                inner.bus.publish(bar())
        scope.bus.publish(bar())
        return scope.bus.sequence

    with ready("outer") as container:
        assert container.run(outer) == 2


class Listener(Component):
    """Listens."""

    def hear(self, event):
        """Do nothing."""


def test_a_handler_of_another_container_is_refused():
    home = ScopedContainer("home")
    listener = home.create_component({"name": "listener", "class": Listener})
    with ready("away") as away:
        with pytest.raises(ComponentError, match=rf"found a handler of container '{home.id}'"):
            away.run(lambda scope: scope.bus.subscribe(BarEvent, listener.hear))
        assert away.state == "torn_down"
    home.initialize_scope()
    home.run(lambda scope: scope.bus.subscribe(BarEvent, listener.hear))
    home.teardown_scope()


ALL = (
    bar(0),
    BarEvent(1, 2**62, "Ü", 1.0, 2.0, 0.5, 1.5, 1e6),
    signal("filter"),
    OrderEvent(1, 5, "A", "limit", -3.0, 1.25, "signal"),
    FillEvent(2, 6, "A", np.float64(-3.0), 0.1 + 0.2, 0.5, 0.0, "stop_loss", np.int64(1), -7.5),
    RiskEvent(2, 6, "", "margin_call", math.inf),
)


def logged(events=ALL):
    bus = EventBus(keep_log=True)
    for event in events:
        bus.publish(event)
    return bus


def test_log_as_json_lines(tmp_path):
    path = logged().write_log(tmp_path / "new" / "log.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["event"] for row in rows] == ["Bar", "Bar", "Signal", "Order", "Fill", "Risk"]
    assert rows[0]["volume"] is None
    assert rows[1]["time_ns"] == 2**62
    assert rows[1]["symbol"] == "Ü"
    assert rows[4]["price"] == 0.1 + 0.2
    assert rows[4]["cut"] == 1
    assert rows[5]["value"] is None
    assert "NaN" not in path.read_text()
    assert list(rows[2]) == ["sequence", "event", "bar", "time_ns", "symbol", "weight", "source"]


def test_log_as_parquet_says_the_same(tmp_path):
    bus = logged()
    plain = [json.loads(line) for line in bus.write_log(tmp_path / "log.jsonl").read_text().splitlines()]
    rows = pq.read_table(bus.write_log(tmp_path / "log.parquet")).to_pylist()
    assert len(rows) == len(plain) == 6
    for row, said in zip(rows, plain, strict=True):
        assert {name: row[name] for name in said} == said
        assert all(value is None for name, value in row.items() if name not in said)


@settings(max_examples=25)
@given(st.lists(st.sampled_from(ALL), max_size=30))
def test_any_log_reads_back(tmp_path_factory, events):
    folder = tmp_path_factory.mktemp("log")
    bus = logged(events)
    table = pq.read_table(bus.write_log(folder / "a.parquet"))
    assert table["sequence"].to_pylist() == list(range(1, len(events) + 1))
    assert len(bus.write_log(folder / "a.jsonl").read_text().splitlines()) == len(events)


def test_a_log_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(ConfigError, match=r"must end in .jsonl or .parquet, found 'log.csv'"):
        logged().write_log(tmp_path / "log.csv")
    with pytest.raises(ComponentError, match="found none kept; create it with keep_log=True"):
        EventBus().write_log(tmp_path / "log.jsonl")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="must be writable"):
        logged().write_log(tmp_path / "file" / "log.jsonl")
    old = tmp_path / "log.jsonl"
    old.write_text("old")
    unwritable = SignalEvent(0, 0, "A", 1.0, object())
    with pytest.raises(AttributeError):
        logged([unwritable]).write_log(old)
    assert old.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "log.jsonl"]


def test_a_bus_is_collectable():
    bus = logged()
    gone = weakref.ref(bus)
    del bus
    gc.collect()
    assert gone() is None
