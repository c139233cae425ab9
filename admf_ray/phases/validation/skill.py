"""The training test that the verdict goes by: phase 2's, joined by the test strategies that are no rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.config.analysis import AnalysisConfig
from admf_ray.logs import get_logger
from admf_ray.phases.analysis.recorded import recorded_variants
from admf_ray.phases.analysis.rows import GRID, Rows, Subject
from admf_ray.phases.analysis.skill import Skill, read_skill, training_skill
from admf_ray.phases.mined import Mined
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.validation.case import TestCase
from admf_ray.phases.validation.exam import Hall

__all__ = ["skill_of"]

Ints = NDArray[np.int64]

log = get_logger(__name__)


def skill_of(
    mining: BacktestCoordinator,
    mined: Mined,
    cases: Sequence[TestCase],
    trained: Mapping[str, Any],
    hall: Hall,
) -> Skill:
    """Test all trials of the run in training, those that phase 3 composes among them.

    Parameters
    ----------
    mining : BacktestCoordinator
        Of this run.
    mined : Mined
    cases : sequence of TestCase
    trained : mapping of str to dict
        Their answers on training data, by name.
    hall : Hall
        Of training.

    Notes
    -----
    The rows are the grid's and those of every hypothesis that the run has tested. Where phase 2 has tested
    these very rows its result is taken as it is; otherwise they are tested here. A single point that is a
    row already is not added again.
    Test strategies see the bars before their window, so with ``warmup: none`` none of them is a row.
    """
    search = mining.search
    seed = (search.config.phase_2_analysis or AnalysisConfig()).seed
    variants = recorded_variants(mining, {})
    for sentence in variants.left_out:
        log.warning("%s", sentence)
    grid = (Subject(GRID, one) for one in mined.searched)
    rows = Rows((*grid, *variants.subjects), search.conditions)
    skill = read_skill(mining.store, rows, seed) or training_skill(rows, seed)
    tested: list[Ints] = []
    if search.conditions.warmup == "history":
        tested = [one.ids[one.ok] for one in rows.subjects]
    fresh = {
        case.identity: hall.excess(trained[case.name])
        for case in cases
        if case.name in trained and not _is_row(case, tested)
    }
    return skill.joined(np.column_stack(list(fresh.values()))) if fresh else skill


def _is_row(case: TestCase, tested: Sequence[Ints]) -> bool:
    """Tell whether a test strategy is a single point that is among those tested."""
    return not case.members and any((ids == case.account.point_id).any() for ids in tested)
