"""Containers: dependencies, teardown whatever happens, and nothing left alive."""

import gc
import logging
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from admf_ray.components.base import Component
from admf_ray.components.registry import find
from admf_ray.engine.container import ScopedContainer
from admf_ray.engine.events import BarEvent, FillEvent
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.errors import ComponentError, ConfigError
from admf_ray.market import Bars, full_window
from admf_ray.space.parameters import Param, ServiceName

BARS = Bars.from_arrays([1.0, 2.0], [2.0, 3.0], [1.0, 2.0], [2.0, 2.5])


class Recorder(Component):
    """Notes its hooks in the list that the class holds, and fails where told."""

    calls: list = []  # noqa: RUF012 - emptied by the fixture
    fails = Param(0, low=0, high=3)
    fast = Param(5, low=1, high=9)

    def initialize(self, container):
        """Note, hold memory, listen."""
        self.own = next(name for name in "abcdef" if getattr(container, name, None) is self)
        self.memory = np.zeros(1000)
        self.calls.append(f"+{self.own}")
        container.bus.subscribe(BarEvent, self.hear)
        if self.fails in (1, 3):
            raise ZeroDivisionError(f"initialize of {self.own}")

    def hear(self, event):
        """Note."""
        self.calls.append(self.own)

    def teardown(self):
        """Note."""
        self.calls.append(f"-{self.own}")
        if self.fails in (2, 3):
            raise ValueError(f"teardown of {self.own}")


class Plain(Component):
    """Has no hooks."""


@pytest.fixture(autouse=True)
def _no_calls():
    Recorder.calls = []


def filled(spec, **extra):
    """Return a container of recorders from ``{"a": ["b"]}``."""
    container = ScopedContainer("test", **extra)
    for name, needs in spec.items():
        container.create_component({"name": name, "class": Recorder, "depends_on": needs})
    return container


def test_the_whole_life_of_the_specification():
    container = ScopedContainer("test_baseline")
    config = {"strategy_class": Plain, "strategy_params": {}}
    container.register_shared_service("test_data", BARS)
    container.register_shared_service("config", config)
    container.create_component(
        {"name": "data_handler", "class": "TestDataHandler", "params": {"data_source": "test_data"}}
    )
    container.create_component(
        {"name": "strategy", "class": config["strategy_class"], "params": config["strategy_params"]}
    )
    seen = [container.state]
    container.initialize_scope()
    seen.append(container.state)
    assert container.run(lambda scope: (seen.append(scope.state), len(list(scope.data_handler)))[1]) == 2
    seen.append(container.state)
    assert container.collect() == 2
    seen.append(container.state)
    container.teardown_scope()
    assert [*seen, container.state] == ["created", "initialized", *["running"] * 2, "collected", "torn_down"]


def test_built_in_classes_are_found_by_name_in_a_fresh_process():
    code = (
        "from admf_ray.engine.container import ScopedContainer as C\n"
        "with C('x') as c:\n"
        "    for name in ('Portfolio', 'RiskManager', 'SimulatedBroker', 'CounterTrendFilter'):\n"
        "        c.create_component({'name': name, 'class': name})\n"
        "    c.initialize_scope()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_a_replay_runs_on_the_containers_own_bus():
    prices = 100.0 + 10.0 * np.sin(np.arange(120.0) / 5.0)
    bars = Bars.from_arrays(prices, prices + 1.0, prices - 1.0, prices)
    stack = Stack(find("ma_crossover", "strategy"))

    def driver(scope):
        row = stack.vector({"fast": 3, "slow": 9})
        return Replay(scope.data, stack, row, full_window(scope.data), bus=scope.bus).run()

    results, logs = [], []
    for _ in range(2):
        with ScopedContainer("replay", keep_log=True) as container:
            container.register_shared_service("data", bars)
            container.initialize_scope()
            results.append(container.run(driver))
            logs.append(container.bus.log)
    assert results[0].fills
    assert repr(logs[0]) == repr(logs[1])
    assert tuple(event for event in logs[0] if isinstance(event, FillEvent)) == results[0].fills
    assert results[0].equity.tobytes() == results[1].equity.tobytes()
    with pytest.raises(ComponentError, match="torn down"):
        Replay(bars, stack, stack.vector(), full_window(bars), bus=container.bus).run()


def test_collect_with_a_collector():
    with filled({}) as container:
        container.initialize_scope()
        container.run(lambda scope: None)
        assert container.collect(lambda scope: (scope.state, scope.bus.sequence)) == ("running", 0)


def test_dependencies_come_first_and_teardown_goes_backwards():
    with filled({"a": ["c"], "b": [], "c": ["b", "d"], "d": []}) as container:
        container.initialize_scope()
        container.run(lambda scope: scope.bus.publish(BarEvent(0, 0, "A", 1.0, 1.0, 1.0, 1.0)))
    up = ["+b", "+d", "+c", "+a"]
    assert Recorder.calls == [*up, "b", "d", "c", "a", "-a", "-c", "-d", "-b"]


def test_needs_by_class_and_by_parameter():
    class Needy(Component):
        """Needs."""

        requires = ("late",)
        source = ServiceName("prices")

        def initialize(self, container):
            """Take what it needs."""
            self.found = container.get("late"), container.get(self.source)

    with ScopedContainer("test") as container:
        needy = container.create_component({"name": "needy", "class": Needy, "params": {"source": "other"}})
        late = container.create_component({"name": "late", "class": Plain})
        container.register_shared_service("other", 3)
        container.initialize_scope()
        assert needy.found == (late, 3)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, r"must not need each other, found b -> c -> b; cut one link"),
        ({"a": ["a"]}, r"found a -> a;"),
        (
            {"a": ["bats"]},
            r"component 'a' needs 'bats', found neither service nor component; did you mean 'bars'\?",
        ),
        ({"a": ["zzz"]}, r"needs 'zzz', found neither .*; register a service or create a component"),
    ],
)
def test_needs_that_cannot_be_met(spec, message):
    container = filled(spec)
    container.register_shared_service("bars", 1)
    with pytest.raises(ComponentError, match=message) as caught:
        container.initialize_scope()
    assert "\n" not in str(caught.value)
    assert container.state == "torn_down"
    assert Recorder.calls == []


def test_asking_for_what_is_not_ready_is_an_error():
    class Impatient(Component):
        """Asks too early."""

        def initialize(self, container):
            """Ask."""
            container.get("late")

    container = ScopedContainer("test")
    container.create_component({"name": "early", "class": Impatient})
    container.create_component({"name": "late", "class": Plain})
    with pytest.raises(
        ComponentError, match=r"'early' asks for 'late', found it not yet initialized; add it"
    ):
        container.initialize_scope()


@pytest.mark.parametrize("failing", "abc")
@pytest.mark.parametrize("also_in_teardown", [False, True])
def test_a_failure_in_initialize_tears_down_all_that_began(failing, also_in_teardown):
    container = ScopedContainer("test")
    for name in "abc":
        fails = (3 if also_in_teardown else 1) if name == failing else 0
        container.create_component({"name": name, "class": Recorder, "params": {"fails": fails}})
    with pytest.raises(ZeroDivisionError, match=f"initialize of {failing}") as caught:
        container.initialize_scope()
    began = "abc"[: "abc".index(failing) + 1]
    assert Recorder.calls == [f"+{x}" for x in began] + [f"-{x}" for x in reversed(began)]
    notes = getattr(caught.value, "__notes__", [])
    assert notes == (
        [f"teardown of '{failing}' raised ValueError: teardown of {failing}"] if also_in_teardown else []
    )
    assert container.state == "torn_down"
    assert container.bus.closed


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["run", "collect"])
def test_a_failure_at_work_tears_down(error, where):
    def fail(scope):
        raise error("at work")

    container = filled({"a": [], "b": []})
    container.initialize_scope()
    if where == "collect":
        container.run(lambda scope: None)
    with pytest.raises(error, match="at work"):
        getattr(container, where)(fail)
    assert container.state == "torn_down"
    assert Recorder.calls == ["+a", "+b", "-b", "-a"]
    container.teardown_scope()


def test_teardown_continues_past_failures_and_reports_all(caplog):
    container = ScopedContainer("test")
    for name, fails in (("a", 2), ("b", 0), ("c", 2)):
        container.create_component({"name": name, "class": Recorder, "params": {"fails": fails}})
    container.initialize_scope()
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(
            ComponentError, match=r"'c' raised ValueError: teardown of c; 'a' raised ValueError"
        ) as caught,
    ):
        container.teardown_scope()
    assert isinstance(caught.value.__cause__, ValueError)
    assert Recorder.calls[3:] == ["-c", "-b", "-a"]
    assert [record.container for record in caplog.records] == [container.id] * 2
    assert container.state == "torn_down"
    container.teardown_scope()


def test_with_keeps_the_first_error():
    def fail(container):
        with container:
            container.create_component({"name": "a", "class": Recorder, "params": {"fails": 2}})
            container.initialize_scope()
            raise ZeroDivisionError

    container = ScopedContainer("test")
    with pytest.raises(ZeroDivisionError) as caught:
        fail(container)
    assert caught.value.__notes__ == ["teardown of 'a' raised ValueError: teardown of a"]
    with pytest.raises(
        ComponentError, match="with is allowed in state created or initialized, found torn_down"
    ):
        container.__enter__()


def test_nothing_stays_alive():
    array = np.arange(10.0)
    container = filled({"a": [], "b": ["a"]}, keep_log=True)
    service = container.register_shared_service("array", array)
    container.initialize_scope()

    def driver(scope):
        scope.bus.subscribe(BarEvent, lambda event: scope)
        scope.bus.publish(BarEvent(0, 0, "A", 1.0, 1.0, 1.0, 1.0))
        return np.zeros(3)

    container.run(driver)
    held = [
        container.a,
        container.b,
        container.a.memory,
        container.bus,
        service,
        container.collect(),
        container,
    ]
    gone = [weakref.ref(one) for one in held]
    del held, service
    gc.collect()
    assert all(one() is not None for one in gone)
    gc.disable()
    try:
        container.teardown_scope()
        assert [one() is None for one in gone] == [True, True, True, False, True, True, False]
        del container
        assert all(one() is None for one in gone)
    finally:
        gc.enable()
    assert array.flags.writeable


def test_a_torn_down_container_gives_nothing():
    container = filled({"a": []})
    container.teardown_scope()
    assert Recorder.calls == []
    with pytest.raises(ComponentError, match=r"torn down, found 'a' asked for; ask before teardown"):
        container.get("a")
    assert not hasattr(container, "a")


def test_unknown_names_say_what_there_is():
    with filled({"a": []}) as container:
        container.register_shared_service("prices", 1)
        with pytest.raises(ComponentError, match=r"no component or service 'price'; did you mean 'prices'\?"):
            container.get("price")
        with pytest.raises(AttributeError, match="has a, prices"):
            _ = container.zzz


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ({"class": Plain}, ComponentError, "needs name and class, found no 'name'"),
        ({"name": "x"}, ComponentError, "needs name and class, found no 'class'"),
        (
            {"name": "x", "class": Plain, "parms": {}},
            ComponentError,
            r"found 'parms'; did you mean 'params'\?",
        ),
        ({"name": "x", "class": "TestDataHandlr"}, ComponentError, r"did you mean 'TestDataHandler'\?"),
        ({"name": "x", "class": dict}, ComponentError, "must be a registered name or a Component, found"),
        ({"name": "x", "class": "os.system"}, ComponentError, "no component of that name is registered"),
        (
            {"name": "x", "class": Plain, "params": [1]},
            ComponentError,
            "params must be a mapping, found list",
        ),
        (
            {"name": "x", "class": Plain, "depends_on": "a"},
            ComponentError,
            "depends_on must be a list of names",
        ),
        (
            {"name": "x", "class": Plain, "shared_data": 1},
            ComponentError,
            "shared_data must be true or false",
        ),
        ({"name": "x", "class": Recorder, "params": {"fats": 1}}, ConfigError, r"did you mean 'fast'\?"),
        ({"name": "x", "class": Recorder, "params": {"fast": 99}}, ConfigError, "within"),
        ({"name": "taken", "class": Plain}, ComponentError, "a name serves once, found 'taken' again"),
        (
            {"name": "bus", "class": Plain},
            ComponentError,
            "must not hide what every container has, found 'bus'",
        ),
        ({"name": "_x", "class": Plain}, ComponentError, "without leading '_'"),
        ({"name": "", "class": Plain}, ComponentError, "must be named by text"),
        (
            {"name": "x", "class": "TestDataHandler", "params": {"data_source": 3}},
            ConfigError,
            "must name a service",
        ),
    ],
)
def test_bad_components(spec, error, message):
    with ScopedContainer("test") as container:
        container.register_shared_service("taken", 1)
        with pytest.raises(error, match=message) as caught:
            container.create_component(spec)
        assert "\n" not in str(caught.value)
        container.create_component({"name": "x", "class": Plain})


def test_private_copies_of_shared_data():
    class Taker(Component):
        """Takes the data."""

        def initialize(self, container):
            """Take."""
            self.taken = container.get("data")

    with ScopedContainer("test") as container:
        container.register_shared_service("data", BARS)
        a = container.create_component({"name": "a", "class": Taker, "shared_data": True})
        b = container.create_component({"name": "b", "class": Taker, "shared_data": False})
        container.initialize_scope()
        assert a.taken is BARS
        assert b.taken is not BARS
        assert not np.shares_memory(b.taken.close, BARS.close)
        assert not b.taken.close.flags.writeable
        assert b.taken.content_hash == BARS.content_hash


def test_nothing_may_be_done_from_within():
    def tear_down(scope):
        scope.teardown_scope()

    def create(scope):
        scope.create_component({"name": "late", "class": Plain})

    for driver, action in ((tear_down, "teardown_scope"), (create, "create_component")):
        with ScopedContainer("test") as container:
            container.initialize_scope()
            with pytest.raises(
                ComponentError, match=f"{action} must be called from outside, found it within run"
            ):
                container.run(driver)
            assert container.state == "torn_down"


def test_ids_are_unique_and_in_order_of_creation():
    first, second = ScopedContainer("x"), ScopedContainer("x")
    assert first.id != second.id
    numbers = [int(one.id.removeprefix("x#")) for one in (first, second)]
    assert numbers[1] == numbers[0] + 1


def test_containers_on_several_threads_keep_apart():
    def life(k):
        with ScopedContainer(f"thread{k}", keep_log=True) as container:
            container.create_component({"name": "a", "class": Plain})
            container.initialize_scope()

            def driver(scope):
                for t in range(200):
                    scope.bus.publish(BarEvent(t, t, f"S{k}", 1.0, 1.0, 1.0, 1.0))
                return {event.symbol for event in scope.bus.log}, scope.bus.sequence

            return container.run(driver)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(life, range(16))) == [({f"S{k}"}, 200) for k in range(16)]
