"""`ScopedContainer`: made, initialised, run and torn down, each step once and in order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

from admf_ray.components import broker, library, portfolio, risk  # noqa: F401 - registers them
from admf_ray.engine import handlers  # noqa: F401 - registers them
from admf_ray.engine.bus import EventBus
from admf_ray.engine.container.contents import Contents
from admf_ray.engine.container.specification import ComponentSpec
from admf_ray.engine.container.teardown import Failures, raise_failures, said, tear_down
from admf_ray.engine.lifecycle import STATES, Lifecycle
from admf_ray.errors import ComponentError
from admf_ray.logs import get_logger

__all__ = ["ScopedContainer"]

T = TypeVar("T")
log = get_logger(__name__)
_numbers = itertools.count(1)


class ScopedContainer:
    """One execution's components, event bus and lifecycle.

    Parameters
    ----------
    name : str
        What it runs, for people; need not be unique.
    keep_log : bool
        Whether the bus keeps all events.

    Attributes
    ----------
    name : str
    id : str
        Name and a number, unique in this process, in order of creation. No result depends on it.
    bus : EventBus
        Its own; open to its components while the container is at work.

    Notes
    -----
    States: created → initialized → running → collected → torn_down, each step once, and torn_down from any of
    them. `run` and `initialize_scope` tear down by themselves when something fails in them. A component or
    service reads as ``container.get(name)`` or ``container.name``. A container belongs to one thread at a
    time; different containers may run on different threads.

    Examples
    --------
    >>> with ScopedContainer("demo") as container:
    ...     config = container.register_shared_service("config", {"fast": 5})
    ...     container.initialize_scope()
    ...     container.run(lambda scope: scope.config.fast + 1)
    6
    """

    def __init__(self, name: str, *, keep_log: bool = False) -> None:
        self.name = name
        self.id = f"{name}#{next(_numbers)}"
        self.bus = EventBus(self.id, keep_log)
        self._life = Lifecycle(name, self.id)
        self._where = f"container '{name}'"
        self._contents = Contents(self._where, _RESERVED)
        self._begun: list[str] = []
        self._result: Any = None

    @property
    def state(self) -> str:
        """``created``, ``initialized``, ``running``, ``collected`` or ``torn_down``."""
        return self._life.state

    def register_shared_service(self, name: str, service: object) -> Any:
        """Share something read-only with the components.

        Parameters
        ----------
        name : str
        service : object
            Frozen in depth by `freeze`; freeze what is large once, outside.

        Returns
        -------
        object
            What the components will see.

        Raises
        ------
        ComponentError
            Not in state created, the name is taken, or the service cannot be frozen.
        """
        self._life.require("register_shared_service", "created")
        return self._contents.share(name, service)

    def create_component(self, specification: Mapping[str, Any]) -> Any:
        """Make a component of this container.

        Parameters
        ----------
        specification : mapping
            ``name``, ``class`` (a registered name or a `Component` class), and optionally ``params``,
            ``depends_on`` (names to initialise before it) and ``shared_data`` (false: it gets private
            copies of the services).

        Returns
        -------
        Component
            Not yet initialised.

        Raises
        ------
        ComponentError
            Not in state created, the name is taken, no such class, or an unknown key.
        ConfigError
            A parameter is unknown or out of bounds.
        """
        self._life.require("create_component", "created")
        spec = ComponentSpec.read(self._where, specification)
        self._contents.check_name(spec.name)
        with self._life.working("create_component"):
            component = spec.cls(**spec.params)
        component.container_id = self.id
        self._contents.add(spec, component)
        return component

    def initialize_scope(self) -> None:
        """Initialise the components, each after what it needs; on failure tear down.

        Raises
        ------
        ComponentError
            Not in state created, a need is missing, or components need each other in a circle.
        Exception
            Whatever a component raised.
        """
        self._life.require("initialize_scope", "created")
        with self._torn_down_on_failure(), self._life.working("initialize_scope"):
            order = self._contents.order()
            for name in order:
                component = self._contents.get(name)
                self._begun.append(name)
                if hasattr(component, "initialize"):
                    with self._life.working(f"initialize of '{name}'"):
                        component.initialize(self)
            log.debug("initialized %s", ", ".join(order) or "without components")
        self._life.state = "initialized"

    def run(self, driver: Callable[[ScopedContainer], T]) -> T:
        """Run a driver in this container; on failure tear down.

        Parameters
        ----------
        driver : callable
            Takes the container; while it runs the bus is open.

        Returns
        -------
        object
            What the driver returned, kept for `collect`.

        Raises
        ------
        ComponentError
            Not in state initialized.
        Exception
            Whatever the driver raised.
        """
        self._life.require("run", "initialized")
        self._life.state = "running"
        with self._torn_down_on_failure(), self._life.working("run"):
            result = driver(self)
        self._result = result
        return result

    def collect(self, collector: Callable[[ScopedContainer], T] | None = None) -> Any:
        """Return the results; on failure tear down.

        Parameters
        ----------
        collector : callable, optional
            Takes the container and returns the results; what the driver returned when left out.

        Raises
        ------
        ComponentError
            Not in state running.
        Exception
            Whatever the collector raised.
        """
        self._life.require("collect", "running")
        with self._torn_down_on_failure(), self._life.working("collect"):
            result = self._result if collector is None else collector(self)
        self._life.state = "collected"
        return result

    def teardown_scope(self) -> None:
        """Tear the components down, last initialised first, and let go of everything; twice does nothing.

        Raises
        ------
        ComponentError
            Called from within the container's own work; or, after all have been torn down, with what
            their teardowns raised.
        """
        self._life.require("teardown_scope", *STATES)
        raise_failures(self._where, self._tear_down())

    def get(self, name: str) -> Any:
        """Return a component or service.

        Raises
        ------
        ComponentError
            There is none, the container is torn down, or a component asks for one that is not yet
            initialised.
        """
        if self._life.state == "torn_down":
            raise ComponentError(f"{self._where}: torn down, found '{name}' asked for; ask before teardown")
        asking = self._begun[-1] if self._begun and self._life.state == "created" else ""
        return self._contents.get(name, asking, self._begun)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self.get(name)
        except ComponentError as error:
            raise AttributeError(str(error)) from None

    def __enter__(self) -> ScopedContainer:
        self._life.require("with", "created", "initialized")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.teardown_scope()
        else:
            self._tear_down(error)

    def __repr__(self) -> str:
        return f"ScopedContainer({self.id!r}, {self._life.state})"

    @contextmanager
    def _torn_down_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._tear_down(error)
            raise

    def _tear_down(self, cause: BaseException | None = None) -> Failures:
        """Tear down and return what went wrong, which is also noted on the error that caused it."""
        failures = tear_down(self._begun, self._contents.get, self._life.working)
        if cause is not None:
            for name, failure in failures:
                cause.add_note(f"teardown of '{name}' raised {said(failure)}")
        self.bus.close()
        self._contents.clear()
        self._result = None
        self._life.state = "torn_down"
        return failures


_RESERVED = frozenset({"name", "id", "bus", *dir(ScopedContainer)})
