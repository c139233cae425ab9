"""Which points of the lattices are searched: all, a sample, or proposals in generations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import ResourceError
from admf_ray.phases.search import Search

if TYPE_CHECKING:
    from admf_ray.phases.mining import BacktestCoordinator

__all__ = ["MOST_POINTS", "indices_of"]

Ints = NDArray[np.int64]
MOST_POINTS = 10_000_000


def indices_of(search: Search, coordinator: BacktestCoordinator) -> list[Ints]:
    """Return each lattice's searched indices, ascending.

    Raises
    ------
    ResourceError
        More points than one driver holds.
    """
    del coordinator
    found = []
    for stack, lattice in search.searches:
        if lattice.size > MOST_POINTS:
            raise ResourceError(
                f"{stack.strategy.label()}: the grid has {lattice.size:,} points, more than the {MOST_POINTS:,} of "
                f"one run; widen the steps, or set parameter_search.method: random"
            )
        found.append(np.concatenate([*lattice.blocks(0, lattice.size), np.empty(0, dtype=np.int64)]))
    return found
