"""Data handlers: the bars as events, and a past without a future."""

import datetime
import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_ray.components.registry import find
from admf_ray.engine import handlers
from admf_ray.engine.container import ScopedContainer
from admf_ray.engine.handlers import HistoricalDataHandler, TestDataHandler
from admf_ray.errors import ComponentError, DataError
from admf_ray.market.bars import Bars
from admf_ray.market.views import BarView


def make_bars(n, symbols=1, volume=True, seed=0):
    random = np.random.default_rng(seed)
    close = 100.0 + random.normal(size=(n, symbols)).cumsum(0)
    return Bars.from_arrays(
        close + 0.25, close + 1.0, close - 1.0, close, random.uniform(1, 9, close.shape) if volume else None,
        symbols=[f"S{k}" for k in range(symbols)], extra={"funding": random.normal(size=close.shape)},
        zone="America/New_York",
    )  # fmt: skip


def gappy():
    prices = np.array([[1.0, np.nan], [2.0, 20.0], [np.nan, 30.0], [4.0, 40.0]])
    return Bars.from_arrays(prices, prices, prices, prices, symbols=["A", "B"])


def handled(bars, cls="HistoricalDataHandler", service="data", **params):
    container = ScopedContainer("test")
    container.register_shared_service(service, bars)
    container.create_component({"name": "handler", "class": cls, "params": params})
    container.initialize_scope()
    return container


def test_names_are_registered():
    for name in ("HistoricalDataHandler", "historical_data_handler"):
        assert find(name, "data_handler") is HistoricalDataHandler
    for name in ("TestDataHandler", "test_data_handler"):
        assert find(name, "data_handler") is TestDataHandler
    assert TestDataHandler.__test__ is False


@pytest.mark.parametrize(
    ("cls", "service", "params"),
    [
        ("HistoricalDataHandler", "data", {}),
        ("TestDataHandler", "test_data", {}),
        ("HistoricalDataHandler", "test_data", {"data_source": "test_data"}),
        ("TestDataHandler", "other", {"data_source": "other"}),
    ],
)
def test_data_source(cls, service, params):
    bars = make_bars(3)
    with handled(bars, cls, service, **params) as container:
        assert container.handler.bars is bars
        handler = container.handler
    with pytest.raises(ComponentError, match="from initialize_scope to teardown_scope, found it outside"):
        _ = handler.bars


def test_a_missing_or_wrong_source_is_named():
    with pytest.raises(ComponentError, match=r"component 'handler' needs 'test_data', found neither"):
        handled(make_bars(3), "TestDataHandler")
    with pytest.raises(ComponentError, match=r"service 'data' must hold Bars, found Frozen"):
        handled({"close": [1.0]})


@pytest.mark.parametrize("symbols", [1, 3])
@pytest.mark.parametrize("volume", [True, False])
def test_events_are_the_bars(monkeypatch, symbols, volume):
    monkeypatch.setattr(handlers, "CHUNK_BARS", 4)
    bars = make_bars(11, symbols, volume)
    with handled(bars) as container:
        events = list(container.handler.events(2, 10))
        assert len(events) == 8 * symbols
        for k, event in enumerate(events):
            t, s = 2 + k // symbols, k % symbols
            columns = (bars.open, bars.high, bars.low, bars.close)
            assert event[:3] == (t, int(bars.time_ns[t]), bars.symbols[s])
            assert event[3:7] == tuple(column[t, s] for column in columns)
            assert np.isnan(event.volume) if not volume else event.volume == bars.volume[t, s]
            assert {type(value) for value in event[3:8]} == {float}
            assert type(event.bar) is type(event.time_ns) is int
        assert [event.bar for event in container.handler] == [t for t in range(11) for _ in range(symbols)]
        assert list(container.handler.events(5, 5)) == []
        for start, stop in ((-1, 3), (4, 3), (0, 12)):
            with pytest.raises(DataError, match=rf"must lie within 0 and 11, found {start} to {stop}"):
                list(container.handler.events(start, stop))


def test_a_symbol_without_a_bar_has_no_event():
    with handled(gappy()) as container:
        found = [(event.bar, event.symbol, event.close) for event in container.handler]
    assert found == [
        (0, "A", 1.0),
        (1, "A", 2.0),
        (1, "B", 20.0),
        (2, "B", 30.0),
        (3, "A", 4.0),
        (3, "B", 40.0),
    ]


def test_the_view_follows_the_events():
    bars = make_bars(9)
    with handled(bars) as container:
        handler = container.handler
        with pytest.raises(DataError, match="no bar has closed yet"):
            _ = handler.view.now
        for event in handler.events(3):
            view = handler.view
            assert view.bar == event.bar == len(view) - 1
            assert view.n_bars == event.bar + 1
            assert view.time_ns == event.time_ns
            assert view.now == (event.open, event.high, event.low, event.close, event.volume)
            assert view.close.tolist() == bars.close[: event.bar + 1, 0].tolist()
            assert handler.history(2).low.tolist() == bars.low[event.bar - 1 : event.bar + 1, 0].tolist()
        handler.advance(0)
        assert len(handler.view.close) == 1


def test_the_view_of_several_symbols():
    bars = make_bars(6, 3, volume=False)
    view = BarView(bars)
    view._advance(4)
    assert view.symbols == bars.symbols
    assert view.close.shape == (5, 3)
    assert np.array_equal(view.now.high, bars.high[4])
    assert np.isnan(view.volume).all()
    assert view.history(2).open.shape == (2, 3)
    assert view.history(99).open.shape == (5, 3)
    assert view.tradable.dtype == bool
    assert np.array_equal(view["funding"], bars.extra["funding"][:5])
    assert view.time == datetime.datetime(2000, 1, 7, 16, tzinfo=view.time.tzinfo)
    assert str(view.time.tzinfo) == "America/New_York"
    with pytest.raises(DataError, match=r"no column 'fundin', found .*; did you mean 'funding'\?"):
        view["fundin"]


@pytest.mark.parametrize("n", [0, -1])
def test_no_later_bars_by_history(n):
    view = BarView(make_bars(5))
    view._advance(2)
    with pytest.raises(DataError, match="later bars do not exist yet"):
        view.history(n)


@given(
    st.lists(st.integers(0, 19), min_size=1, max_size=12).map(sorted), st.sampled_from([1, 2]), st.randoms()
)
def test_neither_values_nor_memory_reach_past_the_present(stops, symbols, random):
    bars = make_bars(20, symbols, seed=1)
    view, kept = BarView(bars), []
    for t in stops:
        view._advance(t)
        for name in random.sample(["open", "high", "low", "close", "volume", "funding"], 3):
            source = bars.extra[name] if name == "funding" else getattr(bars, name)
            array = view[name]
            expected = source[: t + 1, 0] if symbols == 1 else source[: t + 1]
            assert array.tobytes() == expected.tobytes()
            assert not array.flags.writeable
            assert not np.shares_memory(array, source)
            memory = array if array.base is None else array.base
            assert (memory[t + 1 :] == 0.0).all()
            assert memory.base is None
            kept.append((array, expected))
    assert all(array.tobytes() == expected.tobytes() for array, expected in kept)


def test_writing_into_the_view_raises():
    view = BarView(make_bars(5))
    view._advance(2)
    for array in (view.close, view.history(1).close):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    with pytest.raises(AttributeError):
        view.bar = 4
    with pytest.raises(AttributeError):
        view.anything = 4


def test_a_handler_frees_its_view():
    container = handled(make_bars(5))
    gone = [weakref.ref(container.handler), weakref.ref(container.handler.view)]
    container.teardown_scope()
    gc.collect()
    assert [one() for one in gone] == [None, None]
