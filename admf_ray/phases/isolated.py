"""One container run alone: initialised, run, torn down; a failure costs nothing but itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from admf_ray.engine.container import ScopedContainer
from admf_ray.engine.outcome import ReplayResult
from admf_ray.errors import ADMFError
from admf_ray.logs import get_logger

__all__ = ["figures_of", "isolated"]

log = get_logger(__name__)


def isolated(container: ScopedContainer, run: Callable[[ScopedContainer], dict[str, Any]]) -> dict[str, Any]:
    """Initialise a container, run it, tear it down.

    Returns
    -------
    dict
        What `run` says, or ``container_id`` with ``error``: a failure is logged.
    """
    try:
        container.initialize_scope()
        return run(container)
    except ADMFError as error:
        log.error("container %s failed: %s", container.id, error)
        return {"error": str(error), "container_id": container.id}
    finally:
        container.teardown_scope()


def figures_of(container: ScopedContainer, result: ReplayResult) -> dict[str, Any]:
    """Return ``container_id`` with ``metrics`` and the number of ``trades``."""
    return {"container_id": container.id, "metrics": result.metrics, "trades": len(result.trades)}
