"""The whole pipeline: its phases one after the other, in one run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from admf_ray.config.load import load_pipeline
from admf_ray.config.schema import PipelineConfig
from admf_ray.phases.mined import Mined
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.validation import TestExecutor, Verdict
from admf_ray.phases.validation.sealed import closed
from admf_ray.phases.walk import Walked, walk
from admf_ray.results.store import RunStore

if TYPE_CHECKING:
    from admf_ray.cluster.run import Ran

__all__ = ["Phase", "Pipeline", "PipelineResult"]

Phase = Literal["mining", "validation"]


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
    verdict : Verdict or None
        Phase 3's; None where it is not configured or was not asked for.
    """

    store: RunStore
    mined: Mined
    walked: Walked | None
    ran: Ran | None
    verdict: Verdict | None = None

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

    def run(self, phase: Phase | None = None, again: bool = False) -> PipelineResult:
        """Run whatever the run's folder lacks and return the result.

        Parameters
        ----------
        phase : {"mining", "validation"}, optional
            That phase alone, with what it rests on; all that are configured by default.
        again : bool
            Another look at test data that were looked at before; see `TestExecutor.validate`.

        Raises
        ------
        ADMFError
            See `BacktestCoordinator.run_parameter_search` and `TestExecutor.validate`.
        """
        with ExitStack() as kept:
            return self._run(phase, again, kept)

    def _run(self, phase: Phase | None, again: bool, kept: ExitStack) -> PipelineResult:
        coordinator = BacktestCoordinator(self.config, **self.settings)
        coordinator.kept = kept
        with closed(self.config):
            mined = coordinator.run_parameter_search()
            ran = coordinator.ran
            if ran is not None and ran.interrupted:
                return PipelineResult(coordinator.store, mined, None, ran)
            walked = walk(mined)
        verdict = None
        if phase == "validation" or (phase is None and self.config.phase_3_test is not None):
            executor = TestExecutor(self.config, **{**self.settings, "out": coordinator.store.uri})
            executor.kept = kept
            verdict = executor.validate(again)
        return PipelineResult(coordinator.store, mined, walked, ran, verdict)
