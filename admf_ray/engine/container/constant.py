"""Which values nobody can write to."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import types
import uuid
from typing import Any

import numpy as np

__all__ = ["CONSTANT", "is_constant"]

CONSTANT: tuple[type[Any], ...] = (
    type(None), bool, int, float, complex, str, bytes, range, slice, type, np.generic, np.dtype, enum.Enum,
    pathlib.PurePath, decimal.Decimal, fractions.Fraction, uuid.UUID, datetime.date, datetime.time,
    datetime.timedelta, datetime.tzinfo, types.FunctionType, types.BuiltinFunctionType, types.ModuleType,
    np.ufunc,
)  # fmt: skip


def is_constant(value: Any) -> bool:
    """Whether nothing that can be reached from the value can be written."""
    if isinstance(value, CONSTANT):
        return True
    if isinstance(value, np.ndarray):
        return not value.flags.writeable and not value.dtype.hasobject
    if isinstance(value, types.MappingProxyType):
        return all(map(is_constant, value.values()))
    if isinstance(value, tuple | frozenset):
        return all(map(is_constant, value))
    if dataclasses.is_dataclass(value):
        settings: Any = getattr(value, "__dataclass_params__", None)
        return bool(settings.frozen) and all(
            is_constant(getattr(value, field.name)) for field in dataclasses.fields(value)
        )
    if getattr(type(value), "model_config", {}).get("frozen"):  # a pydantic model, without importing pydantic
        return all(is_constant(getattr(value, name)) for name in type(value).model_fields)
    return False
