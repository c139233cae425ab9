"""A component stack: which classes work together, and the machine code they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from itertools import pairwise
from keyword import iskeyword
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.components.broker import SimulatedBroker
from admf_ray.components.portfolio import Portfolio
from admf_ray.components.risk import RiskManager
from admf_ray.components.tracing import Graph, TracedBars
from admf_ray.engine.failures import asked
from admf_ray.engine.generate import Part, generate
from admf_ray.errors import ComponentError, ConfigError, closest
from admf_ray.rules import accounting, costs, metrics, moments, protection, regimes, state
from admf_ray.rules.compile import INNER_KERNEL_OPTIONS, KERNEL_OPTIONS, cached, load_module, rule

__all__ = ["Stack", "Structure"]

Floats = NDArray[np.float64]
SHARED_KERNELS = ("measure", "finish", "split", "tail")
METRIC_NAMES = ("METRICS", "TAIL_METRICS", "REGIME_SUMS")


@dataclass(frozen=True)
class Structure:
    """What of a point's values changes the code: rules, flags and the names of prepared values.

    Attributes
    ----------
    rules : tuple of (str, object)
        Injected rules and flags, sorted by name.
    fields : tuple of tuple of str
        Prepared names of each part.
    """

    rules: tuple[tuple[str, Any], ...]
    fields: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Stack:
    """The classes of one container: a strategy, its filters, risk, broker and portfolio.

    Parameters
    ----------
    strategy : type of Strategy
    filters : tuple of types of Filter
        Applied in this order.
    risk, broker, portfolio : type

    Notes
    -----
    A point is one row of floats: all parameters of all parts, in the order of `columns`. The strategy's
    parameters keep their own names; the others are ``risk.stop_loss_frac`` and so on, a filter's by its
    registered name, with ``#2`` for a second one of the same class.
    """

    strategy: type[Any]
    filters: tuple[type[Any], ...] = ()
    risk: type[Any] = RiskManager
    broker: type[Any] = SimulatedBroker
    portfolio: type[Any] = Portfolio
    _modules: dict[Any, ModuleType] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def classes(self) -> tuple[tuple[str, type[Any]], ...]:
        """(key, class) of each part, in order."""
        return (
            ("strategy", self.strategy),
            *((f"filter{k}", cls) for k, cls in enumerate(self.filters)),
            ("risk", self.risk),
            ("broker", self.broker),
            ("portfolio", self.portfolio),
        )

    @cached_property
    def prefixes(self) -> tuple[str, ...]:
        """How each part's parameters are addressed: '' for the strategy, 'risk.' and so on."""
        seen: dict[str, int] = {}
        names = [""]
        for cls in self.filters:
            label = cls.label()
            seen[label] = seen.get(label, 0) + 1
            names.append(f"{label}{f'#{seen[label]}' if seen[label] > 1 else ''}.")
        return (*names, "risk.", "broker.", "portfolio.")

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Full names of all parameters, in the order of a point's row."""
        return tuple(
            f"{prefix}{name}"
            for prefix, (_, cls) in zip(self.prefixes, self.classes, strict=True)
            for name in cls.parameters
        )

    @cached_property
    def spans(self) -> tuple[slice, ...]:
        """Each part's columns."""
        ends = np.cumsum([0, *(len(cls.parameters) for _, cls in self.classes)])
        return tuple(slice(int(a), int(b)) for a, b in pairwise(ends))

    def vector(self, settings: Mapping[str, Any] | None = None) -> Floats:
        """Return one point as a row of floats.

        Parameters
        ----------
        settings : mapping
            Values by full name; the rest take their defaults.

        Raises
        ------
        ConfigError
            Unknown name, value out of bounds, constraint broken.
        """
        settings = dict(settings or {})
        row: list[float] = []
        for prefix, (_, cls) in zip(self.prefixes, self.classes, strict=True):
            own = {n: settings.pop(prefix + n) for n in cls.parameters if prefix + n in settings}
            row += cls.encode(cls.check(own))
        for name in settings:
            have = ", ".join(self.strategy.parameters)
            hint = closest(name, self.columns) or f"; the strategy has {have}"
            raise ConfigError(f"{self.strategy.label()}.{name}: no such parameter{hint}")
        return np.array(row)

    def values(self, points: Sequence[Mapping[str, Any]]) -> Floats:
        """Return points as rows of floats, shape (n_points, n_columns)."""
        return np.array([self.vector(point) for point in points]).reshape(len(points), len(self.columns))

    def decode(self, row: Floats) -> dict[str, Any]:
        """Return a row as values by full name."""
        out: dict[str, Any] = {}
        for prefix, (_, cls), span in zip(self.prefixes, self.classes, self.spans, strict=True):
            out.update({prefix + k: v for k, v in vars(cls.decode(row[span])).items()})
        return out

    def part_values(self, row: Floats) -> list[SimpleNamespace]:
        """Return a row as one namespace of values per part."""
        return [cls.decode(row[span]) for (_, cls), span in zip(self.classes, self.spans, strict=True)]

    def structure(self, row: Floats) -> Structure:
        """Return what of the row's values changes the code."""
        rules: dict[str, Any] = {}
        fields = []
        for (key, cls), p in zip(self.classes, self.part_values(row), strict=True):
            if hasattr(cls, "rules"):
                rules.update(cls.rules(p))
            if key == "strategy" and cls.fit is not None:
                fields.append(tuple(cls.fields))
            else:
                fields.append(tuple(prepared(cls, TracedBars(Graph()), p)))
        return Structure(tuple(sorted(rules.items())), tuple(fields))

    def groups(self, values: Floats) -> dict[Structure, NDArray[np.intp]]:
        """Return the points' indices by structure, in order."""
        first = self.structure(values[0])
        varying = [c for c in range(values.shape[1]) if (values[:, c] != values[0, c]).any()]
        strategy = self.spans[0]
        shaping = [c for c in varying if not strategy.start <= c < strategy.stop]
        if not shaping:
            return {first: np.arange(len(values))}
        _, places, inverse = np.unique(values[:, shaping], axis=0, return_index=True, return_inverse=True)
        found = [self.structure(values[i]) for i in places]
        groups: dict[Structure, list[NDArray[np.intp]]] = {}
        for k, structure in enumerate(found):
            groups.setdefault(structure, []).append(np.flatnonzero(inverse.ravel() == k))
        return {structure: np.sort(np.concatenate(parts)) for structure, parts in groups.items()}

    def memory(self) -> Floats:
        """Return the initial memories of strategy and filters, shape (1, n)."""
        ruled = [cls.memory for key, cls in self.classes if key == "strategy" or key.startswith("filter")]
        return np.array([[float(x) for memory in ruled for x in memory]]).reshape(1, -1)

    def compile(self, structure: Structure, **flags: bool) -> ModuleType:
        """Return the stack's compiled module: `sweep` and the replay's entry points.

        Parameters
        ----------
        structure : Structure
        **flags
            SINGLE, GAPS, CLOSES, TAIL.

        Raises
        ------
        ComponentError
            A rule does not compile.
        """
        key = (structure, tuple(sorted(flags.items())))
        if key not in self._modules:
            self._modules[key] = self._compile(structure, flags)
        return self._modules[key]

    def _compile(self, structure: Structure, flags: Mapping[str, bool]) -> ModuleType:
        parts = [
            Part(key, cls, fields) for (key, cls), fields in zip(self.classes, structure.fields, strict=True)
        ]
        names: dict[str, Any] = {}
        for source in (state, accounting, costs, moments, metrics, protection, regimes):
            names.update(
                {
                    n: v
                    for n, v in vars(source).items()
                    if not n.startswith("__") and not isinstance(v, ModuleType) and n != "annotations"
                }
            )
        for name in (*METRIC_NAMES, "Any", "NamedTuple", "kernel", "rule", "REASONS"):
            names.pop(name, None)
        # not in the loop over bars, and the same for every stack: compiled once on a machine
        types = (moments.Moments, state.Account)
        names.update({name: cached(names[name], *types) for name in SHARED_KERNELS})
        names.update(structure.rules)
        names.update(flags)
        names["CLOSES"] = flags["CLOSES"] or names["SESSIONS"]
        names["EVERY"] = flags["GAPS"] or names["CARRY"]
        names.update({f"rule_{part.key}": part.rule for part in parts if part.rule is not None})
        names.update(rule=rule, KERNEL=KERNEL_OPTIONS, INNER=INNER_KERNEL_OPTIONS)
        return load_module("stack", generate(parts) + template(), names)


def prepared(cls: type[Any], bars: Any, p: Any) -> dict[str, Any]:
    """Return what a component prepares, by name.

    Raises
    ------
    ComponentError
        `prepare` fails or returns anything but a dict.
    """
    if cls.prepare is None:
        return {}
    found = asked(f"{cls.label()}.prepare", cls.prepare, bars, p)
    if not isinstance(found, Mapping):
        raise ComponentError(
            f"{cls.label()}.prepare: must return a dict of names to indicators, found "
            f"{type(found).__name__}; return {{'name': indicator}}"
        )
    for name in found:
        if not (isinstance(name, str) and name.isidentifier()) or iskeyword(name) or name.startswith("_"):
            raise ComponentError(
                f"{cls.label()}.prepare: must name its values as rules can read them, found {name!r}; "
                "choose a plain word"
            )
    return dict(found)


def template() -> str:
    """Return the text every stack shares."""
    folder = resources.files("admf_ray.engine") / "template"
    return "\n\n".join(
        (folder / f"{name}.py").read_text() for name in ("fills", "orders", "one", "many", "sweep", "replay")
    )
