"""The whole pipeline: its phases one after the other, in one run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from admf_ray.config.load import load_pipeline
from admf_ray.config.schema import PipelineConfig
from admf_ray.phases.mined import Mined
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.walk import Walked, walk
from admf_ray.results.store import RunStore

if TYPE_CHECKING:
    from admf_ray.cluster.run import Ran

__all__ = ["Pipeline", "PipelineResult"]


@dataclass(frozen=True)
class PipelineResult:
    """What a pipeline's run gave.

    Attributes
    ----------
    store : RunStore
        Where it stands; `open_run` reads it.
    mined : Mined
    walked : Walked or None
    ran : Ran or None
        How the search went on the cluster, with Tune's results; None when nothing was left to run.
    """

    store: RunStore
    mined: Mined
    walked: Walked | None
    ran: Ran | None

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped it before its end."""
        return self.ran is not None and self.ran.interrupted


class Pipeline:
    """A strategy development pipeline.

    Parameters
    ----------
    config : PipelineConfig, str or Path
        A configuration, or its file.
    overrides : sequence of str
        ``path.to.key=value``, for a file.
    **settings
        See `phases.mining.Settings`: ``out``, ``address``, ``workers``, ``fork``, ``callbacks`` and so on.

    Examples
    --------
    >>> from admf_ray import Pipeline
    >>> result = Pipeline("configs/quickstart.yaml").run()  # doctest: +SKIP
    """

    def __init__(
        self, config: PipelineConfig | str | Path, overrides: Sequence[str] = (), **settings: Any
    ) -> None:
        self.config = config if isinstance(config, PipelineConfig) else load_pipeline(config, overrides)
        self.settings = settings

    def run(self) -> PipelineResult:
        """Run whatever the run's folder lacks and return the result.

        Raises
        ------
        ADMFError
            See `BacktestCoordinator.run_parameter_search`.
        """
        coordinator = BacktestCoordinator(self.config, **self.settings)
        mined = coordinator.run_parameter_search()
        stopped = coordinator.ran is not None and coordinator.ran.interrupted
        return PipelineResult(coordinator.store, mined, None if stopped else walk(mined), coordinator.ran)
