from __future__ import annotations

import numpy as np
import pytest

from admf_ray.market import Bars, load_bars


@pytest.fixture(scope="session")
def nasdaq() -> Bars:
    bars = load_bars("sample:nasdaq")
    return bars.slice(bars.n_bars - 600, bars.n_bars)


@pytest.fixture(scope="session")
def pair() -> Bars:
    """Two symbols, one listed late and with gaps, volume and a column of the user's own."""
    rng = np.random.default_rng(5)
    n = 300
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (n, 2)), axis=0))
    opens = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0.0, 0.003, (n, 2)))
    high, low = np.maximum(opens, close) * 1.004, np.minimum(opens, close) * 0.996
    missing = np.zeros((n, 2), dtype=bool)
    missing[:40, 1] = True
    missing[100:103, 1] = True
    columns = [np.where(missing, np.nan, c) for c in (opens, high, low, close, rng.uniform(1e5, 1e6, (n, 2)))]
    mood = np.where(missing, np.nan, rng.integers(0, 3, (n, 2)).astype(float))
    return Bars.from_arrays(*columns, symbols=["AA", "BB"], extra={"mood": mood})
