"""The whole pipeline as configured."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from admf_ray.config.analysis import AnalysisConfig
from admf_ray.config.base import Model, Name, plain, refuse, shown
from admf_ray.config.mining import MiningConfig
from admf_ray.config.scalars import parse_bytes
from admf_ray.config.validation import TestPhaseConfig
from admf_ray.config.yaml import Document

__all__ = ["ContainerSettings", "PipelineConfig"]


def _bytes(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        refuse(f"must be a size, found {shown(value)}; write 512MB or 1GiB")
    try:
        return parse_bytes(value)
    except ValueError as error:
        refuse(f"{error}, found {shown(value)}; write 512MB or 1GiB")


def _folder_name(value: str) -> str:
    if value.startswith(".") or any(one in "/\\:" or not one.isprintable() for one in value):
        refuse(f"must be the name of a folder, found {shown(value)}; leave out /, \\, : and a dot in front")
    return value


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


class ContainerSettings(Model):
    """Limits of containers."""

    max_concurrent_containers: int = Field(default=100, ge=1)
    """Cap over the whole cluster, not a target."""
    memory_limit_per_container: (
        Annotated[int, BeforeValidator(_bytes, json_schema_input_type=int | str)] | None
    ) = None
    """Growth above the worker's own baseline, in bytes or as 512MB; no limit when left out."""
    container_pool_size: int = Field(default=10, ge=0)
    """Component stacks built and compiled ahead."""
    teardown_timeout: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    """Seconds, then the actor is killed."""


class PipelineConfig(Model):
    """A strategy development pipeline: three phases and their settings.

    Notes
    -----
    Frozen; each part reads as attribute and as key: ``config.phase_1_mining["data"].source``. Pickles
    with its origins, so that later errors still name the line.
    """

    name: Annotated[Name, AfterValidator(_folder_name)]
    """Title and run folder; no part of a result's identity."""
    strategies: Annotated[
        tuple[Name, ...], BeforeValidator(_one_or_more, json_schema_input_type=str | tuple[str, ...])
    ] = ()
    """A file with own strategies, or a list: relative to the working directory, or ``pyarrow.fs`` URIs."""
    container_settings: ContainerSettings = Field(default_factory=ContainerSettings)
    """Limits of containers."""
    phase_1_mining: MiningConfig
    """Decomposition and mining, on training data."""
    phase_2_analysis: AnalysisConfig | None = None
    """Analysis and exploration, on training data."""
    phase_3_test: TestPhaseConfig | None = None
    """Recomposition and validation, on test data."""

    _document: Document | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _phases_fit(self) -> PipelineConfig:
        test = self.phase_3_test
        if test is None:
            return self
        if self.phase_2_analysis is None:
            for one in test.test_strategies:
                if one.kind == "discovered":
                    refuse(
                        f"must be there where '{one.name}' is tested, found nothing; add it",
                        "phase_2_analysis",
                    )
        trained, tested = self.phase_1_mining.data, test.data
        apart = trained.symbols and tested.symbols and not set(trained.symbols) & set(tested.symbols)
        if trained.source == tested.source and not apart:
            last, first = trained.span[1], tested.span[0]
            if last is None or first is None or first <= last:
                refuse(
                    "must begin after the training data, found the same source "
                    f"from {tested.start or 'its beginning'} after training to {trained.end or 'its end'}; "
                    "set phase_1_mining.data.end and phase_3_test.data.start",
                    "phase_3_test.data",
                )
        return self

    def place(self, path: str) -> str:
        """Return ``file:line path`` of a key path, or the path alone for a configuration made in Python."""
        return path if self._document is None else self._document.place(path)

    def to_dict(self) -> dict[str, Any]:
        """Return the resolved configuration as plain data, defaults included; it can be loaded again."""
        return {"pipeline": plain(self)}
