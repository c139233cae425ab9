"""A small run, made up: what each phase leaves, without running any."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pandas as pd
import pyarrow as pa

from admf_ray.results.store import RunStore

POINT = "fast=2, slow=10"


def phase_1(folder, name="small", strategy="ma_crossover", parameter="slow"):
    """Write points 2..4 x 10..30, the best of them alone, and two walk-forward windows; returns the store."""
    store = RunStore(str(folder))
    store.create()
    grid = list(product((2, 3, 4), (10, 20, 30)))
    off_grid = [(3, 19), (3, 21)]
    ids = np.arange(len(grid) + len(off_grid), dtype=np.int64)
    digest = "0123456789abcdef0123456789abcdef"
    windows = [["full", 0, 500, 0, 500], ["test_0", 300, 400, 0, 300]]
    names = {"code": "c" * 32, "engine": {"sources": "e" * 32, "numpy": "2"}, "digest": digest}
    context = {"strategy": strategy, "windows": windows, "varied": ["fast", parameter], **names}
    near = {"enabled": True, "radius": 1}
    search = {"objective": "sharpe", "method": "grid", "seed": 7, "neighborhood_testing": near}
    mining = {
        "data": {"source": "made.csv", "start": "2010", "end": "2011"},
        "parameter_search": search,
        "container_components": [{"class": "SimulatedBroker", "params": {"commission_frac": 0.001}}],
    }
    bars = {"hash": "b" * 32, "symbols": ["AAA"], "first": "2010", "last": "2011"}
    whole = {"name": name, "phase_1_mining": mining}
    facts = {"format": "1", "admf_ray": "0", "created": "today"}
    facts |= {"pipeline": whole, "bars": bars, "contexts": [context]}
    store.write_manifest(facts)
    score = np.array([0.5, 0.6, 0.5, 0.9, 1.0, 0.9, 2.0, 0.2, 0.1, 0.9, 0.95])
    points = pa.table(
        {
            "point_id": ids, "fast": [a for a, _ in grid + off_grid],
            parameter: [b for _, b in grid + off_grid],
            "window": ["full"] * len(ids), "status": ["ok"] * (len(ids) - 1) + ["crashed"], "sharpe": score,
            "trades": np.full(len(ids), 9.0),
        }
    )  # fmt: skip
    part = points.replace_schema_metadata({"admf_ray": json.dumps({"digest": digest, "first_id": 0})})
    store.write_part(f"{strategy.split('<')[0]}-{digest[:12]}-{0:020x}.parquet", part)
    table(store, "index", {"point_id": ids, "strategy": strategy, "off_grid": ids >= len(grid)})
    robust = np.array([0.4, 0.5, 0.4, 0.8, 0.9, 0.8, 0.2, 0.1, 0.1])
    shared = {
        "point_id": ids[: len(grid)],
        "strategy": strategy,
        "window": "full",
        "score": score[: len(grid)],
    }
    table(store, "neighborhood", {**shared, "robust_score": robust, "stability": 0.9, "degradation": 0.1})
    folds = {"fold": [0, 1], "train_start": "2010-01-01", "test_start": ["2011-01-01", "2011-04-01"]}
    figures = {"in_sample": [1.0, 2.0], "out_of_sample": [0.5, np.nan], "trades": [3.0, 0.0]}
    table(store, "walk_forward", {**folds, "strategy": strategy, "parameters": POINT, **figures})
    time = pd.date_range("2011-01-01", periods=60, freq="D", tz="UTC")
    growth = np.linspace(1.0, 1.2, 60)
    table(
        store,
        "curves",
        {"time": time, "fold": np.arange(60) // 30, "stitched": growth, "continuous": growth + 0.1},
    )
    told = {
        "continuous_return": 0.3,
        "stitched_return": 0.2,
        "profitable_frac": 0.5,
        "oos_t": 1.0,
        "efficiency": 0.4,
    }
    store.write_json(
        "summary.json",
        {
            "points": 9,
            "off_grid": 2,
            "objective": "sharpe",
            "select_by": "robust_score",
            "walk_forward": told,
        },
    )
    return store


def phase_2(store, hypothesis="filtered"):
    """Write one experiment, the statistics of luck, regimes, clusters and a finalist."""
    effect = {"effect": 0.4, "low": -0.1, "high": 0.9, "holm_better": 0.06, "holm_worse": 1.0}
    table(store, "experiments", [{"hypothesis": hypothesis, "conclusion": "no evidence", **effect}])
    run = [
        ("spa_p", "excess", 0.2),
        ("spa_p", "raw", 0.01),
        ("pbo", "raw", 0.4),
        ("trials", "", 11.0),
        ("points_tested", "excess", 10.0),
    ]
    rows = [{"scope": "run", "statistic": a, "basis": b, "value": c} for a, b, c in run]
    own = {"scope": "candidate", "strategy": "ma_crossover", "parameters": POINT, "source": "grid"}
    rows += [
        {**own, "statistic": "dsr", "basis": b, "value": v} for b, v in (("excess", 0.123), ("raw", 0.987))
    ]
    table(store, "overfitting", rows)
    table(store, "pbo", {"logit": [-1.0, 0.5, 1.0], "inside": [0.1, 0.2, 0.3], "outside": [0.2, 0.1, 0.0]})
    where = {"kind": "candidate", "strategy": "ma_crossover", "parameters": POINT, "regime": ["up", "down"]}
    table(store, "regimes", {**where, "sharpe": [1.0, -1.0], "bars": [300, 200]})
    table(
        store,
        "clusters",
        [{"cluster": 0, "strategy": "ma_crossover", "parameters": POINT, "representative": True}],
    )
    parameters = json.dumps({"fast": 2, "slow": 10, "risk.fraction": 1.0})
    point = {"rank": 1, "strategy": "ma_crossover", "parameters": parameters}
    table(store, "finalists", [{**point, "reasons_for": ["a plateau"], "reasons_against": ["few trades"]}])
    facts = {"remarks": ["mind the gap"], "regimes": {"classifier": "made"}, "trials_told": "7 of 9 tested"}
    store.write_json("analysis.json", facts)


def phase_3(store, chosen=None):
    """Write a verdict on one finalist with curves, quarters, comparison and drift."""
    one = {
        "rank": 1,
        "name": "first",
        "accepted": bool(chosen),
        "test_p": 0.3,
        "threshold": 0.025,
        "reasons": "luck",
    }
    store.write_json(
        "verdict.json",
        {
            "chosen": chosen, "sentences": ["None of these.", "It is luck.", "Mind the power."], "looks": 1,
            "period": ["2012-01-01", "2012-12-31"], "years": 1.0, "candidates": [one],
        },
    )  # fmt: skip
    table(store, "validation", [one])
    time = pd.date_range("2011-12-01", periods=40, freq="D", tz="UTC")
    side = ["training"] * 20 + ["test"] * 20
    table(store, "validation_curves", {"name": "first", "data": side, "time": time, "return": 0.01})
    names, none = ["sharpe", "volatility", "returns.kolmogorov_smirnov"], float("nan")
    figures = {"figure": names, "training": [1.0, 0.1, none], "test": [0.2, 0.2, 0.3]}
    expected = {"expected_low": [0.5, 0.1, none], "expected_high": [1.5, 0.1, none]}
    table(store, "comparison", {"name": "first", **figures, **expected, "percentile": [0.25, 0.75, 0.0]})
    table(
        store, "quarters", {"name": "first", "quarter": ["2012Q1", "2012Q2"], "total_return": [0.01, -0.02]}
    )
    kinds = ["unperturbed", "drift", "drift", "noise", "delay"]
    table(
        store, "drift", {"name": "first", "data": "test", "kind": kinds, "sharpe": [1.0, 0.6, 0.4, 0.9, 0.8]}
    )


def table(store, name, columns):
    """Write a table of the run."""
    store.write_table(f"{name}.parquet", pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False))
