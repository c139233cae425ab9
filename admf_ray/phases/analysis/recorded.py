"""Variants of all hypotheses that a run has ever tested: trials like any other, whoever asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from admf_ray.config.analysis import ExperimentConfig
from admf_ray.config.grids import grid_of
from admf_ray.config.spaces import variant_of
from admf_ray.errors import ADMFError
from admf_ray.phases.analysis.hypotheses import Recorded, recorded
from admf_ray.phases.analysis.rows import Subject
from admf_ray.phases.mining import BacktestCoordinator
from admf_ray.phases.search import context_of
from admf_ray.results.points import parts_of

__all__ = ["RecordedVariants", "recorded_variants"]


class RecordedVariants(NamedTuple):
    """Variants whose rows are trials of the run.

    Attributes
    ----------
    subjects : tuple of Subject
        In the order in which their hypotheses were recorded.
    left_out : tuple of str
        Why one is not among them, a sentence each: its rows are counted, and cannot be tested here.
    """

    subjects: tuple[Subject, ...]
    left_out: tuple[str, ...]


def recorded_variants(mining: BacktestCoordinator, known: Mapping[str, Subject]) -> RecordedVariants:
    """Return the variants of every hypothesis that has a result in this run.

    Parameters
    ----------
    mining : BacktestCoordinator
    known : mapping of str to Subject
        Those at hand, by their hypotheses' hashes; the others are read from the store.

    Notes
    -----
    Hypotheses given to `AnalysisCoordinator.run_experiment` and those that have left the configuration since
    are among them. Nothing is run: a hypothesis that was interrupted, or whose components are not known
    here, is left out.
    """
    subjects, left_out = [], []
    for one in recorded(mining.store):
        found = known.get(one.hash) or _stored(mining, one)
        if isinstance(found, Subject):
            subjects.append(found)
        else:
            left_out.append(f"hypothesis {one.name}: {found}; its points count as trials and are not tested")
    return RecordedVariants(tuple(subjects), tuple(left_out))


def _stored(mining: BacktestCoordinator, one: Recorded) -> Subject | str:
    """Return a hypothesis's variant as the store has it, or why that cannot be read."""
    if one.p_better is None:
        return "it was recorded and never finished"
    try:
        experiment = ExperimentConfig(name=one.name, **one.says)
        stack, lattice = variant_of(mining.config, grid_of(mining.config), experiment)
    except ADMFError as error:
        return f"what it says cannot be built here ({error})"
    search = replace(mining.search, searches=((stack, lattice),))
    if not parts_of(mining.store, context_of(search, stack, lattice).digest):
        return "its components have changed since"
    (variant,) = mining.mine([search])
    return Subject(one.name, variant.searched[0])
