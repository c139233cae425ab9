"""What is refused before anything is read or run."""

import pytest

from admf_ray.config.load import parse_pipeline
from admf_ray.errors import ResourceError
from admf_ray.phases import proposing
from tests.searching import pipeline


@pytest.mark.parametrize(
    ("points_per_s", "said"),
    [
        (100.0, "1 s"),
        (1.0, "12 s"),
        (0.1, "2 minutes"),
        (0.001, "3 hours"),
        (0.0001, "33 hours"),
        (1e-5, "14 days"),
    ],
)
def test_a_grid_too_large_says_how_long_it_would_take(tmp_path, monkeypatch, points_per_s, said):
    body = pipeline(tmp_path, folds=False)
    search = body["pipeline"]["phase_1_mining"]["parameter_search"]
    search |= {"max_points": 10, "neighborhood_testing": {"enabled": False}}
    monkeypatch.setattr(proposing, "POINTS_PER_S", points_per_s)
    monkeypatch.setattr(proposing.os, "cpu_count", lambda: 1)
    with pytest.raises(ResourceError) as caught:
        proposing.refuse_many(parse_pipeline(body))
    assert f"found 12 ({said} for one window on 1 cores)" in str(caught.value)
