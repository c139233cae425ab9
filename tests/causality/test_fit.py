"""A strategy that learns has its training bars, and nothing leads from them to later ones."""

from __future__ import annotations

import gc

import numpy as np

from admf_ray.components.base import Strategy
from admf_ray.engine.fitting import Columns
from admf_ray.engine.probes.prepared import Prepared, probe_fit, probe_prepared
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars, Window


class Learner(Strategy):
    """Trades on the sign of the distance to the training mean."""

    fields = ("x",)

    def fit(train, p):
        return float(train.close.mean())

    def prepare(bars, p, fitted):
        return {"x": bars.close - fitted}

    def decide(now, p):
        return 1.0 if now.x > 0.0 else 0.0


class Leaky(Learner):
    """Scales by the highest close of the whole data in prepare."""

    def prepare(bars, p, fitted):
        return {"x": bars.close / bars.close.max() - 0.5}


class Thief(Learner):
    """Digs the data out of the interpreter, as no honest strategy does."""

    def fit(train, p):
        return float(sum(o.close[-1, 0] for o in gc.get_objects() if type(o) is Bars and o.n_bars == 600))


def prepared_of(cls, bars):
    stack = Stack(cls)
    return Prepared(stack, stack.vector({}), bars, Window("train", 50, 200))


def test_only_the_training_bars_are_there(nasdaq):
    train = Columns(nasdaq, 0, 200, 50)
    np.testing.assert_array_equal(train.close, nasdaq.close[50:200, 0])
    arrays = vars(train)["_values"]
    assert all(array.shape == (150,) and array.base is None for array in arrays.values())
    assert not any(isinstance(value, Bars) for value in vars(train).values())


def test_an_honest_learner_passes(nasdaq):
    prepared = prepared_of(Learner, nasdaq)
    assert probe_fit(prepared, nasdaq) == []
    assert probe_prepared(prepared, nasdaq, range(200, nasdaq.n_bars - 1)) == []


def test_a_prepare_that_looks_ahead(nasdaq):
    (found,) = probe_prepared(prepared_of(Leaky, nasdaq), nasdaq, range(200, nasdaq.n_bars - 1))
    assert (found.component, found.what) == ("Leaky", "prepare 'x'")


def test_a_fit_that_finds_test_data_elsewhere(nasdaq):
    (found,) = probe_fit(prepared_of(Thief, nasdaq), nasdaq)
    assert (found.component, found.what) == ("Thief", "fit")
