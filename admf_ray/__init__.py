"""Mine, analyse and validate trading strategies; every trial isolated, replayable and counted.

Folders by layer, each importing only from those below it:

- `cli`: the command line;
- `phases`: mining, analysis, validation; `report`: a page on what they left;
- `config`: what is asked for; `analysis`: the statistics; `cluster`: all that knows Ray;
- `engine`: replay and sweep of one strategy or many points; `results`: where rows are kept;
- `components`: strategies, filters, risk, broker, portfolio;
- `market`: bars and windows; `space`: points and their neighbours;
- `rules`: the compiled formulas of everything above.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from admf_ray.components.base import Filter, Strategy
    from admf_ray.components.registry import register
    from admf_ray.components.tracing import indicator
    from admf_ray.engine.container import ScopedContainer
    from admf_ray.market import Bars, load_bars
    from admf_ray.phases.analysis.coordinator import AnalysisCoordinator
    from admf_ray.phases.backtest import backtest
    from admf_ray.phases.mining import BacktestCoordinator
    from admf_ray.phases.opened import open_run
    from admf_ray.phases.pipeline import Pipeline
    from admf_ray.phases.validation.executor import TestExecutor
    from admf_ray.space.parameters import Choice, Param

__version__ = "0.1.0"

# imported when first used, so that the command line starts quickly
_HOMES = {
    "AnalysisCoordinator": "admf_ray.phases.analysis.coordinator",
    "BacktestCoordinator": "admf_ray.phases.mining",
    "Bars": "admf_ray.market",
    "Choice": "admf_ray.space.parameters",
    "Filter": "admf_ray.components.base",
    "Param": "admf_ray.space.parameters",
    "Pipeline": "admf_ray.phases.pipeline",
    "ScopedContainer": "admf_ray.engine.container",
    "Strategy": "admf_ray.components.base",
    "TestExecutor": "admf_ray.phases.validation.executor",
    "backtest": "admf_ray.phases.backtest",
    "indicator": "admf_ray.components.tracing",
    "load_bars": "admf_ray.market",
    "open_run": "admf_ray.phases.opened",
    "register": "admf_ray.components.registry",
}

__all__ = [
    "AnalysisCoordinator",
    "BacktestCoordinator",
    "Bars",
    "Choice",
    "Filter",
    "Param",
    "Pipeline",
    "ScopedContainer",
    "Strategy",
    "TestExecutor",
    "backtest",
    "indicator",
    "load_bars",
    "open_run",
    "register",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'admf_ray' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
