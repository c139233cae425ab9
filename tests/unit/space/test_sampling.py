from collections import Counter
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_ray.errors import ConfigError
from admf_ray.space.grid import parse_grid
from admf_ray.space.parameters import Choice, Param
from admf_ray.space.sampling import Draws, draw
from admf_ray.space.space import Space

COLUMNS = {
    "fast": Param(5, 1, 10**12),
    "slow": Param(9, 1, 10**12),
    "side": Choice("long", ("long", "short", "both")),
    "stop": Param(0.0, 0.0, 1.0),
}


def space(*parameters, constraints=()):
    entries = {
        f"s{k}": {"parameters": one, "constraints": list(constraints)} for k, one in enumerate(parameters)
    }
    grids = parse_grid({"strategies": entries}).strategies
    return Space(tuple(grid.lattice(COLUMNS) for grid in grids))


def to(n):
    return {"start": 1, "stop": n, "step": 1}


def admissible(one):
    return [np.concatenate([np.empty(0, int), *lattice.blocks()]) for lattice in one.lattices]


grids = st.fixed_dictionaries(
    {"fast": st.integers(1, 6).map(to), "slow": st.integers(1, 6).map(to)},
    optional={"side": st.just(["long", "short"])},
)


@settings(max_examples=80)
@given(st.lists(grids, min_size=1, max_size=3), st.integers(1, 60), st.integers(0, 2**63 - 1), st.booleans())
def test_distinct_admissible_in_order_and_again_the_same(parameters, n, seed, constrained):
    one = space(*parameters, constraints=["fast <= slow"] if constrained else [])
    every = admissible(one)
    found = draw(one, n, seed)
    assert sum(part.size for part in found) == min(n, sum(part.size for part in every))
    for part, possible in zip(found, every, strict=True):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
        assert np.isin(part, possible).all()
    assert [part.tolist() for part in draw(one, n, seed)] == [part.tolist() for part in found]
    more = draw(one, n + 5, seed)
    assert all(np.isin(part, whole).all() for part, whole in zip(found, more, strict=True))


def test_all_of_them_when_there_are_no_more():
    one = space({"fast": to(4), "slow": to(4)}, {"fast": 3, "slow": to(5)}, constraints=["fast < slow"])
    for part, every in zip(draw(one, 99, 3), admissible(one), strict=True):
        assert part.tolist() == every.tolist() != []


@pytest.mark.parametrize("listed", [True, False])
def test_each_subset_is_as_likely_by_listing_and_by_drawing(listed, monkeypatch):
    monkeypatch.setattr("admf_ray.space.sampling.BATCH_POINTS", 4)
    # 6 admissible points, in two lattices of unequal size
    one = space(
        {"fast": to(3), "slow": to(3)}, {"fast": 1, "slow": [1, 2, 3, 9]}, constraints=["fast < slow"]
    )
    assert [part.size for part in admissible(one)] == [3, 3]
    n_seeds = 4_000
    seen = Counter(tuple(sorted(Draws(one, seed, listed).take(2))) for seed in range(n_seeds))
    assert len(seen) == comb(6, 2)
    expected = n_seeds / len(seen)
    # chi-squared with 14 degrees of freedom: 99.99 % lie below 42.6
    assert sum((count - expected) ** 2 / expected for count in seen.values()) < 42.6


def test_seeds_differ():
    one = space({"fast": to(1000), "slow": to(1000)})
    first, second = (draw(one, 100, seed)[0] for seed in (0, 1))
    assert np.isin(first, second).mean() < 0.1


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_large_and_beyond_the_machine_word(seed):
    wide = {"fast": to(10**12), "slow": to(10**12)}
    one = space({"fast": to(2000), "slow": to(2000)}, wide, constraints=["fast < slow"])
    assert one.size > 2**64
    small, large = draw(one, 300, seed)
    assert small.size == 0  # 4 * 10^6 points of 10^24
    assert small.dtype == np.int64
    assert len(set(large)) == 300
    assert one.lattices[1].admissible(large).all()
    # a triangle's points: the larger of two uniform numbers averages 2/3
    values = one.lattices[1].values(large)
    assert values[:, 1].mean() / 10**12 == pytest.approx(2 / 3, abs=0.1)
    assert draw(one, 300, seed)[1].tolist() == large.tolist()
    millions = space({"fast": to(2000), "slow": to(2000)}, {"fast": to(1000), "slow": to(2000)})
    parts = draw(millions, 3000, seed)
    assert sum(part.size for part in parts) == 3000
    assert parts[0].size == pytest.approx(2000, abs=200)


def test_constraints_that_admit_next_to_nothing():
    none = space({"fast": to(9), "slow": to(3)}, constraints=["fast > slow + 9"])
    with pytest.raises(ConfigError, match=r"^s0: enough points of the grid must satisfy fast > slow \+ 9, "):
        draw(none, 3, 0)
    # too few to hit, yet few enough to list
    thin = space({"fast": to(3000), "slow": to(1000)}, constraints=["fast == 7", "slow < 6"])
    assert draw(thin, 3, 0)[0].size == 3
    assert draw(thin, 9, 0)[0].tolist() == [6000 + k for k in range(5)]
    hopeless = space({"fast": to(10**9), "slow": to(10**9)}, constraints=["fast == 7 * slow"])
    with pytest.raises(ConfigError, match=r"found 0 among [\d,]+ drawn; ask for fewer samples or move"):
        draw(hopeless, 3, 0)
