import itertools
import pickle
import tracemalloc
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


@settings(max_examples=100)
@given(grids, nears, st.sampled_from([(), ("fast < slow",), ("risk.stop * fast <= 2",)]))
def test_neighbours_equal_brute_force_and_stand_once(parameters, near, constraints):
    one = lattice(parameters, constraints)
    indices = everything(one)
    found = near.around(one, indices)
    rows, index = [tuple(row) for row in found.rows()], found.index(0, len(indices))
    assert len(set(rows)) == len(rows) == len(found) <= near.count_rows_upper(one)
    assert (found.rows(0, found.n_points) == one.values(indices)).all()
    assert index.shape == (len(indices), near.count(one))
    wanted = by_hand(one, indices, near)
    for k, own in enumerate(index):
        there = own[own >= 0]
        assert len(set(there)) == there.size
        assert k not in there
        assert {rows[i] for i in there} == wanted[k]
    used = set(index.ravel()) - {-1}
    assert used >= set(range(found.n_points, len(rows)))


@settings(max_examples=50)
@given(grids, nears, st.randoms(use_true_random=False))
def test_a_part_of_the_points_has_the_same_neighbours(parameters, near, random):
    one = lattice(parameters)
    whole_grid = near.around(one, everything(one))
    chosen = sorted(random.sample(range(one.size), random.randint(1, one.size)))
    part = near.around(one, np.array(chosen))
    for k, index in enumerate(chosen):
        (wanted,), (own,) = whole_grid.index(index, index + 1), part.index(k, k + 1)
        assert (own < 0).tolist() == (wanted < 0).tolist()
        assert (part.rows()[own[own >= 0]] == whole_grid.rows()[wanted[wanted >= 0]]).all()


def test_on_the_grid_neighbours_run_once_and_keep_its_bits():
    one = lattice({"risk.stop": {"start": 0.1, "stop": 0.5, "step": 0.1}})
    found = Neighborhood(2).around(one, everything(one))
    # 0.0, 0.6 and 0.7 are not on the grid; 0.1 + 2 * 0.1 is not 0.3 in floats
    assert found.rows()[:, 3].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.0, 0.6, 0.7]
    assert found.index(0, 1)[0].tolist() == [-1, 5, 1, 2]
    assert found.index(2, 3)[0].tolist() == [0, 1, 3, 4]


def test_counts_are_known_before_anything_is_built():
    six = {name: [1, 5] for name in ("fast", "slow")} | {"risk.stop": [0.1, 0.2], "side": ["long", "both"]}
    one = lattice(six)
    assert Neighborhood(2).count(one) == 5**3 - 1
    assert Neighborhood(2, "star").count(one) == 12
    assert Neighborhood(0).count(one) == 0
    million = {"start": 1, "stop": 100_000_000, "step": 1}
    grid = parse_grid({"strategies": {"s": {"parameters": {"fast": million, "slow": million}}}})
    wide = grid.strategies[0].lattice({"fast": Param(5, 1), "slow": Param(9, 0)})
    assert Neighborhood(2).count_rows_upper(wide) == (10**8 + 2) * (10**8 + 3)
    assert Neighborhood(2, "star").count_rows_upper(wide) == 10**16 + 5 * 10**8


def dense(one, indices, near):
    """Rows and neighbours by one table of all points times all neighbours."""
    moving, names = one.resolutions(near.unit), list(one.columns)
    points = one.values(indices)
    around = np.full((len(points), near.count(one), len(names)), np.nan)
    for i, index in enumerate(indices):
        point = one.point(int(index))
        for m, offset in enumerate(near.offsets(one)):
            row = points[i].copy()
            for axis, step in zip(one.axes, offset, strict=True):
                if step:
                    value = Decimal(repr(point[axis.name])) + int(step) * moving[axis.name]
                    row[names.index(axis.name)] = float(value)
            low, high = (
                np.array([getattr(p, end, 0.0 if end == "low" else 9.0) for p in one.columns.values()])
                for end in ("low", "high")
            )
            if (row >= low).all() and (row <= high).all() and one.fulfils(row[None])[0]:
                around[i, m] = row
    own = {tuple(row): k for k, row in enumerate(points)}
    searched = [names.index(axis.name) for axis in one.axes]
    flat = {tuple(row) for row in around.reshape(-1, len(names)) if not np.isnan(row).any()}
    others = sorted(flat - own.keys(), key=lambda row: [row[k] for k in searched])
    places = own | {row: len(own) + k for k, row in enumerate(others)}
    index = [[places.get(tuple(row), -1) for row in rows] for rows in around]
    shape = (len(points), near.count(one))
    return np.array([*own, *others]).reshape(-1, len(names)), np.array(index, dtype=np.int64).reshape(shape)


@settings(max_examples=60)
@given(
    grids,
    nears,
    st.sampled_from([(), ("fast < slow",), ("risk.stop * fast <= 2 or side == 'both'",)]),
    st.sampled_from([8, 24, 2**18]),
    st.data(),
)
def test_blocks_equal_one_dense_table(parameters, near, constraints, block, data):
    one = lattice(parameters, constraints)
    indices = everything(one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("admf_ray.space.neighborhood.BLOCK_KEYS", block)
        found = near.around(one, indices)
    rows, index = dense(one, indices, near)
    assert found.rows().tobytes() == rows.tobytes()
    begin, end = sorted(data.draw(st.integers(0, len(rows))) for _ in range(2))
    assert (found.index(begin, end) == index[begin:end]).all()
    part = pickle.loads(pickle.dumps(found.part(begin, end)))
    assert len(part) == end - begin
    assert part.rows().tobytes() == rows[begin:end].tobytes()


def test_a_million_points_cost_some_bytes_each():
    step = {"start": 0.001, "stop": 1, "step": 0.001}
    columns = {"a": Param(0.5, 0, 1), "b": Param(0.5, 0, 1)}
    grid = parse_grid({"strategies": {"s": {"parameters": {"a": step, "b": step}}}})
    one = grid.strategies[0].lattice(columns)
    near = Neighborhood(1, unit="grid")
    tracemalloc.start()
    found = near.around(one, everything(one))
    current, peak = tracemalloc.get_traced_memory()
    assert current < 20 * len(found)
    assert peak < 64 * 2**20
    last = found.index(10**6 - 1000, 10**6)
    assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    tracemalloc.stop()
    # both axes begin one step above their lower bound, and end on the upper
    assert (found.n_points, len(found)) == (10**6, 1001**2) == (one.size, near.count_rows_upper(one))
    assert last[-1].tolist() == [998_998, 998_999, -1, 999_998, -1, -1, -1, -1]
    assert last[0].tolist()[1:3] == [998_000, 998_001]
    assert found.rows(10**6 - 1, 10**6).tolist() == [[1.0, 1.0]]
    assert found.rows(10**6, 10**6 + 2).tolist() == [[0.0, 0.0], [0.0, 0.001]]
    assert len(pickle.dumps(found.part(0, 1000))) < 32_000


@settings(max_examples=60)
@given(grids, nears)
def test_the_upper_bound_is_met_where_steps_divide(parameters, near):
    one = lattice(parameters)
    found, most = len(near.around(one, everything(one))), near.count_rows_upper(one)
    assert found == most or (found < most and near.unit == "unit")


def test_what_is_too_much_is_refused(monkeypatch):
    six = {f"p{k}": [1, 9, 17] for k in range(9)}
    columns = {name: Param(5, 1, 40) for name in six}
    grid = parse_grid({"strategies": {"s": {"parameters": six}}})
    wide = grid.strategies[0].lattice(columns)
    with pytest.raises(ResourceError, match=r"at most 1,000,000 neighbours, found 1,953,124; .*shape: star"):
        Neighborhood(2).around(wide, [0])
    monkeypatch.setattr("admf_ray.space.neighborhood.MOST_ROWS", 100)
    small = lattice({"fast": [5, 15, 25], "slow": [10, 30]})
    assert len(Neighborhood(1).around(small, everything(small))) == 54
    with pytest.raises(ResourceError, match="points and neighbours must be at most 100, found more"):
        Neighborhood(2).around(small, everything(small))


def test_words_and_fixed_values_have_no_neighbours():
    one = lattice({"side": ["long", "short"], "slow": 20})
    found = Neighborhood(2).around(one, everything(one))
    assert found.index(0, 2).shape == (2, 0)
    assert len(found) == 2


def test_too_near_is_remarked():
    one = lattice({"slow": [20, 60, 90], "fast": [5, 10]})
    (text,) = Neighborhood(1).remarks(one)
    assert text.startswith("s.slow: a neighbour is 1 away, under 2 % of values beyond 50 (largest 90)")
    assert Neighborhood(1, unit="grid").remarks(one) == []
    assert Neighborhood(0).remarks(one) == []
