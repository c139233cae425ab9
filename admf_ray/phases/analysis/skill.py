"""Whether the best of all trials beats luck in training: one test, which phases 2 and 3 share.

What is tested is every trial of the run: points of the grid, their neighbours, and variants of experiments.
Phase 3 adds the test strategies that it composes and that are no rows of the run. Both go by the same
benchmark, seed, blocks and draws, so where phase 3 composes nothing new its p-value is phase 2's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.bootstrap import block_length
from admf_ray.analysis.overfitting.superior import Extremes, Superior, extremes
from admf_ray.phases.analysis.rows import GRID, Rows, Subject
from admf_ray.results.identity import digest_of, sources_digest
from admf_ray.results.store import RunStore

__all__ = ["SKILL", "SPA_DRAWS", "Skill", "read_skill", "told", "training_skill", "write_skill"]

Floats = NDArray[np.float64]

SKILL = "training_skill.json"
SOURCES = ("analysis", "phases/analysis")  # what tests, besides the engine that made the rows
SPA_DRAWS = 1_000
MOST_FOR_BLOCKS = 100
KINDS: Mapping[str, str] = {
    GRID: "of the grid and their neighbours",
    "experiments": "of experiments",
    "composed": "composed for validation",
}


@dataclass(frozen=True)
class Skill:
    """Superior predictive ability of the trials' exposure-matched excess over the training span.

    Attributes
    ----------
    extremes : Extremes
    counts : mapping of str to int
        Trials tested, by `KINDS`. Failed points have no returns: they count as trials and are not among
        these.
    """

    extremes: Extremes
    counts: Mapping[str, int]

    @property
    def superior(self) -> Superior:
        """The test's p-values."""
        return self.extremes.superior()

    def joined(self, excess: Floats) -> Skill:
        """Return the test of these and of further strategies that are composed of them.

        Parameters
        ----------
        excess : float64 array (n_bars, n)
        """
        if not excess.shape[1]:
            return self
        n_bars, block, seed = self.extremes.drawn
        more = extremes(
            lambda: [excess], n_bars, block_bars=block, seed=seed, n_draws=len(self.extremes.high)
        )
        composed = self.counts.get("composed", 0) + excess.shape[1]
        return replace(
            self, extremes=self.extremes.joined(more), counts={**self.counts, "composed": composed}
        )


def training_skill(rows: Rows, seed: int) -> Skill:
    """Test all rows against holding their mean exposure all the time.

    Parameters
    ----------
    rows : Rows
    seed : int
        ``phase_2_analysis.seed``, of phase 3 as well.

    Notes
    -----
    Blocks as the first 100 distinct rows suggest: composed strategies, which come later, do not move them.
    """
    few = list(rows.excess(rows.distinct(seed)[:MOST_FOR_BLOCKS]))
    block = block_length(np.concatenate(few, axis=1)) if few else 1.0
    found = extremes(rows.excess, len(rows.benchmark), block_bars=block, seed=seed, n_draws=SPA_DRAWS)
    grid = distinct([one for one in rows.subjects if one.source == GRID])
    return Skill(found, {GRID: grid, "experiments": distinct(rows.subjects) - grid})


def distinct(subjects: Sequence[Subject]) -> int:
    """Return how many points have returns; one that two hypotheses share is one."""
    return len(np.unique(np.concatenate([one.ids[one.ok] for one in subjects])))


def told(counts: Mapping[str, int]) -> str:
    """Return what was tested, in a line.

    Examples
    --------
    >>> told({"grid": 1_200, "experiments": 100, "composed": 1})
    '1,301 trials: 1,200 of the grid and their neighbours, 100 of experiments, 1 composed for validation'
    """
    parts = ", ".join(f"{counts[kind]:,} {words}" for kind, words in KINDS.items() if counts.get(kind))
    return f"{sum(counts.values()):,} trials: {parts}"


def write_skill(store: RunStore, skill: Skill, rows: Rows) -> None:
    """Keep the test of these rows in ``training_skill.json``, for phase 3 to join what it composes."""
    body = skill.extremes._asdict()
    body |= {name: getattr(skill.extremes, name).tolist() for name in ("high", "high_t")}
    seed = skill.extremes.drawn[-1]
    facts = {"of": _name(rows, seed), "counts": dict(skill.counts), "extremes": body}
    store.write_json(SKILL, facts)


def read_skill(store: RunStore, rows: Rows, seed: int) -> Skill | None:
    """Return the test that phase 2 left; None where it has not been run on these very rows with this seed."""
    facts: dict[str, Any] = store.read_json(SKILL) if store.exists(SKILL) else {}
    if facts.get("of") != _name(rows, seed):
        return None
    body = facts["extremes"]
    arrays = {name: np.array(body[name]) for name in ("high", "high_t")}
    found = Extremes(**{**body, **arrays, "drawn": tuple(body["drawn"])})
    return Skill(found, facts["counts"])


def _name(rows: Rows, seed: int) -> str:
    """Return what names a test: the rows that have returns, how they are drawn, and by what."""
    of = [[one.searched.figures.context.digest, one.ids[one.ok].tobytes().hex()] for one in rows.subjects]
    return digest_of([of, seed, SPA_DRAWS, sources_digest(*SOURCES)])
