import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_ray.cluster.schedule import Rates
from admf_ray.cluster.tiles import LONGEST_S, MOST_ROWS, NOMINAL_NS, SHORTEST_S, Tile, tile_points, tiles_of
from tests.unit.cluster.made import job


def test_a_tile_as_trials_carry_it():
    tile = Tile(2, 10, 25)
    assert str(tile) == "2:10:25"
    assert Tile.parse(str(tile)) == tile


@given(st.lists(st.integers(1, 300), min_size=1, max_size=4), st.integers(1, 50))
def test_every_point_is_in_one_tile_in_order(counts, size):
    tiles = tiles_of([job(count) for count in counts], size)
    assert tiles == sorted(tiles)
    for k, count in enumerate(counts):
        own = [tile for tile in tiles if tile.job == k]
        assert [place for tile in own for place in range(tile.begin, tile.end)] == list(range(count))
        assert all(tile.end - tile.begin == size for tile in own[:-1])


@given(st.integers(2, 300), st.integers(1, 40), st.data())
def test_what_is_left_lies_in_the_tiles_it_lay_in(count, size, data):
    todo = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    whole, left = tiles_of([job(count)], size), tiles_of([job(count, todo=todo)], size)
    assert left == [tile for tile in whole if any(tile.begin <= place < tile.end for place in todo)]


def test_nothing_left_is_no_tile():
    assert tiles_of([job(10, todo=[])]) == []


@pytest.mark.parametrize(
    ("count", "steps", "compiled"),
    [
        (10**7, 10_000, True),
        (10**5, 2_000, True),
        (10**6, 1_000, True),
        (100, 10**6, False),
        (3, 10**9, False),
    ],
)
def test_a_tile_is_worth_while_and_bounded(count, steps, compiled):
    of = job(count, steps=steps, compiled=compiled)
    size = tile_points([of], of)
    nominal_s = size * steps * NOMINAL_NS[compiled] / 1e9
    assert nominal_s <= LONGEST_S or size == 1
    assert nominal_s >= SHORTEST_S / 2 or size in (1, count, MOST_ROWS)
    tiles = -(-count // size)
    assert size * tiles - count < tiles, "all of one size"


def test_tiles_follow_from_the_work_alone(monkeypatch):
    """Neither cores nor what was measured before has a say."""
    jobs = [job(50_000, steps=5_000), job(300, compiled=False)]
    tiles = tiles_of(jobs)
    assert len(tiles) > 5
    monkeypatch.setattr("os.cpu_count", lambda: 999)
    known = Rates({"c0": {"ns": 9e9, "bytes": 0.0}})
    monkeypatch.setattr("admf_ray.cluster.rates.known_rates", lambda: known)
    assert tiles_of(jobs) == tiles


def test_many_windows_make_smaller_parts():
    wide = job(10**7, steps=1, windows=1_000)
    assert tile_points([wide], wide) * 1_000 <= MOST_ROWS
    assert np.isclose(tile_points([wide], wide), MOST_ROWS / 1_000, rtol=0.01)
