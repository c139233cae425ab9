"""A component's parameters: what may be set, within which bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from admf_ray.errors import ComponentError, ConfigError, closest

__all__ = ["Choice", "Param", "Parameter", "ServiceName", "parameters_text"]


@dataclass(frozen=True)
class Param:
    """A number that a component takes.

    Parameters
    ----------
    default : int or float
        An int makes the parameter whole-numbered.
    low, high : float
        Inclusive bounds.
    help : str
        One line for `admf-ray components`.
    """

    default: float
    low: float = -math.inf
    high: float = math.inf
    help: str = ""

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are accepted."""
        return isinstance(self.default, int)

    def check(self, where: str, value: Any) -> float:
        """Return `value` as this parameter's number.

        Raises
        ------
        ConfigError
            Not a number, not whole, or outside the bounds.
        """
        found = value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            try:
                value = float(value) if not isinstance(value, bool) else math.nan
            except (TypeError, ValueError):
                value = math.nan
        if not math.isfinite(value):
            raise ConfigError(f"{where}: must be a finite number, found {found!r}; give a number")
        if self.whole and value != int(value):
            raise ConfigError(f"{where}: must be a whole number, found {value!r}; round it")
        if not self.low <= value <= self.high:
            raise ConfigError(
                f"{where}: must be within [{self.low:g}, {self.high:g}], found {value:g}; choose one inside"
            )
        return int(value) if self.whole else float(value)

    def encode(self, value: Any) -> float:
        """Return the value as the float that compiled rules see."""
        return float(value)

    def decode(self, code: float) -> Any:
        """Return the value of a float that compiled rules see."""
        return int(code) if self.whole else float(code)


@dataclass(frozen=True)
class Choice:
    """One of a few words; compiled rules see its index.

    Parameters
    ----------
    default : str
    options : tuple of str
    help : str
        One line for `admf-ray components`.
    """

    default: str
    options: tuple[str, ...]
    help: str = ""

    def check(self, where: str, value: Any) -> str:
        """Return `value` if it is one of the options.

        Raises
        ------
        ConfigError
            Anything else.
        """
        if value not in self.options:
            raise ConfigError(
                f"{where}: must be one of {', '.join(self.options)}, found {value!r}"
                f"{closest(str(value), self.options) or '; choose one of them'}"
            )
        return str(value)

    def encode(self, value: str) -> float:
        """Return the option's index."""
        return float(self.options.index(value))

    def decode(self, code: float) -> str:
        """Return the option of an index."""
        return self.options[int(code)]


@dataclass(frozen=True)
class ServiceName:
    """Name of a service or component of the same container; what it names is initialised first.

    Parameters
    ----------
    default : str
    help : str
        One line for `admf-ray components`.
    """

    default: str
    help: str = ""

    def check(self, where: str, value: Any) -> str:
        """Return `value` if it is a name.

        Raises
        ------
        ConfigError
            Anything else.
        """
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{where}: must name a service or component, found {value!r}; give its name")
        return value

    def encode(self, value: str) -> float:
        """Refuse: a name is no number, so a class with one cannot be part of a compiled stack."""
        raise ComponentError(
            f"service '{value}': compiled rules see numbers only, found a name; use a handler"
        )

    def decode(self, code: float) -> str:
        """Refuse, as `encode` does."""
        raise ComponentError(
            f"service: compiled rules see numbers only, found {code!r} for a name; use a handler"
        )


Parameter = Param | Choice | ServiceName


def parameters_text(values: Mapping[str, Any], *, own: bool = False, names: bool = True) -> str:
    """Return a point's parameters as a user reads them, ``fast=5, slow=40``; 5.0 is written 5.

    Parameters
    ----------
    values : mapping
    own : bool
        The strategy's alone, without its filters', risk manager's and so on (``risk.stop_loss_frac``).
    names : bool
        Whether names stand before the values.
    """
    shown = {
        name: str(value).removesuffix(".0") for name, value in values.items() if not own or "." not in name
    }
    return ", ".join(f"{name}={value}" if names else value for name, value in shown.items())
