"""Parameter drift: the same construction at points nearby, drawn without looking at any result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from admf_ray.config.spaces import lattice_over
from admf_ray.phases.search import Search
from admf_ray.phases.validation.case import Member, TestCase
from admf_ray.space.grid import StrategyGrid, parse_axes
from admf_ray.space.lattice import Lattice
from admf_ray.space.parameters import Param

__all__ = ["drifted"]

ALONE_FRAC = 0.1
TRIES = 50


def drifted(case: TestCase, search: Search, n: int, seed: int) -> tuple[TestCase, ...]:
    """Return up to `n` distinct neighbours of a test strategy, drawn uniformly.

    Parameters
    ----------
    case : TestCase
    search : Search
        Its lattices and its neighbourhood say what is near.
    n : int
    seed : int

    Notes
    -----
    Of an ensemble or an adaptive strategy, every distinct member moves at once, each to a neighbour of its
    own. A point that stands on no searched grid moves by 1 in whole numbers and by a tenth in others.
    Fewer than `n` where there are no more.
    """
    rng = np.random.default_rng(seed)
    distinct = tuple(dict.fromkeys(case.parts))
    near = {one: _near(one, search) for one in distinct}
    if not case.members:
        own = near[distinct[0]]
        chosen = rng.permutation(len(own))[:n]
        return tuple(case.with_parts((own[int(k)],)) for k in np.sort(chosen))
    found: dict[tuple[Member, ...], None] = {}
    for _ in range(TRIES * n):
        if len(found) == n:
            break
        moved = {one: own[int(rng.integers(len(own)))] if own else one for one, own in near.items()}
        parts = tuple(moved[one] for one in case.members)
        if parts != case.members:
            found[parts] = None
    return tuple(case.with_parts(parts) for parts in found)


def _near(member: Member, search: Search) -> list[Member]:
    """Return a point's neighbours, in ascending order."""
    stack, values = member.stack, member.parameters()
    neighborhood = search.neighborhood
    lattice, index = _lattice(member, search, values)
    around = neighborhood.around(lattice, np.array([index]))
    rows = around.rows()[1:]
    kept = np.tile(member.vector, (len(rows), 1))
    for axis in lattice.axes:  # what the lattice does not vary stays the member's own
        column = stack.columns.index(axis.name)
        kept[:, column] = rows[:, column]
    return [Member.of(stack, row) for row in kept]


def _lattice(member: Member, search: Search, values: Mapping[str, Any]) -> tuple[Lattice, int]:
    for stack, lattice in search.searches:
        if stack.strategy is member.stack.strategy:
            shared = {axis.name for axis in lattice.axes} <= set(member.stack.columns)
            index = lattice.index_of(values) if shared else None
            if index is not None:
                grid = StrategyGrid(lattice.strategy, lattice.axes)
                own = lattice_over(member.stack, grid, values)
                return own, index
    own = _alone(member, values)
    found = own.index_of(values)
    assert found is not None
    return own, found


def _alone(member: Member, values: Mapping[str, Any]) -> Lattice:
    """Return a lattice around a point that no grid has, one step wide."""
    axes = {}
    for name, param in member.stack.strategy.parameters.items():
        value = values[name]
        if not isinstance(param, Param) or not isinstance(value, (int, float)):
            continue
        step = 1 if param.whole else abs(value) * ALONE_FRAC
        if step:
            other = value + step if value + step <= param.high else value - step
            axes[name] = sorted([value, other])
    label = member.stack.strategy.label()
    return lattice_over(member.stack, StrategyGrid(label, parse_axes(axes, label)), values)
