"""Walk-forward windows, as configured."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from admf_ray.config.base import Flag, Model, refuse, shown
from admf_ray.errors import ADMFError
from admf_ray.market import parse_length

__all__ = ["WalkForwardConfig", "WindowLength"]


def _length(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        refuse(f"must be bars or a calendar length, found {shown(value)}; write 252, 90D, 6M or 1Y")
    try:
        length = parse_length(value, "length")
    except ADMFError as error:
        refuse(str(error).removeprefix("length: "))
    return length.count if length.unit == "bars" else str(value).strip().upper()


WindowLength = Annotated[int | str, BeforeValidator(_length, json_schema_input_type=int | str)]
"""Bars, or a calendar length such as 6M."""


class WalkForwardConfig(Model):
    """How the training span is cut into windows."""

    enabled: bool = True
    """False: the one window `full`."""
    training_window: WindowLength | None = None
    """Bars or a calendar length."""
    test_window: WindowLength | None = None
    """Bars or a calendar length."""
    step_size: WindowLength | None = None
    """From one window to the next; the test window when left out."""
    mode: Literal["rolling", "anchored"] = "rolling"
    """Training windows of fixed length, or from the first bar on."""
    purge_bars: int = Field(default=0, ge=0)
    """Bars taken from the end of each training window."""
    embargo_bars: int = Field(default=0, ge=0)
    """Bars between training and test."""
    container_per_window: Flag = True
    """Scopes are always fresh."""

    @model_validator(mode="before")
    @classmethod
    def _step_defaults(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or raw.get("step_size") is not None or raw.get("test_window") is None:
            return raw
        try:
            return raw | {"step_size": _length(raw["test_window"])}
        except PydanticCustomError:
            return raw  # refused by its own key

    @model_validator(mode="after")
    def _complete(self) -> WalkForwardConfig:
        for key in ("training_window", "test_window"):
            if self.enabled and getattr(self, key) is None:
                refuse("must be given where walk_forward is enabled, found nothing; write 252 or 1Y", key)
        bars = self.training_window
        if isinstance(bars, int) and self.purge_bars >= bars:
            refuse(f"must be < training_window ({bars}), found {self.purge_bars}; purge fewer", "purge_bars")
        return self

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of `market.walk_forward`, beside its bars."""
        return {
            "training_window": self.training_window,
            "test_window": self.test_window,
            "step_size": self.step_size,
            "mode": self.mode,
            "purge_bars": self.purge_bars,
            "embargo_bars": self.embargo_bars,
        }
