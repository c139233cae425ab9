"""Any sequence of calls follows the state machine or is refused, and leaves nothing alive."""

import gc
import weakref
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from admf_ray.components.base import Component
from admf_ray.engine.container import ScopedContainer
from admf_ray.engine.events import BarEvent
from admf_ray.engine.lifecycle import STATES
from admf_ray.errors import ComponentError
from admf_ray.space.parameters import Param

alive: "weakref.WeakSet[Probe]" = weakref.WeakSet()
log: list[str] = []
visited: Counter[str] = Counter()


class Probe(Component):
    """Counts its hooks and fails where told."""

    fails_at = Param(0, low=0, high=2)

    def initialize(self, container):
        """Count."""
        log.append(f"+{id(self)}")
        alive.add(self)
        container.bus.subscribe(BarEvent, self.hear)
        if self.fails_at == 1:
            raise ZeroDivisionError

    def hear(self, event):
        """Do nothing."""

    def teardown(self):
        """Count."""
        log.append(f"-{id(self)}")
        if self.fails_at == 2:
            raise ZeroDivisionError


class Lives(RuleBasedStateMachine):
    """Drives one container at random beside a model of its state."""

    @initialize(parts=st.lists(st.sampled_from([0, 0, 0, 1, 2]), max_size=3), steps=st.integers(0, 4))
    def begin(self, parts, steps):
        """Make a fresh container and take it some steps along, so that every state is met often."""
        log.clear()
        gc.freeze()  # collecting then looks at this test's objects only
        self.container = ScopedContainer("model", keep_log=True)
        self.bus = self.container.bus
        self.state = "created"
        self.names = []
        self.failing = set()
        for fails_at in parts:
            self.create(fails_at)
        for step in (self.initialize_scope, self.run, self.collect, self.teardown_scope)[:steps]:
            step()

    def attempt(self, allowed, call, then, failing=False):
        """Call, and compare what happened with the model."""
        if self.state not in allowed:
            with pytest.raises(ComponentError, match=f"found {self.state}") as caught:
                call()
            assert all(state in str(caught.value) for state in allowed)
        elif failing:
            with pytest.raises(ZeroDivisionError):
                call()
            self.state = "torn_down"
        else:
            call()
            self.state = then

    @rule(fails_at=st.sampled_from([0, 0, 0, 1, 2]))
    def create(self, fails_at):
        """Create one more component that needs all before it."""
        name = f"c{len(self.names)}"
        spec = {
            "name": name,
            "class": Probe,
            "params": {"fails_at": fails_at},
            "depends_on": list(self.names),
        }
        before = self.state
        self.attempt(["created"], lambda: self.container.create_component(spec), "created")
        if before == "created":
            self.names.append(name)
            self.failing |= {fails_at}

    @rule()
    def share(self):
        """Register a service."""
        name = f"s{id(object())}_{len(log)}"
        if not hasattr(self.container, name):
            self.attempt(["created"], lambda: self.container.register_shared_service(name, [1]), "created")

    @rule()
    def initialize_scope(self):
        """Initialise."""
        self.attempt(["created"], self.container.initialize_scope, "initialized", 1 in self.failing)

    @rule(fails=st.booleans())
    def run(self, fails=False):
        """Run."""

        def driver(scope):
            scope.bus.publish(BarEvent(0, 0, "A", 1.0, 1.0, 1.0, 1.0))
            return 1 // (not fails)

        self.attempt(["initialized"], lambda: self.container.run(driver), "running", fails)

    @rule(fails=st.booleans())
    def collect(self, fails=False):
        """Collect."""
        self.attempt(
            ["running"], lambda: self.container.collect(lambda scope: 1 // (not fails)), "collected", fails
        )

    @rule()
    def teardown_scope(self):
        """Tear down."""
        begun = any(entry[0] == "+" for entry in log)
        if 2 in self.failing and begun and self.state != "torn_down":
            with pytest.raises(ComponentError, match="raised ZeroDivisionError"):
                self.container.teardown_scope()
        else:
            self.container.teardown_scope()
        self.state = "torn_down"

    @rule()
    def publish_from_outside(self):
        """Publish while the container is not at work."""
        with pytest.raises(ComponentError):
            self.bus.publish(BarEvent(0, 0, "A", 1.0, 1.0, 1.0, 1.0))

    @invariant()
    def agrees_with_the_model(self):
        """State, hooks and what is alive are as they should be."""
        if not hasattr(self, "container"):
            return
        visited[self.state] += 1
        assert self.container.state == self.state
        ups = [entry[1:] for entry in log if entry[0] == "+"]
        downs = [entry[1:] for entry in log if entry[0] == "-"]
        assert downs in ([], ups[::-1])
        assert self.bus.closed == (self.state == "torn_down")
        if self.state == "torn_down":
            assert len(downs) == len(ups)
            if alive:
                gc.collect()
            assert not alive
        elif self.state != "created":
            assert len(alive) == len(ups) == len(self.names)

    def teardown(self):
        """End the container that is left."""
        if hasattr(self, "container"):
            try:
                self.container.teardown_scope()
            except ComponentError:
                assert 2 in self.failing
            if alive:
                gc.collect()
            assert not alive
            gc.unfreeze()


Lives.TestCase.settings = settings(max_examples=200, stateful_step_count=12)


class TestLives(Lives.TestCase):
    """Runs the machine, and sees that it went everywhere."""

    def runTest(self):  # noqa: N802 - unittest's name
        """Run."""
        visited.clear()
        super().runTest()
        assert all(visited[state] >= 20 for state in STATES), visited
