"""What every configuration model is: frozen, closed, read as attribute and as key."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, NoReturn, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from admf_ray.errors import closest

__all__ = ["Flag", "FrozenDict", "Listed", "Model", "Name", "Settings", "plain", "refuse", "shown"]


class FrozenDict(dict[str, Any]):
    """A dict that cannot be changed; hashable by nothing, picklable, equal to a dict of the same items."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a configuration cannot be changed; load another with overrides")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return (FrozenDict, (dict(self),))


def frozen(value: Any) -> Any:
    """Return plain data with its dicts frozen and its lists as tuples."""
    if isinstance(value, Mapping):
        return FrozenDict({key: frozen(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(frozen(item) for item in value)
    return value


def shown(value: Any) -> str:
    """Return a found value for an error message."""
    if value is None:
        return "nothing"
    if isinstance(value, (Mapping, BaseModel)):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def refuse(rule: str, key: str | None = None) -> NoReturn:
    """Raise a broken rule within a validator; `key` names the key below the model that broke it.

    Raises
    ------
    PydanticCustomError
        Always.
    """
    raise PydanticCustomError("rule", "{rule}", {"rule": rule, "key": key})


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _must_hold(value: bool) -> bool:
    if not value:
        refuse("must be true, found false; every scope is fresh and torn down, remove the key")
    return value


Listed = BeforeValidator(_as_tuple)
"""Accepts a YAML list where a tuple is wanted."""

Settings = Annotated[Mapping[str, Any], AfterValidator(frozen)]
"""Free keys, checked by whoever knows them."""

Flag = Annotated[bool, AfterValidator(_must_hold), Field(json_schema_extra={"const": True})]
"""A promise of the specification that cannot be switched off."""

Name = Annotated[str, Field(min_length=1, max_length=200)]


class Model(BaseModel):
    """A mapping of known keys.

    Raises
    ------
    pydantic.ValidationError
        For unknown keys, wrong types or broken rules; `problems` turns it into one line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    def __getitem__(self, key: str) -> Any:
        """Return a value by its YAML key.

        Raises
        ------
        KeyError
            There is no such key.
        """
        for name, field in type(self).model_fields.items():
            if key == (field.alias or name):
                return getattr(self, name)
        raise KeyError(key)

    @classmethod
    def keys_known(cls) -> list[str]:
        """Return the YAML keys."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, raw: Any) -> Any:
        if isinstance(raw, cls):
            return raw
        known = cls.keys_known()
        if not isinstance(raw, Mapping):
            refuse(f"must be a mapping of keys, found {shown(raw)}; known: {', '.join(known)}")
        for key in raw:
            if key not in known:
                hint = closest(str(key), known) or f"; known: {', '.join(known)}"
                refuse(f"unknown key{hint}", str(key))
        return raw


def plain(value: Any) -> Any:
    """Return a configuration as plain dicts and lists, defaults included, unset keys left out.

    Parameters
    ----------
    value : Model, mapping, tuple or scalar

    Returns
    -------
    dict, list or scalar
        With the YAML's own keys, so that it can be loaded again.
    """
    if isinstance(value, Model):
        fields = type(value).model_fields.items()
        items = ((field.alias or name, getattr(value, name)) for name, field in fields)
        return {key: plain(item) for key, item in items if item is not None}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def model_within(annotation: Any) -> type[Model] | None:
    """Return the model that an annotation holds, if any."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    if get_origin(annotation) in (Union, UnionType, Annotated, tuple):
        for part in get_args(annotation):
            found = model_within(part)
            if found is not None:
                return found
    return None
