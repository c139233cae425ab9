"""Where market data comes from, and what its files cannot say themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from admf_ray.config.base import FrozenDict, Model, Name, frozen, refuse, shown
from admf_ray.errors import ADMFError
from admf_ray.market import Instrument
from admf_ray.market.clock import check_zone, date_range

__all__ = ["Data", "DataConfig", "InstrumentConfig"]


def _day(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        refuse(f"must be a year, month or day, found {shown(value)}; write 2014, 2014-06 or 2014-06-30")
    try:
        date_range(str(value))
    except ADMFError as error:
        refuse(str(error).partition(": ")[2])
    return str(value)


def _zone(value: str) -> str:
    try:
        check_zone(value)
    except ADMFError as error:
        refuse(str(error).partition(": ")[2])
    return value


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Day = Annotated[str, BeforeValidator(_day, json_schema_input_type=int | str)]
Zone = Annotated[str, BeforeValidator(_zone)]


class InstrumentConfig(Model):
    """Facts about a symbol that prices do not carry."""

    multiplier: float = Field(default=1.0, gt=0)
    """Money gained per unit when the price rises by 1."""
    tick: float = Field(default=0.0, ge=0)
    """Smallest price step; 0 for continuous prices."""
    lot: float = Field(default=0.0, ge=0)
    """Smallest quantity step; 0 where fractions are allowed."""
    currency: Name = "USD"
    """What its profit is paid in."""


class DataConfig(Model):
    """A source of bars and how to read it; a path alone may stand in its place."""

    source: Name
    """Path relative to the working directory, a ``pyarrow.fs`` URI, or ``sample:NAME``."""
    stamp: Literal["open", "close", "date"] | None = None
    """What a bar's stamp means."""
    zone: Zone | None = None
    """The exchange's time zone, such as America/New_York."""
    adjusted: bool | None = None
    """Whether prices are scaled by the adjusted close, where there is one."""
    on_bad_rows: Literal["error", "drop", "forward_fill"] = "error"
    """What becomes of rows that break a rule."""
    symbols: (
        Annotated[
            tuple[Name, ...],
            BeforeValidator(_listed, json_schema_input_type=str | list[str]),
            Field(min_length=1),
        ]
        | None
    ) = None
    """Only these symbols."""
    start: Day | None = None
    """First local day, month or year."""
    end: Day | None = None
    """Last local day, month or year, included."""
    session_end: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    """HH:MM at which a date's bar closes."""
    symbol: Name | None = None
    """Name of the only symbol, where the source does not say it."""
    mixed_sessions: bool = False
    """Allows symbols whose sessions do not end together in one cross-section."""
    bars_per_year: float = Field(default=0.0, ge=0)
    """Annualisation factor; 0 estimates it from the training data."""
    min_bars: int = Field(default=1, ge=1)
    """Fewer bars of a symbol are an error."""
    splits: Literal["error", "warning"] = "warning"
    """How severe a split-like jump is."""
    instruments: Annotated[Mapping[str, InstrumentConfig], AfterValidator(frozen)] = Field(
        default_factory=FrozenDict
    )
    """Facts about symbols, by name."""

    @model_validator(mode="after")
    def _in_order(self) -> DataConfig:
        span = self.span
        if span[0] and span[1] and span[0] > span[1]:
            refuse(f"must not be before start, found {self.start} to {self.end}; swap them", "end")
        return self

    @property
    def span(self) -> tuple[date | None, date | None]:
        """First and last day asked for, None where open."""
        return (
            date_range(self.start)[0] if self.start else None,
            date_range(self.end)[1] if self.end else None,
        )

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of `load_bars`, beside its source."""
        options = {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name not in ("source", "instruments")
        }
        facts = {name: Instrument(name, **dict(one)) for name, one in self.instruments.items()}
        return options | {"instruments": facts or None}


def _as_data(value: Any) -> Any:
    if isinstance(value, str):
        return {"source": value}
    if value is None or isinstance(value, (bool, int, float, list)):
        refuse(f"must be a path, sample:NAME or a mapping with source, found {shown(value)}; name the data")
    return value


Data = Annotated[DataConfig, BeforeValidator(_as_data, json_schema_input_type=str | DataConfig)]
"""A path, or a mapping with `source`."""
