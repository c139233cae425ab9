"""What every component is: named parameters, prepared values, rules, memory."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

from numba.core.dispatcher import Dispatcher

from admf_ray.errors import ComponentError, ConfigError, closest
from admf_ray.rules.compile import rule
from admf_ray.space.constraints import check_constraint
from admf_ray.space.parameters import Parameter

__all__ = ["Component", "Filter", "Strategy"]

DECIDE_ARGUMENTS = ("now", "prev", "held", "p", "memory")
ADMIT_ARGUMENTS = ("weight", *DECIDE_ARGUMENTS)


class Component:
    """A part of a container: its parameters are class attributes, its values belong to one instance.

    Parameters
    ----------
    **values
        Parameter values by name; the rest take their defaults.

    Raises
    ------
    ConfigError
        Unknown parameter, value out of bounds, constraint broken.

    Notes
    -----
    In a container, the components and services that `requires` and `ServiceName` parameters name are ready
    before this one. A component may define ``initialize(container)``, called once when its turn comes, and
    ``teardown()``, called once at the end whatever happened, also when its own ``initialize`` raised.
    """

    kind: ClassVar[str] = "component"
    name: ClassVar[str] = ""
    parameters: ClassVar[Mapping[str, Parameter]] = {}
    constraints: ClassVar[tuple[str, ...]] = ()
    memory: ClassVar[tuple[float, ...]] = ()
    requires: ClassVar[tuple[str, ...]] = ()
    container_id: str = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        found: dict[str, Parameter] = dict(cls.parameters)
        found.update({k: v for k, v in vars(cls).items() if isinstance(v, Parameter)})
        cls.parameters = found
        for rule_name, allowed in (("decide", DECIDE_ARGUMENTS), ("admit", ADMIT_ARGUMENTS)):
            if vars(cls).get(rule_name) is not None:
                setattr(cls, rule_name, staticmethod(_as_rule(cls, rule_name, allowed)))
        for plain in ("prepare", "fit"):
            if inspect.isfunction(vars(cls).get(plain)):
                setattr(cls, plain, staticmethod(vars(cls)[plain]))

    def __init__(self, **values: Any) -> None:
        self.values = self.check(values)
        for key, value in self.values.items():
            setattr(self, key, value)

    @classmethod
    def label(cls) -> str:
        """Return the registered name, or the class's own."""
        # not an inherited name: a subclass is another component than its parent
        return vars(cls).get("name") or cls.__name__

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return all parameters with the given values checked and the rest at their defaults.

        Raises
        ------
        ConfigError
            Unknown parameter, value out of bounds, constraint broken.
        """
        for key in values:
            if key not in cls.parameters:
                have = ", ".join(cls.parameters) or "none"
                raise ConfigError(
                    f"{cls.label()}.{key}: no such parameter, has {have}"
                    f"{closest(key, cls.parameters) or '; remove it'}"
                )
        checked = {
            key: param.check(f"{cls.label()}.{key}", values.get(key, param.default))
            for key, param in cls.parameters.items()
        }
        for constraint in cls.constraints:
            check_constraint(cls.label(), constraint, checked)
        return checked

    @classmethod
    def encode(cls, values: Mapping[str, Any]) -> list[float]:
        """Return checked values as the floats that compiled rules see, in the order of `parameters`."""
        return [param.encode(values[key]) for key, param in cls.parameters.items()]

    @classmethod
    def decode(cls, codes: Any) -> SimpleNamespace:
        """Return the floats of compiled rules as values by name."""
        return SimpleNamespace(
            **{
                key: param.decode(code)
                for (key, param), code in zip(cls.parameters.items(), codes, strict=True)
            }
        )

    # a component that looks at the market overrides this as ``prepare(bars, p)``
    prepare: ClassVar[Any] = None


class Strategy(Component):
    """Decides, bar by bar, the weight it wants to hold: -1 fully short, 0 flat, 1 fully long.

    Write either compiled rules::

        @register("my_cross")
        class MyCross(Strategy):
            "Long while the fast mean is above the slow one."
            fast = Param(10, low=2, high=100)
            slow = Param(30, low=5, high=400)
            constraints = ("fast < slow",)

            def prepare(bars, p):
                return {"fast": sma(bars.close, p.fast), "slow": sma(bars.close, p.slow)}

            def decide(now, p):
                return 1.0 if now.fast > now.slow else 0.0

    or a plain-Python handler ``on_bar(self, bar)`` that returns the weight (or None to keep it); it runs
    in replay only, at Python's speed.

    `decide` takes any of ``now`` (prepared values at this bar), ``prev`` (at the bar before), ``held``
    (qty, average, bars), ``p`` (parameters) and ``memory`` (a tuple of floats; then it returns
    ``weight, memory``). It sees nothing of the future because nothing else reaches it. A NaN weight
    keeps the last one. With ``fit(train, p)`` the strategy learns from each training window, and
    ``prepare(bars, p, fitted)`` gets a fresh copy of the result and plain arrays (n_bars,) instead of
    indicators to trace; it returns the arrays that the class attribute ``fields`` names.
    """

    kind = "strategy"
    decide: ClassVar[Any] = None
    fit: ClassVar[Any] = None
    fields: ClassVar[tuple[str, ...]] = ()
    warmup_bars: ClassVar[int | None] = None

    @classmethod
    def is_compiled(cls) -> bool:
        """Whether the strategy has a compiled `decide`; otherwise its `on_bar` runs in replay."""
        if cls.decide is None and not hasattr(cls, "on_bar"):
            raise ComponentError(
                f"strategy {cls.label()}: must have decide or on_bar, has neither; write one"
            )
        return cls.decide is not None and not hasattr(cls, "on_bar")


class Filter(Component):
    """Admits, scales or vetoes the weight a strategy wants: ``admit(weight, now, p)`` and so on."""

    kind = "filter"
    admit: ClassVar[Any] = None


def _as_rule(cls: type, rule_name: str, allowed: tuple[str, ...]) -> Dispatcher:
    function = vars(cls)[rule_name]
    if isinstance(function, staticmethod):
        function = function.__func__
    if isinstance(function, Dispatcher):
        function = function.py_func
    for argument in inspect.signature(function).parameters:
        if argument not in allowed:
            raise ComponentError(
                f"{cls.__name__}.{rule_name}: may take {', '.join(allowed)}, found '{argument}'"
                f"{closest(argument, allowed) or '; rename it'}"
            )
    return rule(function)
