"""Where and how a coordinator works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from admf_ray.cluster.session import Session
from admf_ray.phases.progress import Progress

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """Where and how a coordinator works; no result depends on it.

    Attributes
    ----------
    out : str
        Folder or storage address of the run.
    address : str or None
        Ray cluster to join; ``RAY_ADDRESS``, or this machine's cores, when left out.
    workers : int or None
        At most so many workers.
    fork : bool
        Begin another run beside one of other code, data or configuration.
    on_progress : callable or None
        Told a `Progress` after each tile.
    on_session : callable or None
        Told the `Session` when Ray is there.
    callbacks : tuple of tune.Callback
        Passed to Tune.
    stopper : tune.Stopper, mapping, callable or None
        Passed to Tune, which may take each of them for ``stop``.
    searcher : tune.search.Searcher or None
        Proposes ``parameter_search.samples`` points in generations, in place of the configured method.
    """

    out: str
    address: str | None = None
    workers: int | None = None
    fork: bool = False
    on_progress: Callable[[Progress], None] | None = None
    on_session: Callable[[Session], None] | None = None
    callbacks: tuple[Any, ...] = ()
    stopper: Any = None
    searcher: Any = None

    @property
    def cores(self) -> int | None:
        """Cores of a cluster of one's own; None where another is joined, or for all."""
        return self.workers if self.address is None else None
