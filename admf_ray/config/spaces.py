"""From a configuration to what is searched: component stacks and the lattices over their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.components.registry import find
from admf_ray.config.analysis import ExperimentConfig, Modifications
from admf_ray.config.components import CONFIGURABLE, ComponentConfig, class_named
from admf_ray.config.grids import grid_of
from admf_ray.config.schema import PipelineConfig
from admf_ray.config.validation import TestStrategyConfig
from admf_ray.engine.stack import Stack
from admf_ray.errors import ConfigError
from admf_ray.space.axis import Axis
from admf_ray.space.grid import Grid, StrategyGrid, parse_axes
from admf_ray.space.lattice import Constraint, Lattice
from admf_ray.space.parameters import Choice, Param
from admf_ray.space.space import Space

__all__ = ["fixed_of", "lattice_over", "load_space", "modified", "search_of", "stack_of", "variant_of"]

Floats = NDArray[np.float64]

_SLOTS = {"risk_manager": "risk", "broker": "broker", "portfolio": "portfolio"}


def stack_of(strategy: type[Any], components: tuple[ComponentConfig, ...]) -> tuple[Stack, dict[str, Any]]:
    """Return the component stack of a container list around a strategy, and its settings by full name.

    Parameters
    ----------
    strategy : type of Strategy
        Stands where the list says ``configurable``.
    components : tuple of ComponentConfig
        Checked; kinds that are missing take their defaults.
    """
    parts: dict[str, Any] = {}
    filters: list[ComponentConfig] = []
    given: list[tuple[str, Mapping[str, Any]]] = []
    for one in components:
        if one.kind == "filter":
            filters.append(one)
        elif one.kind == "strategy" and one.class_ != CONFIGURABLE:
            given.append(("", one.params))
        elif one.kind in _SLOTS:
            parts[_SLOTS[one.kind]] = find(one.class_)
            given.append((f"{_SLOTS[one.kind]}.", one.params))
    stack = Stack(strategy, tuple(find(one.class_) for one in filters), **parts)
    given += zip(stack.prefixes[1:], (one.params for one in filters), strict=False)
    return stack, {prefix + key: value for prefix, params in given for key, value in params.items()}


def lattice_over(stack: Stack, grid: StrategyGrid, settings: Mapping[str, Any]) -> Lattice:
    """Return the lattice of a grid over a stack's parameters, under the components' own constraints too.

    Raises
    ------
    ConfigError
        Unknown parameter, value out of bounds, constraint over unknown parameters.
    """
    columns: dict[str, Param | Choice] = {}
    constraints = []
    for prefix, (_, cls) in zip(stack.prefixes, stack.classes, strict=True):
        columns.update({prefix + name: param for name, param in cls.parameters.items()})
        constraints += [Constraint(text, prefix, f"{grid.where} {cls.label()}") for text in cls.constraints]
    return grid.lattice(columns, constraints, settings)


def search_of(config: PipelineConfig, grid: StrategyGrid) -> tuple[Stack, Lattice]:
    """Return what phase 1 searches for one strategy of the grid.

    Raises
    ------
    ConfigError
        When the grid does not fit the components.
    """
    strategy = class_named(grid.strategy, grid.where, "strategy")
    components = config.phase_1_mining.container_components
    for k, one in enumerate(components):
        if one.kind == "strategy" and one.class_ != CONFIGURABLE and find(one.class_) is not strategy:
            raise ConfigError(
                f"{grid.where}: must be the container's own strategy, found '{grid.strategy}'; set class: "
                f"configurable at phase_1_mining.container_components[{k}]"
            )
    stack, settings = stack_of(strategy, components)
    return stack, lattice_over(stack, grid, settings)


def load_space(config: PipelineConfig) -> Space:
    """Return all lattices that phase 1 searches, having checked what phases 2 and 3 set beside them.

    Raises
    ------
    ConfigError
        When the grid is malformed or does not fit the components.
    """
    grid = grid_of(config)
    lattices = tuple(search_of(config, one)[1] for one in grid.strategies)
    for k, experiment in enumerate(config.phase_2_analysis.experiments if config.phase_2_analysis else ()):
        variant_of(config, grid, experiment, f"phase_2_analysis.experiments[{k}]")
    for k, tested in enumerate(config.phase_3_test.test_strategies if config.phase_3_test else ()):
        if tested.kind == "fixed":
            fixed_of(config, tested, f"phase_3_test.test_strategies[{k}]")
    return Space(lattices)


def modified(components: tuple[ComponentConfig, ...], changes: Modifications) -> tuple[ComponentConfig, ...]:
    """Return a container list with an experiment's modifications: removed, replaced, then added."""
    replaced = {one.kind: one for one in changes.replace_components}
    kept = [one for one in components if one.name not in changes.remove_components]
    swapped = [replaced.pop(one.kind, one) if one.kind in _SLOTS else one for one in kept]
    return (*swapped, *replaced.values(), *changes.add_filter)


def variant_of(
    config: PipelineConfig, grid: Grid, experiment: ExperimentConfig, where: str = "experiment"
) -> tuple[Stack, Lattice]:
    """Return what an experiment's variant searches: the base strategy's grid over the modified stack.

    Raises
    ------
    ConfigError
        When the base strategy is not in the grid or a value does not fit.
    """
    changes = experiment.modifications
    strategy = class_named(experiment.base_strategy, config.place(f"{where}.base_strategy"), "strategy")
    base = next((one for one in grid.strategies if find(one.strategy) is strategy), None)
    if base is None:
        raise ConfigError(
            f"{config.place(f'{where}.base_strategy')}: must be in the parameter grid, which has "
            f"{', '.join(grid.names)}, found '{experiment.base_strategy}'; add it there"
        )
    stack, settings = stack_of(strategy, modified(config.phase_1_mining.container_components, changes))
    path = f"{where}.modifications"
    fixed = _fixed_axes(config, changes.params, f"{path}.params")
    added = (*fixed, *parse_axes(changes.grid, f"{path}.grid", config.place))
    names = {axis.name for axis in added}
    axes = tuple(axis for axis in base.axes if axis.name not in names and axis.name in stack.columns)
    merged = StrategyGrid(base.strategy, (*axes, *added), base.constraints, config.place(path))
    return stack, lattice_over(stack, merged, settings)


def fixed_of(
    config: PipelineConfig, tested: TestStrategyConfig, where: str = "test_strategy"
) -> tuple[Stack, Floats]:
    """Return the stack of a fixed test strategy and its one point, shape (n_columns,).

    Raises
    ------
    ConfigError
        When a parameter is unknown, out of bounds or breaks a constraint.
    """
    name = tested.strategy or ""
    strategy = class_named(name, config.place(f"{where}.strategy"), "strategy")
    components = (*config.phase_1_mining.container_components, *tested.add_components)
    stack, settings = stack_of(strategy, components)
    axes = _fixed_axes(config, tested.params, f"{where}.params")
    place = config.place(f"{where}.params")
    lattice = lattice_over(stack, StrategyGrid(name, axes, (), place), settings)
    if not lattice.admissible([0])[0]:
        rules = ", ".join(one.text for one in lattice.constraints)
        raise ConfigError(f"{place}: must satisfy {rules}, found {lattice.point(0)}; change one of them")
    return stack, lattice.values([0])[0]


def _fixed_axes(config: PipelineConfig, params: Mapping[str, Any], where: str) -> tuple[Axis, ...]:
    axes = parse_axes(params, where, config.place)
    for axis in axes:
        if axis.size != 1:
            raise ConfigError(f"{axis.where}: must be one value, found {axis.size}; write one")
    return axes
