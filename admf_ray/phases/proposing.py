"""Which points of the lattices are searched: all, a sample, or proposals in generations."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.config.schema import PipelineConfig
from admf_ray.config.spaces import load_space
from admf_ray.errors import ConfigError, ResourceError
from admf_ray.phases.search import Search, neighborhood_of, pointless
from admf_ray.space.proposals import Guide, Proposals
from admf_ray.space.sampling import Draws, draw
from admf_ray.space.space import Space
from admf_ray.space.tpe import TpeGuide

__all__ = ["guide_of", "indices_of", "refuse_barren", "refuse_many"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
POINTS_PER_S = 100_000  # what a core sweeps of some thousand bars, roughly
Judge = Callable[[Sequence[Ints]], Sequence[Floats] | None]


def indices_of(search: Search, judge: Judge, guide: Guide | None = None) -> Sequence[Ints]:
    """Return each lattice's searched indices, ascending.

    Parameters
    ----------
    search : Search
    judge : callable
        Told each lattice's indices, runs them and returns each one's score; for proposals, whose next
        generation depends on it. None ends them.
    guide : Guide, optional
        Proposes instead of the configured searcher.

    Raises
    ------
    ConfigError
        A guide is given and not how many points it is to propose.
    ResourceError
        More points than the configuration allows.

    Notes
    -----
    A generation is told back in the order in which it was proposed, so the same scores give the same next
    generation: a run that goes on after a crash proposes what it proposed before, and finds it stored.
    """
    settings = search.config.phase_1_mining.parameter_search
    lattices = tuple(lattice for _, lattice in search.searches)
    if settings.method == "grid" and guide is None:
        refuse_many(search.config)
        return [
            np.concatenate([*lattice.blocks(0, lattice.size), np.empty(0, dtype=np.int64)])
            for lattice in lattices
        ]
    space = Space(lattices)
    if settings.samples is None:
        place = search.config.place("phase_1_mining.parameter_search.samples")
        raise ConfigError(
            f"{place}: must be given where a searcher proposes, found nothing; set method: random "
            f"and say how many"
        )
    if settings.method == "random" and guide is None:
        return draw(space, settings.samples, settings.seed)
    proposals = Proposals(space, settings.seed, guide or TpeGuide(space, settings.seed))
    found: list[set[int]] = [set() for _ in lattices]
    left = settings.samples
    while left > 0:
        asked = proposals.ask(min(settings.generation_points, left))
        if not asked:
            break
        left -= len(asked)
        own = [
            np.array(sorted({at.point for at in asked if at.lattice == k}), dtype=np.int64)
            for k in range(len(lattices))
        ]
        scores = judge(own)
        for at in asked:
            found[at.lattice].add(at.point)
        if scores is None:
            break
        places = [{int(point): i for i, point in enumerate(points)} for points in own]
        proposals.tell([float(scores[at.lattice][places[at.lattice][at.point]]) for at in asked])
    return [np.array(sorted(points), dtype=np.int64) for points in found]


def guide_of(searcher: Any, search: Search) -> Guide | None:
    """Return the user's own Tune searcher as a guide through a search; None where there is none."""
    if searcher is None:
        return None
    from admf_ray.cluster.proposals import TuneGuide  # Ray reads its environment when it is imported

    return TuneGuide(searcher, Space(tuple(lattice for _, lattice in search.searches)))


def refuse_many(config: PipelineConfig) -> None:
    """Refuse a grid of more points, neighbours included, than are allowed; nothing is read or built.

    Raises
    ------
    ResourceError
        With the count and how long one window of it would take.
    """
    settings = config.phase_1_mining.parameter_search
    near = neighborhood_of(settings.neighborhood_testing)
    size = sum(near.count_rows_upper(lattice) for lattice in load_space(config).lattices)
    if settings.method == "grid" and size > settings.max_points:
        place = config.place("phase_1_mining.parameter_search.max_points")
        cores = os.cpu_count() or 1
        took = _lasting(size / POINTS_PER_S / cores)
        raise ResourceError(
            f"{place}: the grid and its neighbours must be at most {settings.max_points:,} points, found "
            f"{size:,} ({took} for one window on {cores} cores); widen the steps, take a smaller radius, set "
            f"method: random, or raise it"
        )


def refuse_barren(search: Search) -> None:
    """Refuse lattices without an admissible point, before a run is begun.

    Raises
    ------
    ConfigError
        Any of a grid's, all of a sampled search's, or next to nothing of a very large one is admissible.
    """
    barren = [pair for pair in search.searches if not Draws(Space((pair[1],)), 0).take(1).size]
    sampled = search.config.phase_1_mining.parameter_search.method != "grid"
    if barren and (not sampled or len(barren) == len(search.searches)):
        raise pointless(*barren[0])


def _lasting(seconds: float) -> str:
    """Return a time in the largest unit of which it has two."""
    for unit, length_s in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:,.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"
