"""One searched parameter: its values, exact in decimal, by position."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import ConfigError, closest
from admf_ray.space.parameters import Choice, Param

__all__ = ["Axis", "ListedValues", "SteppedValues", "parse_axis"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Spaced values keep this many significant digits; computed in decimal, they are the same on any processor.
SPACED_DIGITS = 12
MAX_LISTED = 1_000_000
MAX_SIZE = 2**53
_EXACT = Context(prec=60)
_FORMS = ("start", "stop", "step", "low", "high", "n", "scale", "values", "resolution")


@dataclass(frozen=True)
class SteppedValues:
    """start, start + step, … up to and including stop; never built.

    Parameters
    ----------
    start, step : Decimal
    size : int
        How many values.
    """

    start: Decimal
    step: Decimal
    size: int

    def value(self, k: int) -> float:
        """Return value `k`, the float nearest to its decimal."""
        return float(_EXACT.add(self.start, _EXACT.multiply(self.step, Decimal(k))))

    def at(self, positions: Integers) -> Floats:
        """Return the values at the positions, shape (n,)."""
        shift = max(0, -_exponent(self.start), -_exponent(self.step))
        first, step = int(self.start.scaleb(shift)), int(self.step.scaleb(shift))
        if shift <= 22 and abs(first) + abs(step) * self.size < 2**53:
            # both exact in float64, so the quotient is the float nearest to the decimal
            return np.asarray((first + step * positions).astype(np.float64) / float(10**shift))
        return np.array([self.value(int(k)) for k in positions], dtype=np.float64)

    def shifted(self, by: Decimal) -> SteppedValues:
        """Return all values moved by an exact decimal."""
        return replace(self, start=_EXACT.add(self.start, by))

    @property
    def largest(self) -> float:
        """Size of the value furthest from 0."""
        return max(abs(self.value(0)), abs(self.value(self.size - 1)))

    @property
    def gap(self) -> Decimal | None:
        """The step; None for a single value."""
        return abs(self.step) if self.size > 1 else None


@dataclass(frozen=True)
class ListedValues:
    """Values one by one, numbers or words.

    Parameters
    ----------
    values : tuple
    spaced : bool
        Computed between two ends; rounded and made distinct for a whole-numbered parameter.
    """

    values: tuple[Any, ...]
    spaced: bool = False

    @property
    def size(self) -> int:
        """How many values."""
        return len(self.values)

    @property
    def largest(self) -> float:
        """Size of the number furthest from 0."""
        return max(abs(float(value)) for value in self.values)

    @property
    def gap(self) -> Decimal | None:
        """The smallest distance between two numbers; None for words and single values."""
        if self.size < 2 or any(isinstance(v, str) for v in self.values):
            return None
        ordered = sorted(decimal(v) for v in self.values)
        return min(b - a for a, b in pairwise(ordered))


@dataclass(frozen=True)
class Axis:
    """A searched parameter and its values, in the order they were declared.

    Parameters
    ----------
    name : str
        Full name: the strategy's own ``fast``, or ``risk.stop_loss_frac``.
    values : SteppedValues or ListedValues
    resolution : Decimal or None
        Declared unit of the neighborhood.
    where : str
        What an error about it begins with.
    """

    name: str
    values: SteppedValues | ListedValues
    resolution: Decimal | None = None
    where: str = ""

    @property
    def size(self) -> int:
        """How many values."""
        return self.values.size

    def checked(self, param: Param | Choice) -> Axis:
        """Return the axis with its values as the parameter takes them.

        Raises
        ------
        ConfigError
            A value that the parameter does not take, or one that stands twice.
        """
        where = self.where or self.name
        if isinstance(param, Choice) and self.resolution is not None:
            raise ConfigError(f"{where}.resolution: must be left out, words have no neighbours; remove it")
        if isinstance(param, Param) and param.whole and self.resolution and self.resolution % 1:
            raise ConfigError(
                f"{where}.resolution: must be whole, as {self.name} is, found {self.resolution}; round it"
            )
        if isinstance(self.values, SteppedValues):
            if isinstance(param, Choice):
                raise ConfigError(
                    f"{where}: must be words among {', '.join(param.options)}, found a range; list them"
                )
            for k in (0, min(1, self.size - 1), self.size - 1):
                param.check(where, self.values.value(k))
            return self
        given = self.values.values
        if self.values.spaced and isinstance(param, Param) and param.whole:
            given = tuple(dict.fromkeys(round(value) for value in given))
        values = tuple(param.check(where, value) for value in given)
        seen: set[Any] = set()
        for value in values:
            if value in seen:
                raise ConfigError(f"{where}: must hold each value once, found {value!r} twice; remove one")
            seen.add(value)
        return replace(self, values=ListedValues(values))


def _exponent(number: Decimal) -> int:
    return int(number.normalize(_EXACT).as_tuple().exponent)


def decimal(value: Any) -> Decimal:
    """Return a number as the decimal it was written as."""
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def parse_axis(name: str, raw: Any, where: str) -> Axis:
    """Read the values of one parameter.

    Parameters
    ----------
    name : str
        Full name of the parameter.
    raw : object
        A value (fixed), a list, ``{start, stop, step}``, ``{low, high, n, scale: linear | log}`` or
        ``{values: [...]}``; the mappings also take ``resolution``.
    where : str
        What an error begins with.

    Raises
    ------
    ConfigError
        When it is none of these.

    Notes
    -----
    A stepped range includes its stop when the steps reach it exactly, in decimal. Spaced values
    (``low, high, n``) are rounded to 12 significant digits, those of a whole-numbered parameter to whole
    numbers, of which equal ones count once.

    Examples
    --------
    >>> axis = parse_axis("x", {"start": 0.1, "stop": 0.5, "step": 0.1}, "x")
    >>> axis.values.at(np.arange(axis.size))
    array([0.1, 0.2, 0.3, 0.4, 0.5])
    """
    if isinstance(raw, Mapping):
        for key in raw:
            if key not in _FORMS:
                hint = closest(str(key), _FORMS) or f"; known: {', '.join(_FORMS)}"
                raise ConfigError(f"{where}.{key}: unknown key{hint}")
        resolution = None
        if raw.get("resolution") is not None:
            resolution = _number(f"{where}.resolution", raw["resolution"])
            if resolution <= 0:
                raise ConfigError(f"{where}.resolution: must be > 0, found {resolution}; raise it")
        return Axis(name, _mapping(raw, where), resolution, where)
    if isinstance(raw, (list, tuple)):
        return Axis(name, _listed(raw, where), None, where)
    return Axis(name, ListedValues((_plain(where, raw),)), None, where)


def _mapping(raw: Mapping[str, Any], where: str) -> SteppedValues | ListedValues:
    given = set(raw) - {"resolution"}
    if given == {"values"}:
        if not isinstance(raw["values"], (list, tuple)):
            raise ConfigError(f"{where}.values: must be a list, found {raw['values']!r}; write [...]")
        return _listed(raw["values"], f"{where}.values")
    if given == {"start", "stop", "step"}:
        return _stepped(*(_number(f"{where}.{k}", raw[k]) for k in ("start", "stop", "step")), where=where)
    if given in ({"low", "high", "n"}, {"low", "high", "n", "scale"}):
        low, high = _number(f"{where}.low", raw["low"]), _number(f"{where}.high", raw["high"])
        return _spaced(low, high, raw["n"], raw.get("scale", "linear"), where)
    raise ConfigError(
        f"{where}: must have start, stop, step or low, high, n or values, found "
        f"{', '.join(raw) or 'nothing'}; write one of these forms"
    )


def _listed(raw: Sequence[Any], where: str) -> ListedValues:
    if not raw:
        raise ConfigError(f"{where}: must hold at least one value, found an empty list; add one")
    if len(raw) > MAX_LISTED:
        raise ConfigError(
            f"{where}: must hold at most {MAX_LISTED:,} values, found {len(raw):,}; write a range"
        )
    return ListedValues(tuple(_plain(where, value) for value in raw))


def _stepped(start: Decimal, stop: Decimal, step: Decimal, *, where: str) -> SteppedValues:
    if step == 0:
        raise ConfigError(f"{where}.step: must not be 0; choose the distance between two values")
    span = (stop - start) / step
    if span < 0:
        raise ConfigError(
            f"{where}: must run from start to stop, found {start} to {stop} by {step}; swap them"
        )
    count = _EXACT.divide(stop - start, step).to_integral_value(ROUND_FLOOR)
    if count >= MAX_SIZE:
        raise ConfigError(f"{where}.step: must leave fewer than 2^53 values, found {count:.3g}; widen it")
    return SteppedValues(start, step, int(count) + 1)


def _spaced(low: Decimal, high: Decimal, n: Any, scale: Any, where: str) -> ListedValues:
    if scale not in ("linear", "log"):
        raise ConfigError(
            f"{where}.scale: must be linear or log, found {scale!r}"
            f"{closest(str(scale), ('linear', 'log')) or '; choose one'}"
        )
    if isinstance(n, bool) or not isinstance(n, int) or not 2 <= n <= MAX_LISTED:
        raise ConfigError(
            f"{where}.n: must be a whole number from 2 to {MAX_LISTED:,}, found {n!r}; correct it"
        )
    if not low < high:
        raise ConfigError(f"{where}: must have low < high, found {low} and {high}; swap them")
    if scale == "log" and low <= 0:
        raise ConfigError(f"{where}.low: must be > 0 on a log scale, found {low}; raise it")
    context, digits = Context(prec=40), Context(prec=SPACED_DIGITS, rounding=ROUND_HALF_EVEN)
    values = [low]
    for k in range(1, n - 1):
        share = context.divide(Decimal(k), Decimal(n - 1))
        if scale == "log":
            ratio = context.power(context.divide(high, low), share)
            values.append(digits.plus(context.multiply(low, ratio)))
        else:
            values.append(digits.plus(context.add(low, context.multiply(high - low, share))))
    values.append(high)
    return ListedValues(tuple(_native(value) for value in values), spaced=True)


def _native(value: Decimal) -> float:
    return int(value) if value == value.to_integral_value() else float(value)


def _number(where: str, raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not math.isfinite(raw):
        raise ConfigError(f"{where}: must be a number, found {raw!r}; write one")
    if raw and not 1e-30 < abs(raw) < 1e30:
        raise ConfigError(f"{where}: must lie between 1e-30 and 1e30 in size, found {raw!r}; rescale it")
    return Decimal(repr(raw))


def _plain(where: str, raw: Any) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        shown = "nothing" if raw is None else repr(raw)[:60]
        raise ConfigError(f"{where}: must be numbers or words, found {shown}; list the values to try")
    return raw
