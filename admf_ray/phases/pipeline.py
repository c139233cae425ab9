"""The whole pipeline: its phases one after the other, in one run's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from admf_ray.cluster.session import kept_open
from admf_ray.config.load import load_pipeline
from admf_ray.config.schema import PipelineConfig
from admf_ray.errors import ConfigError, DataError
from admf_ray.market.sources import files_of
from admf_ray.phases.analysis.coordinator import Analysed, AnalysisCoordinator
from admf_ray.phases.closing import closed
from admf_ray.phases.mined import Mined
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.validation.executor import TestExecutor
from admf_ray.phases.validation.verdict import Verdict
from admf_ray.phases.walk import Walked, walk
from admf_ray.results.store import RunStore

if TYPE_CHECKING:
    from admf_ray.cluster.run import Ran

__all__ = ["Phase", "Pipeline", "PipelineResult"]

Phase = Literal["mining", "analysis", "validation"]


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
    analysed : Analysed or None
        Phase 2; None where it was not configured, not asked for, or not reached.
    interrupted : bool
        Whether the user stopped it before its end.
    verdict : Verdict or None
        Phase 3's; None where it was not configured, not asked for, or not reached.
    """

    store: RunStore
    mined: Mined
    walked: Walked | None
    ran: Ran | None
    analysed: Analysed | None = None
    interrupted: bool = False
    verdict: Verdict | None = None


class Pipeline:
    """A strategy development pipeline.

    Parameters
    ----------
    config : PipelineConfig, str or Path
        A configuration, or its file.
    overrides : sequence of str
        ``path.to.key=value``, for a file.
    on_phase : callable, optional
        Told each phase's name when it begins.
    **settings
        See `phases.mining.Settings`: ``out``, ``address``, ``workers``, ``fork``, ``callbacks`` and so on.

    Examples
    --------
    >>> from admf_ray import Pipeline
    >>> result = Pipeline("configs/quickstart.yaml").run()  # doctest: +SKIP
    """

    def __init__(
        self,
        config: PipelineConfig | str | Path,
        overrides: Sequence[str] = (),
        on_phase: Callable[[Phase], None] | None = None,
        **settings: Any,
    ) -> None:
        self.config = config if isinstance(config, PipelineConfig) else load_pipeline(config, overrides)
        self.settings = settings
        self._begins = on_phase or (lambda phase: None)
        self.coordinator = BacktestCoordinator(self.config, **settings)

    @property
    def store(self) -> RunStore:
        """The run at work: a fork has a place of its own."""
        return self.coordinator.store

    def run(self, phase: Phase | None = None, again: bool = False) -> PipelineResult:
        """Run whatever the run's folder lacks and return the result.

        Parameters
        ----------
        phase : {"mining", "analysis", "validation"}, optional
            That phase alone, with what it rests on; what is stored is not run again. All configured phases by
            default.
        again : bool
            Another look at test data that were looked at before; see `TestExecutor.validate`.

        Raises
        ------
        ConfigError
            A phase is asked for that is not configured.
        DataError
            Phase 3 is to run and there is no file of its data.
        ADMFError
            See `BacktestCoordinator.run_parameter_search`, `AnalysisCoordinator.run` and
            `TestExecutor.validate`.
        """
        self._refuse(phase)
        with kept_open():
            return self._run(phase, again)

    def _refuse(self, phase: Phase | None) -> None:
        for name, key in (("analysis", "phase_2_analysis"), ("validation", "phase_3_test")):
            if phase == name and getattr(self.config, key) is None:
                raise ConfigError(f"{self.config.place(key)}: must be there to be run, found nothing; add it")
        if phase in (None, "validation") and self.config.phase_3_test is not None:
            source = self.config.phase_3_test.data.source
            if not source.startswith("sample:"):
                self._refuse_missing(source)

    def _refuse_missing(self, source: str) -> None:
        """Refuse test data that are not there now rather than after hours; they are not read."""
        try:
            files_of(source)
        except DataError as error:
            raise DataError(f"{self.config.place('phase_3_test.data')}: {error}") from None

    def _run(self, phase: Phase | None, again: bool) -> PipelineResult:
        # each run begins at the configured folder, whatever fork an earlier one worked in
        coordinator = self.coordinator = BacktestCoordinator(self.config, **self.settings)
        analysed = verdict = None
        with closed(self.config):
            self._begins("mining")
            mined = coordinator.run_parameter_search()
            ran, stopped = coordinator.ran, coordinator.interrupted
            walked = None if stopped else walk(mined)
            if not stopped and phase in (None, "analysis") and self.config.phase_2_analysis is not None:
                self._begins("analysis")
                analysed = AnalysisCoordinator(coordinator, mined).run()
                stopped = analysed is None
        if not stopped and phase in (None, "validation") and self.config.phase_3_test is not None:
            self._begins("validation")
            executor = TestExecutor(self.config, **{**self.settings, "out": coordinator.store.uri})
            verdict = executor.validate(again, mined)
        return PipelineResult(coordinator.store, mined, walked, ran, analysed, stopped, verdict)
