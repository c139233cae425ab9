"""The grid a user writes: per strategy, which parameters take which values, under which constraints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from admf_ray.errors import ConfigError, closest
from admf_ray.space.axis import Axis, parse_axis
from admf_ray.space.expressions import known_names, names_in
from admf_ray.space.lattice import Constraint, Lattice
from admf_ray.space.parameters import Choice, Param

__all__ = ["Grid", "StrategyGrid", "parse_axes", "parse_grid"]

Place = Callable[[str], str]
_KEYS = ("parameters", "constraints")


@dataclass(frozen=True)
class StrategyGrid:
    """What is searched for one strategy, as written, before its parameters are known.

    Parameters
    ----------
    strategy : str
        Registered name.
    axes : tuple of Axis
        In declared order; a fixed value is an axis of one.
    constraints : tuple of (str, str)
        Each with what an error about it begins with.
    where : str
        What an error about the whole begins with.
    """

    strategy: str
    axes: tuple[Axis, ...]
    constraints: tuple[tuple[str, str], ...] = ()
    where: str = ""

    def lattice(
        self,
        columns: Mapping[str, Param | Choice],
        constraints: Sequence[Constraint] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> Lattice:
        """Return the lattice of these axes over a component stack's parameters.

        Parameters
        ----------
        columns : mapping of str to Param or Choice
            Every parameter by its full name, in the order of a point's row.
        constraints : sequence of Constraint
            The components' own.
        settings : mapping, optional
            Values that all points share, by full name; defaults elsewhere. An axis overrides them.

        Raises
        ------
        ConfigError
            Unknown parameter, value out of bounds, constraint over unknown parameters.
        """
        axes = []
        for axis in self.axes:
            if axis.name not in columns:
                own = ", ".join(name for name in columns if "." not in name)
                hint = closest(axis.name, columns) or f"; {self.strategy} has {own}"
                raise ConfigError(f"{axis.where}: no such parameter, found '{axis.name}'{hint}")
            axes.append(axis.checked(columns[axis.name]))
        own_constraints = []
        for text, where in self.constraints:
            try:
                known_names(text, columns)
            except ConfigError as error:
                raise ConfigError(f"{where}: {error}") from None
            own_constraints.append(Constraint(text, where=where))
        return Lattice(
            self.strategy,
            dict(columns),
            tuple(axes),
            (*constraints, *own_constraints),
            dict(settings or {}),
        )


@dataclass(frozen=True)
class Grid:
    """The grids of one or more strategies, in declared order."""

    strategies: tuple[StrategyGrid, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The strategies' names."""
        return tuple(one.strategy for one in self.strategies)


def parse_axes(raw: Any, where: str, place: Place = str) -> tuple[Axis, ...]:
    """Read a mapping of parameters to their values.

    Raises
    ------
    ConfigError
        When it is no such mapping; see `parse_axis`.
    """
    if not isinstance(raw, Mapping):
        raise ConfigError(
            f"{place(where)}: must map parameters to values, found {raw!r}; write 'fast: [5, 10]'"
        )
    axes = []
    for name, values in raw.items():
        path = f"{where}.{name}"
        try:
            axes.append(replace(parse_axis(name, values, path), where=place(path)))
        except ConfigError as error:
            found, rest = str(error).split(": ", 1)
            raise ConfigError(f"{place(found)}: {rest}") from None
    return tuple(axes)


def parse_grid(raw: Any, where: str = "", place: Place = str) -> Grid:
    """Read a parameter grid.

    Parameters
    ----------
    raw : mapping
        ``strategies``: per registered name ``parameters`` (see `parse_axis`) and ``constraints``.
    where : str
        Key path of the grid within its file.
    place : callable
        Turns a key path into what an error begins with, e.g. by putting file and line before it.

    Raises
    ------
    ConfigError
        When it is not of this form.

    Examples
    --------
    >>> entry = {"parameters": {"fast": [5, 10]}, "constraints": ["fast < slow"]}
    >>> parse_grid({"strategies": {"ma_crossover": entry}}).names
    ('ma_crossover',)
    """
    prefix = f"{where}." if where else ""
    body = _mapping(raw, where or "grid", place, ("strategies",), "write 'strategies:'")
    path = f"{prefix}strategies"
    strategies = body.get("strategies")
    if not isinstance(strategies, Mapping) or not strategies:
        raise ConfigError(f"{place(path)}: must name at least one strategy, found none; add one")
    grids = []
    for name, entry in strategies.items():
        own = f"{path}.{name}"
        entry = _mapping({} if entry is None else entry, own, place, _KEYS, "write 'parameters:' below it")
        axes = parse_axes(entry.get("parameters") or {}, f"{own}.parameters", place)
        grids.append(StrategyGrid(name, axes, _constraints(entry, own, place), place(own)))
    return Grid(tuple(grids))


def _mapping(raw: Any, where: str, place: Place, keys: Sequence[str], hint: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{place(where)}: must be a mapping of keys, found {raw!r}; {hint}")
    for key in raw:
        if key not in keys:
            path = key if where == "grid" else f"{where}.{key}"
            hint = closest(str(key), keys) or f"; known: {', '.join(keys)}"
            raise ConfigError(f"{place(path)}: unknown key{hint}")
    return raw


def _constraints(entry: Mapping[str, Any], where: str, place: Place) -> tuple[tuple[str, str], ...]:
    raw = entry.get("constraints") or ()
    if not isinstance(raw, (list, tuple)):
        raise ConfigError(
            f"{place(f'{where}.constraints')}: must be a list, found {raw!r}; write ['fast < slow']"
        )
    found = []
    for k, text in enumerate(raw):
        path = place(f"{where}.constraints[{k}]")
        if not isinstance(text, str):
            raise ConfigError(
                f"{path}: must be an expression, found {text!r}; write one such as 'fast < slow'"
            )
        try:
            names_in(text)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
        found.append((text, path))
    return tuple(found)
