"""Heatmaps: what is chosen, what is outlined, how far a neighbourhood reaches."""

import numpy as np
import pandas as pd

from admf_ray.report.heatmaps import Mapped, heatmaps
from admf_ray.report.plateau import edges_of, plateau_of, reach, side_of
from admf_ray.report.style import thinned


def test_a_plateau_is_connected_and_keeps_most():
    robust = np.array([[1.0, 0.9, 0.1, 1.0], [0.5, 0.85, np.nan, 1.0]])
    assert plateau_of(robust, 0, 0).tolist() == [[True, True, False, False], [False, True, False, False]]
    assert not plateau_of(-robust, 0, 0).any()


def test_an_outline_goes_once_around():
    inside = np.array([[False, True], [True, True]])
    xs, ys = edges_of(inside)
    pieces = {
        (min(xs[k], xs[k + 1]), min(ys[k], ys[k + 1]), xs[k] == xs[k + 1]) for k in range(0, len(xs), 3)
    }
    assert len(pieces) == len(xs) // 3 == 8
    assert set(xs[2::3]) == {None}


def test_a_reach_of_grid_steps_covers_whole_cells():
    side = side_of("slow", pd.Series([10, 20, 30, 40]))
    assert reach(side, 20.0, np.array([10.0, 20.0, 30.0, 40.0]), 1) == (-0.5, 2.5)
    assert reach(side, 20.0, np.array([10.0, 19.0, 20.0, 21.0, 30.0]), 1) == (0.85, 1.15)


def mapped(judged=True):
    grid = pd.DataFrame({"a": [1, 1, 2, 2] * 2, "b": ["x", "y"] * 4, "c": [5.0] * 4 + [6.0] * 4})
    grid["score"] = [0.1, 0.2, 0.3, 3.0, 0.5, 0.6, 1.0, 0.9]
    grid["robust_score"] = [0.1, 0.1, 0.1, 0.2, 0.4, 0.5, 0.8, 0.7]
    grid["sharpe"] = grid["score"]
    return Mapped("s", ["a", "b", "c"], "sharpe", grid, grid, 1, judged)


def test_chosen_by_robust_score_the_peak_by_the_objective():
    one = mapped()
    assert one.name(one.chosen) == "a = 2, b = x, c = 6"
    assert one.name(one.peak) == "a = 2, b = y, c = 5"
    assert mapped(judged=False).chosen == one.peak


def test_maps_are_of_the_two_most_important_parameters():
    weighed = heatmaps(mapped(), {"a": 0.1, "b": 0.9, "c": 0.5})
    assert len(weighed) == 2
    first = weighed[0][0]
    assert first.title == "s: robust score at a = 2"
    assert first.figure.layout.xaxis.title.text == "b"
    assert first.figure.layout.yaxis.title.text == "c"
    robust, raw = (np.array(one.figure.data[0].z) for one in weighed[0])
    assert robust.tolist() == [[0.1, 0.2], [0.8, 0.7]]
    assert raw.tolist() == [[0.3, 3.0], [1.0, 0.9]]
    names = {trace.name for trace in first.figure.data}
    assert {"plateau", "chosen (robust score)", "raw optimum"} <= names
    assert weighed[0][0].figure.data[0].zmax == weighed[0][1].figure.data[0].zmax


def test_thinning_keeps_the_extremes():
    rng = np.random.default_rng(0)
    curve = rng.standard_normal(100_000)
    curve[[777, 55_555]] = 50.0, -50.0
    kept = thinned(curve)
    assert {0, 777, 55_555, 99_999} <= set(kept.tolist())
    assert len(kept) < 2_000
