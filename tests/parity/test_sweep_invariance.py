"""The result does not know how it was computed: threads, order, company, tiles, blocks, cold or cached."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import find, settings

from admf_ray.engine.sweep import sweep
from admf_ray.market import Window
from tests.parity.cases import COMBINATIONS, N_REGIMES, Tally, compare, labels_of, settings_of
from tests.parity.markets import Shape, market

NAMED = {c.name: c for c in COMBINATIONS}
SLOW = pytest.mark.slow  # stacks that no other default test compiles
SOME = (pytest.param("bracket", marks=SLOW), "stop_trail", "many_plain", "many_holes")


def points_of(c, count):
    """Return the first points that hypothesis draws, different each."""
    drawn = []

    def collect(point):
        drawn.append(point)
        return False

    quiet = settings(max_examples=count, derandomize=True, database=None)
    try:
        find(settings_of(c), collect, settings=quiet)
    except Exception as error:  # nothing satisfies: all were collected
        assert type(error).__name__ == "NoSuchExample", error
    return (drawn * count)[:count]


def case(name, n_points=40, n_bars=150):
    c = NAMED[name]
    bars = market(11, c.shape, n_bars, daily_volatility=0.03, coarse=True)
    windows = [Window("full", 0, n_bars), Window("late", n_bars // 2, n_bars), Window("mid", 20, 90)]
    return c.stack, bars, c.stack.values(points_of(c, n_points)), windows


def fixed_case():
    """Return a case without drawn values, equal in every process."""
    stack = NAMED["plain"].stack
    bars = market(11, Shape(), 150, daily_volatility=0.03)
    points = [
        {"fast": fast, "slow": slow, "side": side, "broker.commission_frac": 0.001,
         "broker.slippage_frac": 3e-4}
        for fast in (1, 3) for slow in (5, 9, 20) for side in ("long", "both")
    ]  # fmt: skip
    return stack, bars, stack.values(points), [Window("full", 0, 150), Window("mid", 20, 90)]


def traded(result, least=0.5):
    fills = result.values[..., result.metrics.index("fills")]
    assert (fills > 0).mean() > least
    return result


def same(a, b):
    return all(
        getattr(a, name).tobytes() == getattr(b, name).tobytes()
        for name in ("values", "slice_sums", "regime_sums")
    )


@pytest.mark.parametrize("name", SOME)
def test_threads_order_company_and_tiles_change_nothing(name):
    stack, bars, values, windows = case(name)
    told = {"tail": True, "labels": labels_of(bars), "n_regimes": N_REGIMES}
    base = traded(sweep(bars, stack, values, windows, **told))
    before = bars.content_hash
    assert same(base, sweep(bars, stack, values, windows, **told))
    assert same(base, sweep(bars, stack, values, windows, **told, threads=2))
    assert same(base, sweep(bars, stack, values, windows, **told, threads=2, limit_bytes=60_000))
    few = bars.n_bars * bars.n_symbols * 8 * 9
    assert same(base, sweep(bars, stack, values, windows, **told, limit_bytes=few))
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(len(values)), 2))
    mixed = sweep(bars, stack, values[order], windows, **told)
    assert mixed.values.tobytes() == base.values[order].tobytes()
    assert mixed.slice_sums.tobytes() == base.slice_sums[order].tobytes()
    assert mixed.regime_sums.tobytes() == base.regime_sums[order].tobytes()
    for i in range(0, len(values), 7):
        alone = sweep(bars, stack, values[i : i + 1], windows[1:2], **told)
        assert alone.values.tobytes() == base.values[i : i + 1, 1:2].tobytes()
    assert type(bars).content_hash.func(bars) == before


def test_points_of_several_structures_swept_together_are_what_they_are_alone():
    c = NAMED["plain"]
    bars = market(3, Shape(), 150, daily_volatility=0.03)
    points = []
    for point in points_of(c, 4):
        for more in (
            {}, {"risk.stop_loss_frac": 0.02}, {"broker.order_type": "limit", "broker.offset_frac": 0.004},
        ):  # fmt: skip
            points.append({**point, **more})
    values = c.stack.values(points)
    windows = [Window("full", 0, 150)]
    together = traded(sweep(bars, c.stack, values, windows, tail=True))
    for i in range(len(values)):
        alone = sweep(bars, c.stack, values[i : i + 1], windows, tail=True)
        assert alone.values.tobytes() == together.values[i : i + 1].tobytes()


@pytest.mark.parametrize(
    "name", [pytest.param("limit_atr", marks=SLOW), "stop_trail", "many_plain", "fill_margin"]
)
def test_histories_longer_than_a_block(name):
    """The compiled loop works in blocks of 1,024 bars; state, slices and drawdowns cross their edges."""
    c = NAMED[name]
    bars = market(5, c.shape, 2_700, daily_volatility=0.01)
    tally = Tally()
    windows = [Window("full", 0, 2_700), Window("w", 300, 300 + 2_048), Window("v", 1_000, 2_025)]
    compare(c.stack, bars, points_of(c, 3), windows, tally)
    compare(c.stack, bars, points_of(c, 3), [Window("full", 411, 2_600)], tally)
    assert tally.traded >= 0.6 * tally.cases
    assert tally.fills > 500


SCRIPT = """
import hashlib, json
from admf_ray.engine.sweep import sweep
from tests.parity.test_sweep_invariance import fixed_case
stack, bars, values, windows = fixed_case()
result = sweep(bars, stack, values, windows, tail=True)
fills = float(result.values[..., result.metrics.index("fills")].sum())
digest = hashlib.sha256(result.values.tobytes() + result.slice_sums.tobytes()).hexdigest()
hits = sum(sum(d.stats.cache_hits.values()) for m in stack._modules.values() for d in [m.sweep])
print(json.dumps([fills, digest, hits]))
"""


def test_a_cold_compile_and_a_cached_one_in_other_processes_give_the_same_bits(tmp_path):
    root = Path(__file__).parents[2]
    seen = []
    for seed in ("1", "2"):
        env = {
            **os.environ, "PYTHONPATH": str(root), "ADMF_RAY_CACHE_DIR": str(tmp_path),
            "PYTHONHASHSEED": seed,
        }  # fmt: skip
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=env, cwd=root, capture_output=True, text=True, check=True
        )
        seen.append(json.loads(run.stdout))
    (fills, cold, misses), (_, cached, hits) = seen
    assert fills > 100
    assert (misses, hits) == (0, 1), "the first process compiles, the second takes the cached code"
    stack, bars, values, windows = fixed_case()
    here = sweep(bars, stack, values, windows, tail=True)
    mine = hashlib.sha256(here.values.tobytes() + here.slice_sums.tobytes()).hexdigest()
    assert cold == cached == mine
