"""A made-up context and parts of it, so that storing is tested without running anything."""

import numpy as np
import pytest

from admf_ray.results.identity import point_ids
from admf_ray.results.schema import Context, part_name, part_table
from admf_ray.results.store import RunStore

METRICS = ("bars", "trades", "sharpe")
SALT = "0123456789abcdef" * 2


def context(**changes):
    facts = {
        "strategy": "made_up",
        "code": SALT,
        "engine": {"sources": "e", "numpy": "2"},
        "bars": "b",
        "windows": (("full", 0, 40, 0, 40), ("train_0", 0, 20, 0, 20)),
        "varied": ("fast", "side"),
        "fixed": {"portfolio.initial_cash": 100_000.0},
        "regimes": ("up", "unknown"),
        "regime_bars": (30, 10),
        "slice_bars": (20, 20),
        "bars_per_year": 252.0,
    }
    return Context(**{**facts, **changes})


def rows_of(fasts):
    return np.array([[float(fast), float(fast % 2)] for fast in fasts]).reshape(-1, 2)


def put(store, made, fasts, errors=None, returns=None):
    """Write a part whose figures say whose they are: sharpe is fast in full, -fast in training."""
    rows = rows_of(fasts)
    ids = point_ids(rows, made.code)
    n = len(rows)
    values = np.zeros((n, 2, 3))
    values[:, 0, 2], values[:, 1, 2] = rows[:, 0], -rows[:, 0]
    values[:, :, 1] = 7.0
    status = np.zeros(n, dtype=np.uint8)
    for place in errors or {}:
        status[place], values[place] = 1, np.nan
    words = ["long" if side == 0 else "both" for side in rows[:, 1]]
    sums = np.arange(n * 4, dtype=float).reshape(n, 2, 2)
    regimes = np.ones((n, 2, 4))
    name = part_name(made, ids)
    parameters = {"fast": rows[:, 0].astype(int), "side": words}
    store.write_part(
        name, part_table(made, METRICS, ids, parameters, values, sums, regimes, status, errors or {}, returns)
    )
    return name


@pytest.fixture
def store(tmp_path):
    made = RunStore(str(tmp_path / "run"))
    made.create()
    return made
