"""Shared services are read-only in fact: writing raises, wherever one writes."""

import copy
import dataclasses
import datetime
import pickle
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_ray.engine.container.frozen import Frozen, ReadOnly, freeze
from admf_ray.errors import ComponentError
from admf_ray.market.bars import Bars

BARS = Bars.from_arrays([1.0, 2.0], [2.0, 3.0], [1.0, 2.0], [2.0, 2.5])


def test_mappings_read_as_key_and_attribute_in_depth():
    config = freeze({"name": "x", "costs": {"frac": 0.1}, "list": [1, {"a": 2}], "items": 3}, "config")
    assert config.costs.frac == config["costs"]["frac"] == config.costs["frac"] == 0.1
    assert config.list == (1, {"a": 2})
    assert config.list[1].a == 2
    assert config["items"] == 3
    assert list(config) == ["name", "costs", "list", "items"]
    assert len(config) == 4
    assert {**config.costs} == {"frac": 0.1}
    assert config.get("nothing") is None
    assert "costs" in dir(config)
    with pytest.raises(AttributeError, match=r"config.costs: no key 'frak', has frac; did you mean 'frac'\?"):
        _ = config.costs.frak
    with pytest.raises(KeyError):
        config["nothing"]


WRITES = {
    "item": lambda one: one.__setitem__("name", 1),
    "attribute": lambda one: setattr(one, "name", 1),
    "delete item": lambda one: one.__delitem__("name"),
    "delete attribute": lambda one: delattr(one, "name"),
}


class Mutable:
    """Anything."""

    def __init__(self):
        self.name = "x"
        self.table = {"a": [1]}
        self.array = np.zeros(3)

    def __getitem__(self, key):
        return self.table[key]

    def __len__(self):
        return 7

    def __call__(self, x):
        return x + 1

    def predict(self, x):
        return x * 2


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(
    "service", [{"name": 1}, Mutable(), MappingProxyType({"name": 1})], ids=["dict", "object", "proxy"]
)
def test_writing_raises(service, write):
    with pytest.raises(
        ComponentError, match=r"classifier: shared services are read-only, found (setting|deleting)"
    ):
        write(freeze(service, "classifier"))


def test_the_original_cannot_change_what_was_frozen():
    original = {"a": [1, 2], "b": {"c": 1}, "d": np.zeros(2), "e": {1, 2}, "f": bytearray(b"x")}
    frozen = freeze(original)
    original["a"].append(3)
    original["b"]["c"] = 2
    original["d"][0] = 1.0
    original["e"].add(3)
    original["f"][0] = 0
    original["new"] = 1
    assert (frozen.a, frozen.b.c, frozen.e, frozen.f) == ((1, 2), 1, frozenset({1, 2}), b"x")
    assert frozen.d.tolist() == [0.0, 0.0]
    assert "new" not in frozen


def test_arrays():
    array = np.arange(3.0)
    frozen = freeze(array)
    with pytest.raises(ValueError, match="read-only"):
        frozen[0] = 1.0
    with pytest.raises(ValueError, match="WRITEABLE"):
        frozen.setflags(write=True)
    assert array.flags.writeable
    again = freeze(frozen)
    assert np.shares_memory(again, frozen)
    with pytest.raises(ComponentError, match="must hold numbers, found Python objects"):
        freeze({"x": np.array([[], 1], dtype=object)})


def test_other_objects_stand_behind_a_proxy():
    original = Mutable()
    proxy = freeze(original, "model")
    assert proxy.name == "x"
    assert proxy["a"] == (1,)
    assert proxy.table.a == (1,)
    assert len(proxy) == 7
    assert proxy
    assert proxy(1) == 2
    assert proxy.predict(2) == 4
    with pytest.raises(ValueError, match="read-only"):
        proxy.array[0] = 1.0
    with pytest.raises(ComponentError, match=r"model.table: shared services are read-only"):
        proxy.table["b"] = 1
    with pytest.raises(AttributeError):
        _ = proxy._target.nothing
    assert bool(freeze(type("Bare", (), {})()))
    assert list(freeze(iter([[1], [2]]))) == [(1,), (2,)]


@dataclasses.dataclass(frozen=True)
class Settled:
    a: int
    b: object = ()


class Point(NamedTuple):
    x: object
    y: object


class Model(pydantic.BaseModel, frozen=True):
    a: int
    b: object = ()


class Open(pydantic.BaseModel):
    a: int


def test_what_cannot_change_stays_itself():
    for value in (
        None, True, 1, 1.5, "x", b"x", range(3), Settled(1), Settled(1, Settled(2)), Model(a=1), BARS,
        np.float64(1), Path("x"), datetime.date(2020, 1, 1), len, test_arrays, Settled, np,
    ):  # fmt: skip
        assert freeze(value) is value
    assert freeze(Point([1], 2)) == Point((1,), 2)
    assert type(freeze(Point(1, 2))) is Point


def test_what_only_looks_unchangeable_does_not():
    assert isinstance(freeze(Settled(1, [])), ReadOnly)
    assert isinstance(freeze(Settled(1, np.zeros(1))), ReadOnly)
    assert isinstance(freeze(Model(a=1, b=[])), ReadOnly)
    assert isinstance(freeze(Open(a=1)), ReadOnly)
    assert freeze(Settled(1, [2])).b == (2,)
    with pytest.raises(ComponentError):
        freeze(Open(a=1)).a = 2


def test_loops_are_refused():
    loop = {"a": [1]}
    loop["a"].append(loop)
    with pytest.raises(ComponentError, match=r"config.a\[1\]: a shared value must be a tree"):
        freeze(loop)
    shared = [1]
    assert freeze([shared, shared]) == ((1,), (1,))


def test_frozen_things_copy_and_pickle():
    frozen = freeze({"a": {"b": [1, 2]}})
    for twin in (copy.copy(frozen), copy.deepcopy(frozen), pickle.loads(pickle.dumps(frozen))):
        assert type(twin) is Frozen
        assert twin == frozen == {"a": {"b": (1, 2)}}
        assert twin.a.b == (1, 2)
    proxy = freeze({"x": Settled(1, [3])}).x
    twin = copy.deepcopy(proxy)
    assert type(twin) is ReadOnly
    assert twin.b == (3,)


TREES = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def plain(value):
    if isinstance(value, Frozen):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


@settings(max_examples=50)
@given(TREES)
def test_freezing_keeps_the_value_and_is_idempotent(tree):
    frozen = freeze(tree)
    assert plain(frozen) == tree
    again = freeze(frozen)
    assert again == frozen
    if isinstance(tree, dict):
        assert again is frozen
