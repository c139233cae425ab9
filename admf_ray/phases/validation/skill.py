"""The training test that the verdict goes by: phase 2's, joined by the test strategies that are no rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from admf_ray.config.analysis import AnalysisConfig
from admf_ray.phases.analysis.rows import GRID, Rows, Subject
from admf_ray.phases.analysis.skill import Skill, read_skill, training_skill
from admf_ray.phases.mined import Mined
from admf_ray.phases.search import Search
from admf_ray.phases.validation.case import TestCase
from admf_ray.phases.validation.exam import Hall
from admf_ray.results.points import ids_on
from admf_ray.results.store import RunStore

__all__ = ["skill_of"]


def skill_of(
    store: RunStore,
    search: Search,
    mined: Mined,
    cases: Sequence[TestCase],
    trained: Mapping[str, Any],
    hall: Hall,
) -> Skill:
    """Test all trials of the run in training, those that phase 3 composes among them.

    Parameters
    ----------
    store : RunStore
    search : Search
    mined : Mined
    cases : sequence of TestCase
    trained : mapping of str to dict
        Their answers on training data, by name.
    hall : Hall
        Of training.

    Notes
    -----
    Where phase 2 has tested these rows its result is taken as it is, variants of experiments included;
    otherwise the grid's rows are tested here. A single point that is a row already is not added again.
    Test strategies see the bars before their window, so with ``warmup: none`` none of them is a row.
    """
    seed = (search.config.phase_2_analysis or AnalysisConfig()).seed
    rows = Rows(tuple(Subject(GRID, one) for one in mined.searched), search.conditions)
    known = read_skill(store, rows, seed)
    if known is None:
        contexts = [one.searched.figures.context.digest for one in rows.subjects]
        skill = training_skill(rows, seed)
    else:
        skill, contexts = known[0], list(known[1])
    ids: set[int] = set()
    if search.conditions.warmup == "history":
        found = ids_on(store, search.bars.content_hash, ok=True)
        ids.update(*(found[one].tolist() for one in contexts))
    fresh = {
        case.identity: hall.excess(trained[case.name])
        for case in cases
        if case.name in trained and (case.members or case.account.point_id not in ids)
    }
    return skill.joined(np.column_stack(list(fresh.values()))) if fresh else skill
