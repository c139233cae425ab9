"""Finalists come back from the store as they were."""

import math

import pytest

from admf_ray.cluster.jobs import StackNames
from admf_ray.components import library  # noqa: F401  (registers)
from admf_ray.errors import StoreError
from admf_ray.phases.analysis.finalist import Finalist, read_finalists, write_finalists
from admf_ray.results.store import RunStore

NAMES = StackNames("ma_crossover", ("trend_direction",), "RiskManager", "SimulatedBroker", "Portfolio")


def test_finalists_come_back_as_they_were(tmp_path):
    stack = NAMES.build()
    row = stack.vector({"fast": 7, "trend_direction.mean_bars": 50})
    scores = {"robust_score": 1.25, "dsr": float("nan")}
    one = Finalist(1, "ma_crossover", 42, NAMES, stack.decode(row), "grid", 0.7, scores, ("a 1",), ())
    store = RunStore(str(tmp_path))
    write_finalists(store, [one])
    (back,) = read_finalists(store)
    assert (back.components, back.parameters, back.identity) == (NAMES, one.parameters, "ma_crossover:42")
    assert (back.components.build().vector(back.parameters) == row).all()
    assert back.scores["robust_score"] == 1.25
    assert math.isnan(back.scores["dsr"])
    assert (back.reasons_for, back.reasons_against) == (("a 1",), ())
    assert back.varied.startswith("ma_crossover(fast=7,")


def test_none_are_a_table_too(tmp_path):
    store = RunStore(str(tmp_path))
    with pytest.raises(StoreError, match="finalists"):
        read_finalists(store)
    write_finalists(store, [])
    assert read_finalists(store) == ()
