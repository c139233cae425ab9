"""The event bus: one per container, closed to every other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from admf_ray.engine.event_log import write_events
from admf_ray.engine.events import EVENT_TYPES, Event
from admf_ray.engine.lifecycle import active
from admf_ray.errors import ComponentError

__all__ = ["EventBus"]

E = TypeVar("E", bound=Event)
Handler = Callable[[E], object]
_with_sequence: Any = tuple.__new__


class EventBus:
    """Numbers events and hands each to its subscribers.

    Parameters
    ----------
    owner : str
        `id` of the container the bus belongs to; empty for a bus of its own, which anyone may use.
    keep_log : bool
        Whether to keep every event; costs memory in proportion.

    Notes
    -----
    Delivery is synchronous: when the outermost `publish` returns, everybody has seen the event and all that
    handlers published meanwhile. Handlers are called in the order in which they subscribed. What a handler
    publishes waits until the present event has reached all its subscribers, so that everybody sees events in
    the order of their numbers. Who subscribes during delivery receives what is published after that.
    A handler's exception reaches the publisher; what then still waits for delivery is dropped (the log has
    it), and the bus can be used on.

    A bus with an owner accepts events and subscribers only while its container is at work on this thread
    (initialising, running, collecting, tearing down), hence never from another container's components.
    Not safe for several threads, as its container is not.
    """

    __slots__ = (
        "__weakref__",
        "_closed",
        "_delivering",
        "_handlers",
        "_log",
        "_owner",
        "_sequence",
        "_waiting",
    )

    def __init__(self, owner: str = "", keep_log: bool = False) -> None:
        self._owner = owner
        self._handlers: dict[type[Any], tuple[Handler[Any], ...]] = dict.fromkeys(EVENT_TYPES, ())
        self._waiting: deque[tuple[Event, tuple[Handler[Any], ...]]] = deque()
        self._log: list[Event] | None = [] if keep_log else None
        self._sequence = 0
        self._delivering = False
        self._closed = False

    @property
    def sequence(self) -> int:
        """Number of the last event published."""
        return self._sequence

    @property
    def log(self) -> tuple[Event, ...]:
        """All events so far, in order; empty when no log is kept."""
        return tuple(self._log or ())

    @property
    def closed(self) -> bool:
        """Whether the bus takes nothing any more."""
        return self._closed

    def resume(self, sequence: int, log: tuple[Event, ...]) -> None:
        """Go on numbering after `sequence`, with the events that an interrupted run had kept."""
        self._sequence = sequence
        if self._log is not None:
            self._log = list(log)

    def publish(self, event: E) -> E:
        """Give an event its number and deliver it.

        Parameters
        ----------
        event : Event
            A fresh one, `sequence` 0.

        Returns
        -------
        Event
            The numbered one.

        Raises
        ------
        ComponentError
            The bus is torn down or another container's, or the event is not fresh or no event.
        """
        kind = type(event)
        handlers = self._handlers.get(kind)
        if handlers is None or event[-1] or (self._owner and active.get() != self._owner):
            raise self._refusal("publish", event)
        self._sequence += 1
        numbered: E = _with_sequence(kind, event[:-1] + (self._sequence,))  # noqa: RUF005 - twice as fast
        if self._log is not None:
            self._log.append(numbered)
        if self._delivering:
            self._waiting.append((numbered, handlers))
        elif handlers:
            self._deliver(numbered, handlers)
        return numbered

    def _deliver(self, event: Event, handlers: tuple[Handler[Any], ...]) -> None:
        self._delivering = True
        try:
            for handler in handlers:
                handler(event)
            while self._waiting:
                event, handlers = self._waiting.popleft()
                for handler in handlers:
                    handler(event)
        finally:
            self._waiting.clear()
            self._delivering = False

    def subscribe(self, event_type: type[E], handler: Handler[E]) -> None:
        """Have `handler` called with each later event of a type.

        Parameters
        ----------
        event_type : type
            One of `EVENT_TYPES`.
        handler : callable
            Takes the event; what it returns is ignored.

        Raises
        ------
        ComponentError
            The bus is torn down or another container's, the handler is another container's, or the type
            is no event's.
        """
        if self._closed or (self._owner and active.get() != self._owner):
            raise self._refusal("subscribe", event_type)
        if event_type not in self._handlers:
            known = ", ".join(kind.__name__ for kind in EVENT_TYPES)
            raise ComponentError(
                f"{self!r}.subscribe: must be one of {known}, found {event_type!r}; choose one"
            )
        home = getattr(getattr(handler, "__self__", None), "container_id", "")
        if self._owner and home not in ("", self._owner):
            raise ComponentError(
                f"{self!r}.subscribe: a bus serves its own container, found a handler of container {home!r}; "
                "subscribe it there"
            )
        self._handlers[event_type] += (handler,)

    def write_log(self, path: str | Path) -> Path:
        """Write the log to a file.

        Parameters
        ----------
        path : str or Path
            Ending in ``.jsonl`` (one JSON object a line) or ``.parquet``.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ComponentError
            No log was kept, or the bus is torn down.
        ConfigError
            Another ending.
        StoreError
            The file cannot be written.
        """
        if self._closed:
            raise ComponentError(
                f"{self!r}.write_log: must come before teardown, found a torn-down bus; write earlier"
            )
        if self._log is None:
            raise ComponentError(
                f"{self!r}.write_log: needs a log, found none kept; create it with keep_log=True"
            )
        return write_events(self._log, path)

    def close(self) -> None:
        """Let go of subscribers and log, and refuse everything from now on; a second time does nothing."""
        self._closed = True
        self._handlers = {}
        self._waiting.clear()
        self._log = None

    def _refusal(self, action: str, what: Any) -> ComponentError:
        """Return the error that says why something was refused; off the fast path on purpose."""
        where = f"{self!r}.{action}"
        name = getattr(what, "__name__", type(what).__name__)
        if self._closed:
            return ComponentError(
                f"{where}: the bus must not be torn down, found {name} after teardown; publish while it runs"
            )
        here = active.get()
        if self._owner and here != self._owner:
            found = f"container {here!r}" if here else "no container at work"
            return ComponentError(
                f"{where}: only its own container may, found {found}; use the bus of your own container"
            )
        if type(what) in self._handlers:
            return ComponentError(
                f"{where}: an event is published once, found {name} number {what[-1]}; make a new one"
            )
        known = ", ".join(kind.__name__ for kind in EVENT_TYPES)
        return ComponentError(f"{where}: must be one of {known}, found {name}; publish one of these")

    def __repr__(self) -> str:
        return f"EventBus({self._owner!r})" if self._owner else "EventBus()"
