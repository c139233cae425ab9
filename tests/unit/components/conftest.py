"""Weights bar by bar of library strategies and filters, from the code a sweep runs, without its broker."""

import functools
from types import SimpleNamespace

import numpy as np
import pytest
from numba import njit

from admf_ray.components import library  # noqa: F401  (registers)
from admf_ray.components.base import Strategy
from admf_ray.components.registry import find
from admf_ray.engine.inputs import market_arrays, market_flags, tables
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars
from admf_ray.rules.state import Held

SILENT = 9.0


class Wish(Strategy):
    """Wants what the column `wish` says and has no opinion where that is SILENT."""

    def prepare(bars, p):
        return {"wish": bars.wish}

    def decide(now):
        return np.nan if now.wish == SILENT else now.wish


@functools.cache
def loop(module):
    @njit(error_model="numpy")
    def run(table, first, ix, values, start, n_bars, s):
        out = np.full(n_bars, np.nan)
        p, rows, memory = module.read_params(values, 0), module.read_rows(ix, 0), module.load_memory(start, 0)
        held = Held(0.0, np.nan, 0.0)
        for t in range(module.ready_at(first, rows, s), n_bars):
            weight, memory = module.decide(table, rows, t, s, held, p, memory)
            weight, memory = module.admit(table, rows, t, s, weight, held, p, memory)
            out[t] = weight
            if weight == weight:
                held = Held(weight, np.nan, 1.0)
        return out

    return run


@functools.cache
def stack_of(strategy, filters):
    return Stack(strategy, tuple(find(name) for name in filters))


def weights_of(bars, strategy, filters=(), **settings):
    """Admitted weight at each bar, (n_bars,) or (n_bars, n_symbols); NaN before the strategy is asked.

    A setting of a filter is written ``name__parameter``. What is held is the weight of the bar before.
    """
    stack = stack_of(find(strategy) if isinstance(strategy, str) else strategy, tuple(filters))
    values = stack.values([{key.replace("__", "."): value for key, value in settings.items()}])
    ((structure, points),) = stack.groups(values).items()
    module = stack.compile(structure, **market_flags(bars, market_arrays(bars)), TAIL=False)
    (table,) = tables(stack, structure, values, points, bars, None, 2**24)
    run = loop(module)
    columns = [
        run(table.rows, table.first, table.ix, values, stack.memory(), bars.n_bars, s)
        for s in range(bars.n_symbols)
    ]
    return columns[0] if bars.n_symbols == 1 else np.stack(columns, axis=1)


def bars_of(close, high=None, low=None, wish=None, **others):
    """Bars of these closes; open, high and low are the close unless given."""
    close = np.asarray(close, dtype=float)
    high, low = (close if x is None else np.asarray(x, dtype=float) for x in (high, low))
    extra = {} if wish is None else {"wish": np.asarray(wish, dtype=float)}
    return Bars.from_arrays(close, high, low, close, extra=extra, **others)


def walk(n_bars=400, seed=0, n_symbols=1):
    """Closes of a random walk, and highs and lows round them."""
    random = np.random.default_rng(seed)
    shape = n_bars if n_symbols == 1 else (n_bars, n_symbols)
    close = 100.0 * np.exp(np.cumsum(0.015 * random.standard_normal(shape), axis=0))
    return close, close * (1.0 + 0.01 * random.random(shape)), close * (1.0 - 0.01 * random.random(shape))


@pytest.fixture(scope="session")
def lab():
    return SimpleNamespace(weights=weights_of, bars=bars_of, walk=walk, Wish=Wish, SILENT=SILENT)
