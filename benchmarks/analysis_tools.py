"""What the tools of phase 2 take: 10,000 points, 200 candidates.

Run ``python benchmarks/analysis_tools.py``. Each figure is one run, imports of libraries included.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np

from admf_ray.analysis.clustering import analyse_cluster, compare_clusters, return_distribution_clustering
from admf_ray.analysis.consistency import (
    WindowResults,
    confidence_band,
    consistency_of_points,
    consistency_of_rule,
)
from admf_ray.analysis.parameters import ParameterTable
from admf_ray.analysis.robustness import Robustness
from admf_ray.analysis.sensitivity import parameter_sensitivity

T = TypeVar("T")
N_POINTS, N_CANDIDATES, N_BARS, N_WINDOWS = 10_000, 200, 2_500, 20


def timed(label: str, call: Callable[[], T]) -> tuple[T, float]:
    begin = time.perf_counter()
    result = call()
    took = time.perf_counter() - begin
    print(f"{label:64} {took:6.2f} s")
    return result, took


def grid(n_params: int, random: np.random.Generator) -> tuple[ParameterTable, np.ndarray, Robustness]:
    """Return a grid of 10,000 points whose first parameter decides, with noise."""
    side = round(N_POINTS ** (1 / n_params))
    axes = np.meshgrid(*([np.arange(side, dtype=float)] * n_params), indexing="ij")
    values = np.stack([axis.ravel() for axis in axes], axis=1)
    score = np.sin(3.0 * values[:, 0] / side) + 0.3 * random.standard_normal(len(values))
    table = ParameterTable(tuple(f"p{k}" for k in range(n_params)), values, (None,) * n_params)
    return table, score, Robustness(score - 0.1, np.full(len(score), 0.9), np.full(len(score), 0.1))


def families(random: np.random.Generator) -> np.ndarray:
    """Return candidates of three families."""
    own = np.repeat(np.arange(3), [100, 60, 40])
    base = 0.01 * random.standard_normal((3, N_BARS))
    returns = base[own] + 0.005 * random.standard_normal((N_CANDIDATES, N_BARS))
    return returns * np.array([1.0, 0.5, 3.0])[own][:, None]


def main() -> None:
    random = np.random.default_rng(1)
    total = 0.0
    for n_params in (2, 4):
        points, score, robust = grid(n_params, random)
        label = f"sensitivity: {len(score):,} points, {n_params} parameters"
        _, took = timed(label, partial(parameter_sensitivity, points, score, robust))
        total += took
    returns, held = families(random), random.random(N_CANDIDATES)
    label = f"clustering: {N_CANDIDATES} candidates x {N_BARS:,} bars"
    found, took = timed(label, lambda: return_distribution_clustering(returns, held))
    total += took

    def each() -> object:
        groups = [np.flatnonzero(found.by_features.labels == g) for g in range(found.by_features.n_groups)]
        own = [analyse_cluster(k, at, returns[at], held[at], 252.0) for k, at in enumerate(groups)]
        return compare_clusters(own)

    total += timed(f"clustering: its {found.by_features.n_groups} clusters, compared", each)[1]
    shape = len(score), N_WINDOWS
    train, test = random.standard_normal(shape), random.standard_normal(shape)
    bars = np.full(N_WINDOWS, 252.0), np.full(N_WINDOWS, 63.0)
    results = WindowResults(train, test, 0.05 * train + 0.02, 0.02 * test, *bars)
    label = f"consistency: {len(score):,} points x {N_WINDOWS} windows"
    total += timed(label, lambda: consistency_of_points(results))[1]
    chosen = train.argmax(axis=0)
    total += timed("consistency: the selection rule", lambda: consistency_of_rule(results, points, chosen))[1]
    total += timed(f"consistency: band of {N_BARS:,} bars", lambda: confidence_band(returns[0]))[1]
    print(f"{'all together':64} {total:6.2f} s")


if __name__ == "__main__":
    main()
