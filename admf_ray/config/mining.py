"""Phase 1 as configured: data, execution, windows, search, components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from admf_ray.config.base import Model, frozen, refuse, shown
from admf_ray.config.components import Components
from admf_ray.config.data import Data
from admf_ray.config.objectives import OBJECTIVES
from admf_ray.config.windows import WalkForwardConfig
from admf_ray.errors import closest
from admf_ray.rules.metrics import TAIL_METRICS

__all__ = [
    "MiningConfig",
    "MiningExecution",
    "NeighborhoodConfig",
    "ParameterSearchConfig",
    "RegimeConfig",
]

ROBUST = "robust_score"


class MiningExecution(Model):
    """How phase 1 is carried out; no result depends on it."""

    orchestrator: Literal["BacktestCoordinator"] = "BacktestCoordinator"
    """The coordinator of this phase."""
    parallelism: Literal["process", "thread"] = "process"
    """An actor a core, or an actor a node for compiled strategies."""
    isolation_level: Literal["full", "process"] = "full"
    """A fresh scope a point, or a fresh process too."""
    tile_points: int | None = Field(default=None, ge=1)
    """Points in one tile; chosen by the plan when left out."""
    point_timeout_s: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    """Seconds after which a point is stopped and its row says so."""
    max_failed_frac: float = Field(default=0.5, ge=0, le=1)
    """Share of failed points that stops the run."""


class NeighborhoodConfig(Model):
    """Whether and how a point's surroundings are tested."""

    enabled: bool = True
    """False: selection by the objective alone."""
    radius: int = Field(default=2, ge=0)
    """Chebyshev radius in units of each parameter's resolution."""
    parallel_neighbors: bool = True
    """False: neighbours in the same actor."""
    shape: Literal["box", "star"] = "box"
    """All combinations, or one parameter at a time."""
    resolution: Literal["unit", "grid"] = "unit"
    """1 for whole numbers, or the grid's step for all; a parameter's own resolution goes first."""


def _grid(value: Any) -> Any:
    if isinstance(value, str) and value:
        return value
    if not isinstance(value, Mapping) or not value:
        refuse(f"must be a file or a mapping with strategies, found {shown(value)}; name the grid")
    return frozen(value)


BaseGrid = Annotated[Any, BeforeValidator(_grid, json_schema_input_type=str | dict[str, Any])]


class ParameterSearchConfig(Model):
    """What is searched, how, and for what."""

    base_grid: BaseGrid
    """Path or ``pyarrow.fs`` URI of the parameter grid, or the grid itself."""
    neighborhood_testing: NeighborhoodConfig = Field(default_factory=NeighborhoodConfig)
    """The neighbourhood of each point."""
    method: Literal["grid", "random", "optuna"] = "grid"
    """All points, a seeded sample of them, or proposals in generations."""
    samples: int | None = Field(default=None, ge=1)
    """Points to draw; for random and optuna."""
    max_points: int = Field(default=10_000_000, ge=1, le=100_000_000)
    """Points of the grid above which a run is refused before anything is built."""
    generation_points: int = Field(default=64, ge=1)
    """Points proposed together by a searcher; told back in index order."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of whatever is drawn."""
    objective: str = "sharpe"
    """Metric to aim at; `robust_score` means the Sharpe ratio's."""
    select_by: Literal["robust_score", "objective"] = "robust_score"
    """What windows select by: the 25th percentile of the objective over the neighbourhood, or itself."""

    @model_validator(mode="before")
    @classmethod
    def _robust_objective(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and raw.get("objective") == ROBUST:
            if raw.get("select_by", ROBUST) != ROBUST:
                refuse("must be robust_score where the objective is, found another; remove it", "select_by")
            return {**raw, "objective": "sharpe", "select_by": ROBUST}
        return raw

    @model_validator(mode="after")
    def _consistent(self) -> ParameterSearchConfig:
        if self.objective not in OBJECTIVES:
            hint = closest(self.objective, [*OBJECTIVES, ROBUST]) or f"; choose among {', '.join(OBJECTIVES)}"
            refuse(
                f"must be robust_score or a metric with a better side, found '{self.objective}'{hint}",
                "objective",
            )
        if self.method == "grid" and self.samples is not None:
            refuse(
                "must be left out where method is grid, found one; remove it or set method: random", "samples"
            )
        if self.method != "grid" and self.samples is None:
            refuse(f"must be given where method is {self.method}, found nothing; say how many", "samples")
        return self

    @property
    def robust(self) -> bool:
        """Whether windows select by `robust_score`."""
        return self.select_by == ROBUST and self.neighborhood_testing.enabled


class RegimeConfig(Model):
    """The shared classifier of market regimes, fitted on training data."""

    classifier: Literal["auto", "trend_volatility", "hidden_markov", "none"] = "auto"
    """Rules, a hidden Markov model (filtered), or none; `auto`: rules where training is long enough."""
    n_states: int = Field(default=2, ge=2, le=6)
    """States of the hidden Markov model."""

    @property
    def kind(self) -> Literal["trend_volatility", "hidden_markov"] | None:
        """The classifier that is fitted, if any."""
        if self.classifier == "none":
            return None
        return "trend_volatility" if self.classifier == "auto" else self.classifier


class MiningConfig(Model):
    """Phase 1: decomposition and mining, on training data."""

    data: Data
    """Training data."""
    execution: MiningExecution = Field(default_factory=MiningExecution)
    """How it is carried out."""
    walk_forward: WalkForwardConfig = Field(default_factory=lambda: WalkForwardConfig(enabled=False))
    """Windows; `full` alone when left out."""
    parameter_search: ParameterSearchConfig
    """The search."""
    container_components: Components = ()
    """The stack of each container; the defaults when left out."""
    warmup: Literal["history", "none"] = "history"
    """Whether indicators see the bars before a window."""
    metrics: Literal["core", "full"] = "core"
    """`full` adds value at risk, conditional value at risk and tail ratio."""
    accounts: Literal["shared", "separate"] = "shared"
    """One account for all symbols, or one each."""
    symbols: Literal["together", "each"] = "together"
    """One cross-section, or each symbol its own backtest."""
    regimes: RegimeConfig = Field(default_factory=RegimeConfig)
    """Market regimes."""

    @model_validator(mode="after")
    def _tail_objective(self) -> MiningConfig:
        objective = self.parameter_search.objective
        if objective in TAIL_METRICS and self.metrics != "full":
            refuse(
                f"must be full where the objective is {objective}, found '{self.metrics}'; set it", "metrics"
            )
        return self
