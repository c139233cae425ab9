"""Tune's side of the schedule: each trial it asks for is the next portion of tiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ray import tune
from ray.tune.search import Searcher
from ray.tune.stopper import FunctionStopper

from admf_ray.cluster.resources import ContainerResourceManager
from admf_ray.cluster.schedule import Schedule
from admf_ray.cluster.tiles import tiles_in
from admf_ray.errors import ConfigError

__all__ = ["PortionSearcher", "PortionStopper"]


class PortionSearcher(Searcher):
    """Suggests portions of tiles while there are any and while there is room for a container.

    Parameters
    ----------
    schedule : Schedule
    manager : ContainerResourceManager
    on_report : callable, optional
        Told each report.
    """

    def __init__(
        self,
        schedule: Schedule,
        manager: ContainerResourceManager,
        on_report: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        super().__init__()
        self.schedule, self.manager, self._on_report = schedule, manager, on_report

    def suggest(self, trial_id: str) -> Any:
        """Return a trial's portion, None while others must end first, FINISHED when nothing waits."""
        if self.schedule.stopping or not (self.schedule.waiting or self.schedule.out):
            return str(Searcher.FINISHED)
        if not self.schedule.waiting or not self.manager.can_create_container():
            return None
        if len(self.manager.active_containers) >= self.manager.optimize_batch_size():
            return None
        portion = self.schedule.take(trial_id)
        if not portion:
            return None
        self.manager.opened(trial_id)
        return {"tiles": " ".join(map(str, portion))}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Take in a report; what no worker can do ends the search."""
        if result.get("fatal"):
            self.schedule.fatal = str(result["fatal"])
            self.schedule.stopping = True
        if result.get("tiles"):
            self.manager.opened(trial_id, result["private_bytes"] / 1e9)
            self.schedule.done(trial_id, tiles_in(result["tiles"]), result)
            if self._on_report is not None:
                self._on_report(result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Take in the last report and put back what the trial did not get to."""
        if result:
            self.on_trial_result(trial_id, result)
        self.manager.closed(trial_id)
        self.schedule.ended(trial_id, lost=error)

    def save(self, checkpoint_path: str) -> None:
        """Keep nothing: what is done stands in the store."""

    def restore(self, checkpoint_path: str) -> None:
        """Take nothing up: a new schedule is what the store lacks."""

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "_on_report"} | {"_on_report": None}


class PortionStopper(tune.Stopper):
    """Ends trials after their running tile once the schedule is stopping.

    Parameters
    ----------
    schedule : Schedule
    own : tune.Stopper, mapping or callable, optional
        The user's, as Tune takes it: what it ends of a trial is handed out again; when it stops all, the run
        is stopped as by the first Ctrl-C.

    Raises
    ------
    ConfigError
        It is none of these.
    """

    def __init__(self, schedule: Schedule, own: Any = None) -> None:
        self.schedule, self.own = schedule, _as_stopper(own)

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Tell whether the trial ends here."""
        wanted = self.own is not None and self.own(trial_id, result)
        return self.schedule.stopping or wanted

    def stop_all(self) -> bool:
        """Never: running tiles are to be finished."""
        if self.own is not None and self.own.stop_all():
            self.schedule.stopping = True
        return False


def _as_stopper(own: Any) -> Any:
    """Return what Tune takes as ``stop`` as a stopper: one, figures that end a trial, or a function."""
    if own is None or hasattr(own, "stop_all"):
        return own
    if isinstance(own, Mapping):
        return FunctionStopper(lambda _, result: any(result.get(k, -math.inf) >= v for k, v in own.items()))
    if callable(own):
        return FunctionStopper(own)
    raise ConfigError(
        f"stopper: must be a ray.tune.Stopper, a mapping of figures or a function, found {own!r}; make one"
    )
