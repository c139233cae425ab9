import itertools
import tracemalloc
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_ray.components.library.trend import MaCrossover
from admf_ray.engine.stack import Stack
from admf_ray.errors import ConfigError
from admf_ray.space.axis import parse_axis
from admf_ray.space.grid import parse_grid
from admf_ray.space.lattice import Constraint, Lattice
from admf_ray.space.parameters import Choice, Param
from admf_ray.space.space import Space

COLUMNS = {
    "fast": Param(5, 1, 100_000_000),
    "slow": Param(9, 1, 100_000_000),
    "side": Choice("long", ("long", "short", "both")),
    "risk.stop": Param(0.0, 0.0, 1.0),
}


def lattice(parameters, constraints=(), own=()):
    grid = parse_grid({"strategies": {"s": {"parameters": parameters, "constraints": list(constraints)}}})
    return grid.strategies[0].lattice(COLUMNS, own)


stepped = st.builds(
    lambda start, step, n: {"start": start, "stop": start + step * (n - 1), "step": step},
    st.integers(1, 50),
    st.integers(1, 7),
    st.integers(1, 6),
)
listed = st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True)
whole = stepped | listed | st.integers(1, 9)
stops = st.lists(st.sampled_from([0.0, 0.1, 0.25, 1.0]), min_size=1, unique=True) | st.sampled_from(
    [{"start": 0.1, "stop": 0.5, "step": 0.1}, {"low": 0.01, "high": 0.1, "n": 3, "scale": "log"}]
)
sides = st.lists(st.sampled_from(["long", "short", "both"]), min_size=1, unique=True)
grids = st.fixed_dictionaries({}, optional={"fast": whole, "slow": whole, "side": sides, "risk.stop": stops})


@settings(max_examples=150)
@given(grids, st.randoms(use_true_random=False))
def test_index_and_point_are_one_to_one_in_declared_order(parameters, random):
    names = list(parameters)
    random.shuffle(names)
    one = lattice({name: parameters[name] for name in names})
    points = [one.point(k) for k in range(one.size)]
    assert len(one) == one.size == len({tuple(p.values()) for p in points})
    assert [one.index_of(p) for p in points] == list(range(one.size))
    values = [list(dict.fromkeys(p[name] for p in points)) for name in names]
    assert [tuple(p.values()) for p in points] == list(itertools.product(*values))


@settings(max_examples=150)
@given(grids, st.sampled_from(["fast < slow", "slow >= 2 * fast or side == 'both'", "risk.stop * fast <= 2"]))
def test_constraints_equal_brute_force(parameters, text):
    one = lattice(parameters, [text], [Constraint("fast != 3")])
    base = {name: param.default for name, param in COLUMNS.items()}

    def holds(point):
        p = base | point
        stop, fast, slow = p["risk.stop"], p["fast"], p["slow"]
        rules = {
            "fast < slow": fast < slow,
            "slow >= 2 * fast or side == 'both'": slow >= 2 * fast or p["side"] == "both",
            "risk.stop * fast <= 2": stop * fast <= 2,
        }
        return rules[text] and fast != 3

    expected = [k for k in range(one.size) if holds(one.point(k))]
    for points in (1, 7, 65_536):
        found = list(one.blocks(points=points))
        assert all(block.size for block in found)
        assert [int(k) for block in found for k in block] == expected
    assert [int(k) for block in one.blocks(3, 11) for k in block] == [k for k in expected if 3 <= k < 11]
    everything = np.arange(one.size)
    assert (one.fulfils(one.values(everything)) == one.admissible(everything)).all()


@settings(max_examples=100)
@given(st.integers(-999, 999), st.integers(1, 999), st.integers(0, 6), st.integers(0, 6), st.integers(1, 400))
def test_ranges_are_exact_in_decimal(start, step, start_places, step_places, n):
    first, distance = Decimal(start).scaleb(-start_places), Decimal(step).scaleb(-step_places)
    last = first + distance * (n - 1)
    raw = {"start": float(first), "stop": float(last), "step": float(distance)}
    axis = parse_axis("x", raw, "x")
    wanted = [float(first + distance * k) for k in range(n)]
    assert axis.size == n
    assert axis.values.at(np.arange(n)).tolist() == wanted
    assert [axis.values.value(k) for k in range(n)] == wanted


def test_the_usual_decimal_traps():
    tenths = parse_axis("x", {"start": 0.1, "stop": 0.5, "step": 0.1}, "x")
    assert tenths.values.at(np.arange(tenths.size)).tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]
    short = parse_axis("x", {"start": 0.1, "stop": 0.45, "step": 0.1}, "x")
    assert short.values.at(np.arange(short.size)).tolist() == [0.1, 0.2, 0.3, 0.4]
    down = parse_axis("x", {"start": 0.3, "stop": 0, "step": -0.1}, "x")
    assert down.values.at(np.arange(down.size)).tolist() == [0.3, 0.2, 0.1, 0.0]
    huge = parse_axis("x", {"start": 1e-12, "stop": 9e6, "step": 1e-9}, "x")
    assert huge.values.at(np.array([0, huge.size - 1])).tolist() == [1e-12, huge.values.value(huge.size - 1)]


def test_log_ranges():
    axis = parse_axis("risk.stop", {"low": 0.001, "high": 0.1, "n": 5, "scale": "log"}, "x")
    assert axis.values.values == (0.001, 0.00316227766017, 0.01, 0.0316227766017, 0.1)
    even = parse_axis("risk.stop", {"low": 0, "high": 1, "n": 4}, "x")
    assert even.values.values == (0, 0.333333333333, 0.666666666667, 1)
    whole_numbers = lattice({"fast": {"low": 1, "high": 100, "n": 9, "scale": "log"}})
    assert [p["fast"] for p in map(whole_numbers.point, range(whole_numbers.size))] == [
        1,
        2,
        3,
        6,
        10,
        18,
        32,
        56,
        100,
    ]
    crowded = lattice({"fast": {"low": 1, "high": 4, "n": 9, "scale": "log"}})
    assert [crowded.point(k)["fast"] for k in range(crowded.size)] == [1, 2, 3, 4]


@settings(max_examples=60)
@given(st.floats(1e-6, 1e3), st.floats(1.001, 1e6), st.integers(2, 40))
def test_log_ranges_are_geometric(low, ratio, n):
    high = low * ratio
    values = parse_axis("x", {"low": low, "high": high, "n": n, "scale": "log"}, "x").values.values
    assert (values[0], values[-1], len(values)) == (low, high, n)
    np.testing.assert_allclose(values, np.geomspace(low, high, n), rtol=1e-10)


def test_a_lattice_of_a_million_million_points_costs_nothing():
    tracemalloc.start()
    one = lattice(
        {
            "fast": {"start": 1, "stop": 1_000_000, "step": 1},
            "slow": {"start": 1, "stop": 1_000_000, "step": 1},
        },
        ["fast < slow"],
    )
    assert len(one) == 10**12
    assert one.point(10**12 - 1) == {"fast": 1_000_000, "slow": 1_000_000}
    assert one.index_of({"fast": 500_000, "slow": 3}) == 499_999 * 10**6 + 2
    first = next(one.blocks(start=5 * 10**11))
    assert one.values(first[:1])[0, :2].tolist() == [500_001.0, 500_002.0]
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_beyond_the_machine_word():
    wide = {"start": 1, "stop": 100_000_000, "step": 1}
    one = lattice({"fast": wide, "slow": wide, "risk.stop": {"start": 0, "stop": 1, "step": 1e-9}})
    assert one.size == 10**16 * (10**9 + 1) > 2**64
    k = one.size - 7
    assert one.point(k) == {"fast": 100_000_000, "slow": 100_000_000, "risk.stop": 0.999999994}
    assert one.index_of(one.point(k)) == k
    assert [int(i) for i in next(one.blocks(start=k))] == list(range(k, k + 7))


def test_values_are_rows_of_a_stack():
    stack = Stack(MaCrossover)
    columns = {
        prefix + name: param
        for prefix, (_, cls) in zip(stack.prefixes, stack.classes, strict=True)
        for name, param in cls.parameters.items()
    }
    parameters = {"fast": [5, 10], "risk.stop_loss_frac": [0, 0.02], "side": ["long", "both"], "slow": 40}
    grid = parse_grid({"strategies": {"ma_crossover": {"parameters": parameters}}}).strategies[0]
    one = grid.lattice(columns, [Constraint("fast < slow")], {"broker.commission_frac": 0.001})
    rows = one.values(np.arange(one.size))
    assert rows.dtype == np.float64
    for k, row in enumerate(rows):
        point = one.point(k) | {"broker.commission_frac": 0.001}
        assert (row == stack.vector(point)).all()
        assert {name: stack.decode(row)[name] for name in point} == point


def test_prefixed_constraints_of_components():
    one = lattice({"risk.stop": [0, 0.5, 1]}, own=[Constraint("stop < 0.7", "risk.")])
    assert one.admissible([0, 1, 2]).tolist() == [True, True, False]
    with pytest.raises(ConfigError, match="must name a parameter"):
        lattice({"fast": [1]}, ["1 < 2"]).admissible([0])


def test_resolutions():
    one = lattice(
        {
            "fast": {"start": 5, "stop": 50, "step": 5},
            "slow": {"values": [10, 40, 30], "resolution": 2},
            "side": ["long", "both"],
            "risk.stop": [0.1, 0.4, 0.3],
        }
    )
    assert one.resolutions() == {"fast": 1, "slow": 2, "risk.stop": Decimal("0.1")}
    assert one.resolutions("grid")["fast"] == 5
    assert lattice({"fast": 5}).resolutions() == {}


def test_indices_outside_are_refused():
    one = lattice({"fast": [1, 2]})
    for wrong in (-1, 2):
        with pytest.raises(IndexError, match="out of the lattice's 2 points"):
            one.values([wrong])
    assert one.index_of({"fast": 3}) is None
    assert lattice({"fast": {"start": 2, "stop": 8, "step": 2}}).index_of({"fast": 5}) is None


def test_a_space_of_two_lattices():
    one, two = lattice({"fast": [1, 2, 3]}), lattice({"fast": [4, 5], "slow": [6, 7]})
    space = Space((one, two))
    assert len(space) == space.size == 7
    assert [space.place(k) for k in (0, 2, 3, 6)] == [(0, 0), (0, 2), (1, 0), (1, 3)]
    for wrong in (-1, 7):
        with pytest.raises(IndexError):
            space.place(wrong)


def test_empty_grid_is_the_defaults_alone():
    one = lattice({})
    assert isinstance(one, Lattice)
    assert (one.size, one.point(0)) == (1, {})
    assert one.values([0]).tolist() == [[5.0, 9.0, 0.0, 0.0]]
