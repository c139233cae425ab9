"""Workers map the bars in the object store: what each holds for itself does not grow with them."""

from __future__ import annotations

import numpy as np

from admf_ray.market import Bars
from admf_ray.market.saving import write_parquet
from tests.searching import pipeline, search

MIB = 2**20
MINUTES = 2_500_000


def test_a_worker_holds_less_than_a_copy_of_the_bars_would_take(tmp_path, ray_address, monkeypatch):
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.0, 1e-4, MINUTES)))
    stamps = 10**18 + 60_000_000_000 * np.arange(MINUTES)
    bars = Bars.from_arrays(close, close * 1.001, close * 0.999, close, time_ns=stamps)
    write_parquet(bars, tmp_path / "minutes.parquet")
    body = pipeline(
        tmp_path, {"ma_crossover": {"parameters": {"fast": [5, 9], "slow": [20, 50]}}}, folds=False,
        data={"source": str(tmp_path / "minutes.parquet")}, regimes={"classifier": "none"},
        search={"neighborhood_testing": {"enabled": False}}, execution={"tile_points": 2},
    )  # fmt: skip
    # the probe of look-ahead would take a minute of the driver's, and has nothing to do with the workers
    monkeypatch.setattr("admf_ray.phases.running.refuse_foresight", lambda *_: None)
    found = search(body, tmp_path / "run", address=ray_address)
    market = found.search.conditions.market  # its prices are the bars' own arrays
    mapped = sum(one.nbytes for one in market if isinstance(one, np.ndarray))
    (grid,) = found.ran.results
    private = grid.get_dataframe()["private_bytes"]
    assert found.ran.tally.points == 4
    assert (private > 0).all()
    # imports and compiled code are some 160 MiB, so a copy would show
    assert mapped > 100 * MIB
    assert private.max() < 200 * MIB
