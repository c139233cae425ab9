"""What containers share: the same values, made so that writing to them raises."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Set
from typing import Any

import numpy as np

from admf_ray.engine.container.constant import CONSTANT, is_constant
from admf_ray.errors import ComponentError, closest
from admf_ray.market.bars import Bars

__all__ = ["Frozen", "ReadOnly", "freeze"]


class Frozen(Mapping[str, Any]):
    """A mapping that cannot be written and reads as attribute and as key.

    Parameters
    ----------
    values : mapping
        Frozen in depth by `freeze`.
    where : str
        Who speaks in error messages.

    Notes
    -----
    A key that is also a method of mappings (``items``, ``keys``, ``values``, ``get``) reads as key only.

    Examples
    --------
    >>> config = freeze({"name": "trend", "costs": {"commission_frac": 0.001}})
    >>> config.costs.commission_frac == config["costs"]["commission_frac"]
    True
    """

    __slots__ = ("_values", "_where")
    _values: dict[Any, Any]
    _where: str

    def __init__(
        self, values: Mapping[Any, Any], where: str = "config", _inside: tuple[int, ...] = ()
    ) -> None:
        inside = _inside or (id(values),)
        frozen = {key: _freeze(value, f"{where}.{key}", inside) for key, value in values.items()}
        object.__setattr__(self, "_values", frozen)
        object.__setattr__(self, "_where", where)

    def __getitem__(self, key: Any) -> Any:
        return self._values[key]

    def __getattr__(self, name: str) -> Any:
        # names of the object protocol (copying, pickling, numpy) are asked for before there are values
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            have = ", ".join(map(str, self._values)) or "none"
            raise AttributeError(
                f"{self._where}: no key '{name}', has {have}{closest(name, map(str, self._values))}"
            ) from None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *map(str, self._values)]

    def __repr__(self) -> str:
        return f"Frozen({dict(self._values)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Frozen, (dict(self._values), self._where)

    def __setattr__(self, name: str, value: object) -> None:
        raise _refusal(self._where, f"setting {name}")

    def __delattr__(self, name: str) -> None:
        raise _refusal(self._where, f"deleting {name}")

    def __setitem__(self, key: object, value: object) -> None:
        raise _refusal(self._where, f"setting {key}")

    def __delitem__(self, key: object) -> None:
        raise _refusal(self._where, f"deleting {key}")


class ReadOnly:
    """Stands before an object of any class; what is read through it is frozen, writing raises.

    Notes
    -----
    Methods run on the object itself: one that changes its own object still does, and so does whoever holds
    the object itself. Operators (``+``, ``<``) and ``isinstance`` do not reach through; indexing, iteration,
    ``len``, ``in`` and calling do.
    """

    # no __dict__: there is nothing else to write to
    __slots__ = ("_target", "_where")
    _target: Any
    _where: str

    def __init__(self, target: Any, where: str) -> None:
        object.__setattr__(self, "_target", target)
        object.__setattr__(self, "_where", where)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._target, name)
        if isinstance(value, types.MethodType | types.BuiltinMethodType | types.MethodWrapperType):
            return value
        return freeze(value, f"{self._where}.{name}")

    def __getitem__(self, key: Any) -> Any:
        return freeze(self._target[key], f"{self._where}[{key!r}]")

    def __iter__(self) -> Iterator[Any]:
        return (freeze(item, self._where) for item in self._target)

    def __len__(self) -> int:
        return len(self._target)

    def __bool__(self) -> bool:
        return bool(self._target)

    def __contains__(self, item: object) -> bool:
        return item in self._target

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the object itself."""
        return self._target(*arguments, **named)

    def __repr__(self) -> str:
        return f"ReadOnly({self._target!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return ReadOnly, (self._target, self._where)

    def __setattr__(self, name: str, value: object) -> None:
        raise _refusal(self._where, f"setting {name}")

    def __delattr__(self, name: str) -> None:
        raise _refusal(self._where, f"deleting {name}")

    def __setitem__(self, key: object, value: object) -> None:
        raise _refusal(self._where, f"setting [{key!r}]")

    def __delitem__(self, key: object) -> None:
        raise _refusal(self._where, f"deleting [{key!r}]")


# Bars freeze themselves; looking again in every container would cost more than the container
_SHARED_ALREADY = (Frozen, ReadOnly, Bars, *CONSTANT)


def freeze(value: Any, where: str = "config") -> Any:
    """Return a value that containers may share.

    Parameters
    ----------
    value : object
    where : str
        Who speaks in error messages.

    Returns
    -------
    object
        Numbers, text, functions and the like, `Bars`, and frozen dataclasses and pydantic models all of
        whose fields are unchangeable: themselves. Arrays: a read-only view; a writable array is copied
        first, or its owner could still write. Mappings: `Frozen`. Lists and tuples: tuples. Sets:
        frozensets. All of these in depth. Anything else: `ReadOnly`.

    Raises
    ------
    ComponentError
        A container that contains itself, or an array of Python objects.

    Notes
    -----
    Freezing the frozen costs nothing, so freeze large things once and register the result in each container.
    This stops mistakes, not sabotage: who owns a read-only array's memory can make it writable again.
    """
    return _freeze(value, where, ())


def _freeze(value: Any, where: str, inside: tuple[int, ...]) -> Any:
    if isinstance(value, _SHARED_ALREADY):
        return value
    if isinstance(value, np.ndarray):
        return _frozen_array(value, where)
    if id(value) in inside:
        raise ComponentError(
            f"{where}: a shared value must be a tree, found one that holds itself; cut the loop"
        )
    inside = (*inside, id(value))
    if isinstance(value, Mapping):
        return Frozen(value, where, inside)
    if isinstance(value, list | tuple):
        items = [_freeze(item, f"{where}[{k}]", inside) for k, item in enumerate(value)]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, Set):
        return frozenset(_freeze(item, where, inside) for item in value)
    if isinstance(value, bytearray):
        return bytes(value)
    return value if is_constant(value) else ReadOnly(value, where)


def _frozen_array(array: np.ndarray[Any, Any], where: str) -> np.ndarray[Any, Any]:
    if array.dtype.hasobject:
        raise ComponentError(
            f"{where}: a shared array must hold numbers, found Python objects; convert it to a numeric type"
        )
    if array.flags.writeable:
        array = array.copy()
        array.setflags(write=False)
    return array.view()


def _refusal(where: str, action: str) -> ComponentError:
    return ComponentError(
        f"{where}: shared services are read-only, found {action}; keep state in your component"
    )
