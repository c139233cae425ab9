"""Phase 2: what worked, why, and whether it was luck; on training data alone."""

from admf_ray.phases.analysis.coordinator import Analysed, AnalysisCoordinator
from admf_ray.phases.analysis.finalist import Finalist, read_finalists

__all__ = ["Analysed", "AnalysisCoordinator", "Finalist", "read_finalists"]
