import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_ray.errors import ResourceError
from admf_ray.space.grid import parse_grid
from admf_ray.space.neighborhood import Neighborhood
from admf_ray.space.parameters import Choice, Param

COLUMNS = {
    "fast": Param(5, 1, 40),
    "slow": Param(9, 1, 100),
    "side": Choice("long", ("long", "short", "both")),
    "risk.stop": Param(0.0, 0.0, 1.0),
}


def lattice(parameters, constraints=()):
    grid = parse_grid({"strategies": {"s": {"parameters": parameters, "constraints": list(constraints)}}})
    return grid.strategies[0].lattice(COLUMNS)


def everything(one):
    return np.concatenate([*one.blocks(), np.empty(0, dtype=np.int64)])


def by_hand(one, indices, near):
    """Each point's neighbours as sets of rows, by trying all moves one by one."""
    moving = one.resolutions(near.unit)
    names = list(one.columns)
    found = []
    for row, index in zip(one.values(indices), indices, strict=True):
        point, own = one.point(index), set()
        for moves in itertools.product(range(-near.radius, near.radius + 1), repeat=len(moving)):
            if not any(moves) or (near.shape == "star" and sum(m != 0 for m in moves) > 1):
                continue
            moved = row.copy()
            for (name, step), k in zip(moving.items(), moves, strict=True):
                moved[names.index(name)] = float(Decimal(repr(point[name])) + k * step)
            inside = all(
                param.low <= x <= param.high
                for param, x in zip(one.columns.values(), moved, strict=True)
                if isinstance(param, Param)
            )
            if inside and one.fulfils(moved[None])[0]:
                own.add(tuple(moved))
        found.append(own)
    return found


whole = st.builds(
    lambda start, step, n: {"start": start, "stop": start + step * (n - 1), "step": step},
    st.integers(1, 30),
    st.integers(1, 4),
    st.integers(1, 3),
) | st.lists(st.integers(1, 40), min_size=1, max_size=3, unique=True)
stops = st.sampled_from(
    [
        [0.0, 0.3],
        0.5,
        {"start": 0.1, "stop": 0.3, "step": 0.1},
        {"values": [0.3, 0.1], "resolution": 0.1},
        {"low": 0.01, "high": 0.1, "n": 3, "scale": "log"},
    ]
)
sides = st.sampled_from([["long", "both"], "short"])
grids = st.fixed_dictionaries({}, optional={"fast": whole, "slow": whole, "side": sides, "risk.stop": stops})
nears = st.builds(
    Neighborhood, st.integers(0, 2), st.sampled_from(["box", "star"]), st.sampled_from(["unit", "grid"])
)


@settings(max_examples=100, deadline=None)
@given(grids, nears, st.sampled_from([(), ("fast < slow",), ("risk.stop * fast <= 2",)]))
def test_neighbours_equal_brute_force_and_stand_once(parameters, near, constraints):
    one = lattice(parameters, constraints)
    indices = everything(one)
    found = near.around(one, indices)
    rows = [tuple(row) for row in found.rows]
    assert len(set(rows)) == len(rows)
    assert (found.rows[: found.n_points] == one.values(indices)).all()
    assert found.index.shape == (len(indices), near.count(one))
    wanted = by_hand(one, indices, near)
    for k, own in enumerate(found.index):
        there = own[own >= 0]
        assert len(set(there)) == there.size
        assert k not in there
        assert {rows[i] for i in there} == wanted[k]
    used = set(found.index.ravel()) - {-1}
    assert used >= set(range(found.n_points, len(rows)))


@settings(max_examples=50, deadline=None)
@given(grids, nears, st.randoms(use_true_random=False))
def test_a_part_of_the_points_has_the_same_neighbours(parameters, near, random):
    one = lattice(parameters)
    whole_grid = near.around(one, everything(one))
    chosen = sorted(random.sample(range(one.size), random.randint(1, one.size)))
    part = near.around(one, np.array(chosen))
    for k, index in enumerate(chosen):
        wanted = [tuple(whole_grid.rows[i]) if i >= 0 else None for i in whole_grid.index[index]]
        assert [tuple(part.rows[i]) if i >= 0 else None for i in part.index[k]] == wanted


def test_on_the_grid_neighbours_run_once_and_keep_its_bits():
    one = lattice({"risk.stop": {"start": 0.1, "stop": 0.5, "step": 0.1}})
    found = Neighborhood(2).around(one, everything(one))
    # 0.0, 0.6 and 0.7 are not on the grid; 0.1 + 2 * 0.1 is not 0.3 in floats
    assert found.rows[:, 3].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.0, 0.6, 0.7]
    assert found.index[0].tolist() == [-1, 5, 1, 2]
    assert found.index[2].tolist() == [0, 1, 3, 4]


def test_counts_are_known_before_anything_is_built():
    six = {name: [1, 5] for name in ("fast", "slow")} | {"risk.stop": [0.1, 0.2], "side": ["long", "both"]}
    one = lattice(six)
    assert Neighborhood(2).count(one) == 5**3 - 1
    assert Neighborhood(2, "star").count(one) == 12
    assert Neighborhood(0).count(one) == 0
    many = lattice(
        {"fast": {"start": 1, "stop": 40, "step": 1}, "slow": {"start": 1, "stop": 100, "step": 1}}
    )
    with pytest.raises(ResourceError, match="shape: star"):
        Neighborhood(200).around(many, everything(many))


def test_words_and_fixed_values_have_no_neighbours():
    one = lattice({"side": ["long", "short"], "slow": 20})
    found = Neighborhood(2).around(one, everything(one))
    assert found.index.shape == (2, 0)
    assert len(found.rows) == 2


def test_too_near_is_remarked():
    one = lattice({"slow": [20, 60, 90], "fast": [5, 10]})
    (text,) = Neighborhood(1).remarks(one)
    assert text.startswith("s.slow: a neighbour is 1 away, under 2 % of values beyond 50 (largest 90)")
    assert Neighborhood(1, unit="grid").remarks(one) == []
    assert Neighborhood(0).remarks(one) == []
