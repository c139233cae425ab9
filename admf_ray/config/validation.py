"""Phase 3 as configured: once, on data never seen."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from admf_ray.config.base import FrozenDict, Listed, Model, Name, Settings, refuse
from admf_ray.config.components import Components
from admf_ray.config.data import Data

__all__ = [
    "FinalSelection",
    "SelectionWeights",
    "TestExecution",
    "TestPhaseConfig",
    "TestStrategyConfig",
    "ValidationConfig",
]

_KINDS = {
    "baseline_adaptive": "adaptive",
    "enhanced_with_filters": "filtered",
    "analysis_discovered": "discovered",
}


class TestExecution(Model):
    """How phase 3 is carried out."""

    __test__ = False

    orchestrator: Literal["TestExecutor"] = "TestExecutor"
    """The coordinator of this phase."""
    parallelism: Literal["process", "thread"] = "process"
    """As in phase 1."""
    strict_isolation: bool = True
    """A new process a strategy, none reused."""

    @model_validator(mode="after")
    def _isolated(self) -> TestExecution:
        if self.strict_isolation and self.parallelism == "thread":
            refuse(
                "must be process where strict_isolation is true, found 'thread'; change one", "parallelism"
            )
        return self


class ValidationConfig(Model):
    """What each finalist goes through."""

    test_parameter_drift: bool = True
    """Test neighbours of each finalist."""
    drift_containers: int = Field(default=10, ge=1)
    """Neighbours drawn per finalist."""
    walk_forward_oos: bool = True
    """Calendar quarters of the test data, nothing re-optimised."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of the neighbours drawn."""


class TestStrategyConfig(Model):
    """One strategy that is tested."""

    __test__ = False

    name: Name
    """Its name; the specification's three also say their kind."""
    kind: Literal["adaptive", "filtered", "discovered", "ensemble", "fixed"]
    """Regime-adaptive, with filters, found by phase 2, several netted, or given."""
    container_components: Literal["inherit", "custom"] = "inherit"
    """Phase 1's stack, or the components that phase 2 accepted."""
    add_components: Components = ()
    """Components appended to it."""
    strategy: Name | None = None
    """Registered strategy; required for fixed, optional elsewhere to keep to one."""
    params: Settings = Field(default_factory=FrozenDict)
    """Parameters of a fixed strategy, by full name."""
    members: Annotated[tuple[Name, ...], Listed] = ()
    """Strategies of an ensemble, each at its best robust point."""
    weights: Literal["equal", "stability", "inverse_volatility"] | None = None
    """How an ensemble's members are weighted, from training data; equal when left out."""

    @model_validator(mode="before")
    @classmethod
    def _kind_of_name(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and raw.get("kind") is None:
            kind = _KINDS.get(raw.get("name", "")) if isinstance(raw.get("name", ""), str) else None
            if kind is None and raw.get("members"):
                kind = "ensemble"
            if kind is None and raw.get("strategy"):
                kind = "fixed"
            if kind is not None:
                return raw | {"kind": kind}
            if isinstance(raw.get("name"), str):
                refuse(
                    "must be given for names other than "
                    f"{', '.join(_KINDS)}, found nothing; write adaptive, filtered, fixed or ensemble",
                    "kind",
                )
        return raw

    @model_validator(mode="after")
    def _consistent(self) -> TestStrategyConfig:
        if self.kind == "fixed" and self.strategy is None:
            refuse("must be given where kind is fixed, found nothing; name a registered one", "strategy")
        if self.kind != "fixed" and self.params:
            refuse(f"must be left out where kind is {self.kind}, found some; training sets them", "params")
        if self.kind == "ensemble" and len(set(self.members)) < max(2, len(self.members)):
            refuse(
                f"must be at least two different strategies, found {', '.join(self.members) or 'none'}; "
                "name them",
                "members",
            )
        if self.kind != "ensemble" and (self.members or self.weights):
            key = "members" if self.members else "weights"
            refuse(f"must be left out where kind is {self.kind}, found some; set kind: ensemble", key)
        if self.kind == "filtered" and not self.add_components:
            refuse("must add a filter where kind is filtered, found none; add one", "add_components")
        if self.container_components == "custom" and self.kind != "discovered":
            refuse(
                f"must be inherit where kind is {self.kind}, found 'custom'; set kind: discovered",
                "container_components",
            )
        return self


class SelectionWeights(Model):
    """How training evidence is weighted when finalists are ordered."""

    robust_score: float = Field(default=0.4, ge=0)
    """Of the neighbourhood's lower quartile."""
    consistency: float = Field(default=0.2, ge=0)
    """Of the walk-forward windows."""
    drift: float = Field(default=0.2, ge=0)
    """Of parameter drift on training data."""
    worst_regime: float = Field(default=0.2, ge=0)
    """Of the worst regime."""

    @model_validator(mode="after")
    def _some(self) -> SelectionWeights:
        if not any(getattr(self, name) for name in type(self).model_fields):
            refuse("must not all be 0; raise one")
        return self


class FinalSelection(Model):
    """How the verdict is reached."""

    aggregate_container_results: bool = True
    """Median over windows and drift; false: the continuous run."""
    prefer_robust_over_performance: bool = True
    """False: finalists ordered by training objective."""
    verify_no_state_leakage: bool = True
    """The certificate."""
    weights: SelectionWeights = Field(default_factory=SelectionWeights)
    """Of the training evidence."""


def _distinct(items: tuple[TestStrategyConfig, ...]) -> tuple[TestStrategyConfig, ...]:
    names = [one.name for one in items]
    for name in names:
        if names.count(name) > 1:
            refuse(f"each test strategy must have its own name, found '{name}' twice; rename one")
    return items


class TestPhaseConfig(Model):
    """Phase 3: recomposition and validation, on test data."""

    __test__ = False

    data: Data
    """Test data, after the training data."""
    execution: TestExecution = Field(default_factory=TestExecution)
    """How it is carried out."""
    validation: ValidationConfig = Field(default_factory=ValidationConfig)
    """What each finalist goes through."""
    test_strategies: Annotated[
        tuple[TestStrategyConfig, ...], Listed, Field(min_length=1), AfterValidator(_distinct)
    ]
    """What is tested."""
    final_selection: FinalSelection = Field(default_factory=FinalSelection)
    """How the verdict is reached."""
