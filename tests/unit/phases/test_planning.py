"""What a plan says of time."""

import pytest

from admf_ray.phases.planning import PlannedStrategy, _seconds


def planned(rows, tile_points, ms):
    return PlannedStrategy("x", rows, rows, -(-rows // tile_points), tile_points, True, ms)


@pytest.mark.parametrize(
    ("strategies", "seconds"),
    [
        ([planned(600, 600, 10.0)], 6.0),  # one tile keeps one of two workers waiting
        ([planned(600, 100, 10.0)], 3.0),
        ([planned(600, 600, 10.0), planned(200, 200, 10.0)], 6.0),
        ([planned(100, 400, 10.0)], 1.0),
        ([planned(600, 100, float("nan")), planned(600, 100, 10.0)], 3.0),
        ([planned(600, 100, float("nan"))], 0.0),
    ],
)
def test_workers_share_tiles_and_no_tile_is_divided(strategies, seconds):
    assert _seconds(strategies, 2) == seconds
