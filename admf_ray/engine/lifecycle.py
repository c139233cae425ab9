"""The states of a container, and which call is allowed when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from admf_ray.errors import ComponentError
from admf_ray.logs import identity

__all__ = ["STATES", "Lifecycle", "active"]

STATES = ("created", "initialized", "running", "collected", "torn_down")

# `id` of the container at work, by which a bus tells its own from foreigners. A context variable, not a
# global: containers on several threads work at the same time.
active: ContextVar[str | None] = ContextVar("admf_ray_active_container", default=None)


class Lifecycle:
    """One container's state and present work.

    Parameters
    ----------
    name, container_id : str

    Attributes
    ----------
    state : str
        One of `STATES`.
    work : str
        What the container is doing right now; empty between its works.
    """

    def __init__(self, name: str, container_id: str) -> None:
        self._where = f"container '{name}'"
        self._container_id = container_id
        self.state = STATES[0]
        self.work = ""

    def require(self, action: str, *allowed: str) -> None:
        """Refuse an action in any state but those allowed, and from within the container's own work.

        Raises
        ------
        ComponentError
            Names the state found and those allowed.
        """
        if self.work:
            raise ComponentError(
                f"{self._where}: {action} must be called from outside, found it within {self.work}; "
                "raise an exception to end early"
            )
        if self.state not in allowed:
            raise ComponentError(
                f"{self._where}: {action} is allowed in state {' or '.join(allowed)}, found {self.state}; "
                "the order is created, initialized, running, collected; run again in a new container"
            )

    @contextmanager
    def working(self, work: str) -> Iterator[None]:
        """Mark what the container does within the block; its bus is open and log records name it."""
        outer, self.work = self.work, work
        token = active.set(self._container_id)
        try:
            with identity(container=self._container_id):
                yield
        finally:
            active.reset(token)
            self.work = outer
