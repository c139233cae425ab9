"""Which container is at work right now, so that a bus can tell its own from foreigners."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from admf_ray import logs

__all__ = ["active", "working"]

# A context variable, not a global: containers on several threads work at the same time.
active: ContextVar[str | None] = ContextVar("admf_ray_active_container", default=None)


@contextmanager
def working(container_id: str) -> Iterator[None]:
    """Mark a container as the one at work on this thread within the block; log records name it."""
    token = active.set(container_id)
    try:
        with logs.identity(container=container_id):
            yield
    finally:
        active.reset(token)
