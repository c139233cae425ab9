"""Phase 2 as configured: tools and experiments."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from admf_ray.config.base import Flag, FrozenDict, Listed, Model, Name, Settings, refuse
from admf_ray.config.components import NamedComponents

__all__ = [
    "AnalysisConfig",
    "AnalysisExecution",
    "ContainerInheritance",
    "ExperimentConfig",
    "Modifications",
    "Tool",
]

Tool = Literal[
    "parameter_sensitivity_heatmap",
    "return_distribution_clustering",
    "walk_forward_consistency",
    "regime_stability_analysis",
]
INHERITED: Final = "phase_1_mining.container_components"


class AnalysisExecution(Model):
    """How phase 2 is carried out."""

    orchestrator: Literal["AnalysisCoordinator"] = "AnalysisCoordinator"
    """The coordinator of this phase."""
    parallelism: Literal["process", "thread"] = "process"
    """As in phase 1."""
    container_per_experiment: Flag = True
    """Scopes are always fresh."""
    cleanup_after_each: Flag = True
    """Scopes are always torn down."""


class Modifications(Model):
    """What a variant has that its baseline has not."""

    add_filter: NamedComponents = ()
    """Filters appended: a registered name, a mapping with class and params, or a list of these."""
    replace_components: NamedComponents = ()
    """Components that take the place of those of the same kind, such as another risk manager."""
    remove_components: Annotated[tuple[Name, ...], Listed] = ()
    """Names of components left out."""
    params: Settings = Field(default_factory=FrozenDict)
    """Values by full name, such as risk.stop_loss_frac: 0.05."""
    grid: Settings = Field(default_factory=FrozenDict)
    """Further searched parameters by full name, written as in the parameter grid."""

    @model_validator(mode="after")
    def _something(self) -> Modifications:
        given = (self.add_filter, self.replace_components, self.remove_components, self.params, self.grid)
        if not any(given):
            known = ", ".join(self.keys_known())
            refuse(f"must change something, found nothing; give one of {known}")
        return self


class ContainerInheritance(Model):
    """Which stack the modifications are applied to."""

    inherit_from: Literal["phase_1_mining.container_components"] = INHERITED
    """Phase 1's stack."""


class ExperimentConfig(Model):
    """A hypothesis: the base strategy is better with the modifications than without."""

    name: Name
    """The hypothesis's name."""
    base_strategy: Name
    """A strategy of the parameter grid."""
    modifications: Modifications
    """What the variant changes."""
    container_config: ContainerInheritance = Field(default_factory=ContainerInheritance)
    """The stack it starts from."""


def _distinct_names(items: tuple[ExperimentConfig, ...]) -> tuple[ExperimentConfig, ...]:
    names = [one.name for one in items]
    for name in names:
        if names.count(name) > 1:
            refuse(f"each experiment must have its own name, found '{name}' twice; rename one")
    return items


def _distinct_tools(items: tuple[str, ...]) -> tuple[str, ...]:
    for one in items:
        if items.count(one) > 1:
            refuse(f"each tool must stand once, found '{one}' twice; remove one")
    return items


class AnalysisConfig(Model):
    """Phase 2: analysis and exploration, on training data."""

    execution: AnalysisExecution = Field(default_factory=AnalysisExecution)
    """How it is carried out."""
    tools: Annotated[tuple[Tool, ...], Listed, AfterValidator(_distinct_tools)] = ()
    """Those listed run, no others."""
    experiments: Annotated[tuple[ExperimentConfig, ...], Listed, AfterValidator(_distinct_names)] = ()
    """Hypotheses, tested as one family."""
    candidates: int = Field(default=50, ge=2, le=1_000)
    """Points looked at one by one: the best by robust score, and diverse ones."""
    finalists: int = Field(default=3, ge=1, le=20)
    """Points handed to phase 3; each more costs power there."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of samples and bootstraps."""
