"""Phase 3: finalists, ordered beforehand, judged once on data never seen."""

from admf_ray.phases.validation.executor import TestExecutor
from admf_ray.phases.validation.verdict import Candidate, Verdict

__all__ = ["Candidate", "TestExecutor", "Verdict"]
