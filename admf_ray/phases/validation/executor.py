"""`TestExecutor`: fixes the finalists' order on training data, opens the test data, has each examined."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from admf_ray.cluster.session import Session, kept_open, session
from admf_ray.config.validation import TestPhaseConfig, TestStrategyConfig
from admf_ray.engine.container import ScopedContainer
from admf_ray.errors import ConfigError
from admf_ray.logs import get_logger
from admf_ray.phases.analysis.finalist import FINALISTS, Finalist, read_finalists
from admf_ray.phases.closing import closed
from admf_ray.phases.isolated import figures_of, isolated
from admf_ray.phases.mined import Mined
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.validation import certificate
from admf_ray.phases.validation.case import TestCase
from admf_ray.phases.validation.evidence import evidence_of, ordered
from admf_ray.phases.validation.exam import Exam, Hall, examine
from admf_ray.phases.validation.halls import test_hall, training_hall
from admf_ray.phases.validation.judging import Judging
from admf_ray.phases.validation.neighbours import drifted
from admf_ray.phases.validation.netting import container_of, run_container
from admf_ray.phases.validation.resolve import resolve
from admf_ray.phases.validation.sealed import Sealed, open_sealed
from admf_ray.phases.validation.skill import skill_of
from admf_ray.phases.validation.verdict import Verdict
from admf_ray.results.identity import digest_of
from admf_ray.results.ledger import Ledger, results_root

__all__ = ["TestExecutor"]

COMPANY = ("", "shuffled order")  # of all test strategies, in one process
FRESH = "a fresh process"
TILES = "other tile sizes"
OTHERS = 50  # strategies that have run in a worker before the certificate's

Key = TypeVar("Key", str, tuple[str, str])

log = get_logger(__name__)


class TestExecutor(BacktestCoordinator):
    """Validates a pipeline's test strategies: fixes their order on training data, then opens the test data.

    Parameters
    ----------
    config : PipelineConfig
        With ``phase_3_test``.
    **settings
        As `BacktestCoordinator`.

    Examples
    --------
    >>> from admf_ray import TestExecutor
    >>> from admf_ray.config import load_pipeline
    >>> config = load_pipeline("configs/quickstart.yaml")  # doctest: +SKIP
    >>> print(*TestExecutor(config).validate().sentences)  # doctest: +SKIP
    """

    __test__: ClassVar[bool] = False

    @property
    def phase(self) -> TestPhaseConfig:
        """The configuration of this phase.

        Raises
        ------
        ConfigError
            There is none.
        """
        if self.config.phase_3_test is None:
            raise ConfigError("phase_3_test: must be there for validation, found nothing; add it")
        return self.config.phase_3_test

    def validate(self, again: bool = False, mined: Mined | None = None) -> Verdict:
        """Judge the configured test strategies and write what was found.

        Parameters
        ----------
        again : bool
            Look at test data that were looked at before; the verdict corrects for it.
        mined : Mined, optional
            What phase 1 found in this run, where it is at hand; read, and completed, otherwise.

        Returns
        -------
        Verdict

        Raises
        ------
        ADMFError
            See `run_parameter_search` and `sealed.open_sealed`.

        Notes
        -----
        Whatever is stored is not run again: the same call gives the same verdict and is no further look.
        """
        phase = self.phase
        with closed(self.config):
            mined = self.run_parameter_search() if mined is None else mined
            if self.interrupted:
                raise KeyboardInterrupt
        with kept_open(), self.store.held():
            with closed(self.config):
                judging, order = self._in_training(mined)
                if not order:
                    return judging.nothing()
                skill = skill_of(self, mined, order, judging.trained, judging.hall)
            sealed = self._open(order, again)
            tested = self.run_test_suite(order, sealed)
            hall = test_hall(self.search, sealed, phase.validation.walk_forward_oos)
            certificates = self._certificates(order, hall, tested)
            return judging.verdict(order, tested, hall, skill, sealed.looks, certificates)

    def repeat(self) -> dict[str, tuple[dict[str, Any], Any]]:
        """Examine the finalists on their test data again; return what is stored and what came out now.

        Notes
        -----
        The same finalists on the same bars are the same look.
        """
        with closed(self.config):
            mined = self.run_parameter_search()
        with kept_open(), self.store.held():
            with closed(self.config):
                _, order = self._in_training(mined)
            sealed = self._open(order, False)
            hall = test_hall(self.search, sealed, self.phase.validation.walk_forward_oos)
            stored, _ = self._answers(order, hall, "test", True)
            work = {case.name: (examine, self._exam(case, "test", True)) for case in order}
            answers = self._each(work, hall)
        return {case.name: (stored[case.name], answers[case.name]) for case in order}

    def _open(self, order: Sequence[TestCase], again: bool) -> Sealed:
        """Open the test data for finalists in their order."""
        ledger = Ledger(results_root(self.store.uri))
        wanted = [case.identity for case in order]
        return open_sealed(self.config, self.search.bars, ledger, self.store.uri, wanted, again)

    def _exam(self, case: TestCase, side: str, perturbed: bool) -> Exam:
        settings = self.phase.validation
        n = settings.drift_containers if settings.test_parameter_drift or side == "training" else 0
        return Exam(case, drifted(case, self.search, n, settings.seed), perturbed, settings.seed)

    def _in_training(self, mined: Mined) -> tuple[Judging, list[TestCase]]:
        """Resolve the test strategies, gather training evidence and fix the finalists' order."""
        search, runner = self.search, self._runner
        cases, left_out = resolve(search, mined, self._finalists())
        hall = training_hall(search)
        trained, failed = self._answers(cases, hall, "training", False)
        names = [case.name for case in cases if case.name in trained]
        found = [
            evidence_of(trained[name], hall, search.folds, runner.objective, runner.maximize)
            for name in names
        ]
        judging = Judging(
            self.config, self.store, search, hall, trained, dict(zip(names, found, strict=True)),
            left_out | failed, runner.objective, runner.maximize,
        )  # fmt: skip
        places = {case.name: case for case in cases}
        return judging, [places[name] for name in ordered(names, found, self.phase.final_selection)]

    def run_test_suite(
        self, test_configs: Sequence[TestCase | TestStrategyConfig], test_data: Sealed
    ) -> dict[str, Any]:
        """Run every test strategy in its own container and its own fresh process.

        Parameters
        ----------
        test_configs : sequence of TestCase or TestStrategyConfig
            In order; what is configured is resolved on training data first.
        test_data : Sealed
            See `sealed.open_sealed`.

        Returns
        -------
        dict of str to dict
            By name: what `exam.examine` says; ``{"error", "container_id"}`` for one that failed.
        """
        cases = [one for one in test_configs if isinstance(one, TestCase)]
        if len(cases) < len(test_configs):
            wanted = {one.name for one in test_configs}
            known = resolve(self.search, self.run_parameter_search(), self._finalists()).cases
            cases = [one for one in known if one.name in wanted]
        hall = test_hall(self.search, test_data, self.phase.validation.walk_forward_oos)
        answers, failed = self._answers(cases, hall, "test", True)
        errors = {name: {"error": text, "container_id": f"test_{name}"} for name, text in failed.items()}
        return {**answers, **errors}

    def _run_test_in_container(self, config: TestCase, test_data: Sealed) -> dict[str, Any]:
        """Run one test strategy over the whole test period in a fresh container, in this process."""
        hall = test_hall(self.search, test_data, False)
        container = container_of(config, hall.setting())
        container.register_shared_service("config", self.config)
        return isolated(container, self._execute_test)

    def _execute_test(self, container: ScopedContainer) -> dict[str, Any]:
        """Run an initialised test container over its window and return its figures."""
        return figures_of(container, run_container(container))

    def _finalists(self) -> tuple[Finalist, ...]:
        """Return phase 2's finalists; none where it is not configured or has not been run."""
        if self.config.phase_2_analysis is None or not self.store.exists(FINALISTS):
            return ()
        return read_finalists(self.store)

    def _answers(
        self, cases: Sequence[TestCase], hall: Hall, side: str, perturbed: bool
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Examine test strategies, each in a process of its own; answers kept in the run's folder."""
        work, names = {}, {}
        for case in cases:
            exam = work[case.name] = self._exam(case, side, perturbed)
            names[case.name] = f"validation/{side}-{digest_of([exam.identity, hall.identity])[:20]}.json"
        missing = {name: exam for name, exam in work.items() if not self.store.exists(names[name])}
        reused = () if self.phase.execution.strict_isolation else missing
        answers = self._each({name: (examine, exam) for name, exam in missing.items()}, hall, reused)
        failed = {}
        for name, answer in answers.items():
            if isinstance(answer, Exception):
                failed[name] = f"failed on {side} data: {type(answer).__name__}: {answer}"
                log.error("%s %s", name, failed[name])
            else:
                self.store.write_json(names[name], answer)
        return {n: self.store.read_json(names[n]) for n in work if n not in failed}, failed

    def _certificates(
        self, order: Sequence[TestCase], hall: Hall, tested: Mapping[str, Any]
    ) -> dict[str, dict[str, str]]:
        """Return each finalist's certificate; none where it is switched off."""
        cases = [case for case in order if "error" not in tested[case.name]]
        if not self.phase.final_selection.verify_no_state_leakage or not cases:
            return {}
        wanted = [[case.identity for case in cases], OTHERS, self.phase.validation.seed, hall.identity]
        name = f"validation/certificate-{digest_of(wanted)[:20]}.json"
        if not self.store.exists(name):
            self.store.write_json(name, self._certify(cases, hall, tested))
        found: dict[str, dict[str, str]] = self.store.read_json(name)
        return found

    def _certify(
        self, cases: Sequence[TestCase], hall: Hall, tested: Mapping[str, Any]
    ) -> dict[str, dict[str, str]]:
        seed = self.phase.validation.seed
        work: dict[tuple[str, str], Any] = {(case.name, FRESH): (certificate.alone, case) for case in cases}
        for case in cases:
            near = drifted(case, self.search, OTHERS, seed)
            rest = [
                one
                for other in cases
                if other is not case
                for one in drifted(other, self.search, OTHERS, seed)
            ]
            others = (*rest[: OTHERS // 2], *near)[:OTHERS]
            work[case.name, f"after {len(others)} others"] = (certificate.after_others, (case, others))
            if case.is_compiled:
                own = tuple(one for one in near if one.account.names == case.account.names)
                work[case.name, TILES] = (certificate.in_tiles, (case, own))
        work[COMPANY] = (certificate.in_company, (tuple(cases), seed))
        reused = [key for key in work if key[1] in (COMPANY[1], TILES)]
        answers = self._each(work, hall, reused, elsewhere=[c.name for c in cases])
        company = answers.pop(COMPANY)
        found = {}
        for case in cases:
            runs = {how: one for (name, how), one in answers.items() if name == case.name}
            runs[COMPANY[1]] = company if isinstance(company, Exception) else company[case.name]
            found[case.name] = certificate.certified(tested[case.name]["hashes"], runs)
        return found

    def _each(
        self,
        work: Mapping[Key, Any],
        shared: Hall,
        reused: Collection[Key] = (),
        elsewhere: Sequence[str] = (),
    ) -> dict[Key, Any]:
        """Carry out pieces of work, each in a process on the cluster, and return their answers.

        Parameters
        ----------
        work : mapping of str or (str, str) to (function, argument)
            By a test strategy, or by one and how it is run.
        shared : Hall
        reused : collection of str or (str, str)
            Pieces for which a process that has run others will do; all others get a fresh one.
        elsewhere : sequence of str
            Test strategies whose fresh run is done on another node too, where there is one.
        """
        if not work:
            return {}
        with session(self.settings.address, self.settings.cores) as here:
            return self._on_cluster(work, shared, reused, elsewhere, here)

    def _on_cluster(
        self,
        work: Mapping[Any, Any],
        shared: Hall,
        reused: Collection[Any],
        elsewhere: Sequence[str],
        here: Session,
    ) -> dict[Any, Any]:
        from admf_ray.cluster.suite import Call, run_suite, two_nodes  # Ray reads its environment then

        calls = {
            key: Call(_told(key), function, argument, key not in reused)
            for key, (function, argument) in work.items()
        }
        nodes = two_nodes() if elsewhere else ()
        for name in elsewhere if nodes else ():
            function, argument = work[name, FRESH]
            for place, node in zip((FRESH, "another node"), nodes, strict=True):
                calls[name, place] = Call(_told((name, place)), function, argument, node=node)
        answers = run_suite(
            list(calls.values()), shared, here, files=self.config.strategies, workers=self.settings.workers
        )
        return {key: answers[call.name] for key, call in calls.items()}


def _told(key: str | tuple[str, str]) -> str:
    """Return a call's name; no two are the same, since how a test strategy is run has no colon."""
    return key if isinstance(key, str) else ":".join(key)
