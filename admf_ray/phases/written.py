"""What phase 1 leaves beside the points: what their neighbours say, what windows chose, and how that did."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from admf_ray.phases.mined import Mined, Searched
from admf_ray.phases.walk import Walked, walk
from admf_ray.results.frames import index_table
from admf_ray.results.points import StoredPoints
from admf_ray.results.store import RunStore

__all__ = ["CURVES", "INDEX", "NEIGHBORHOOD", "SUMMARY", "WALK_FORWARD", "finite", "write_mined"]

INDEX, NEIGHBORHOOD = "index.parquet", "neighborhood.parquet"
WALK_FORWARD, CURVES, SUMMARY = "walk_forward.parquet", "curves.parquet", "summary.json"


def write_mined(store: RunStore, mined: Mined) -> None:
    """Write index, neighbourhood, walk-forward windows, curves and summary.

    Notes
    -----
    All follow from the points, so a crash before they are written costs their making and nothing else.
    """
    store.write_tables(
        INDEX, (index_table(one.stack.strategy.label(), _ids(one), one.n_points) for one in mined.searched)
    )
    if mined.neighborhood:
        store.write_tables(NEIGHBORHOOD, _judged(mined))
    if mined.folds:
        store.write_table(WALK_FORWARD, pa.Table.from_pylist([_flat(row) for row in mined.walk_forward]))
    walked = walk(mined)
    if walked is not None:
        store.write_table(CURVES, _curves(mined, walked))
    store.write_json(
        SUMMARY,
        {
            "points": mined.n_points,
            "off_grid": mined.n_off_grid,
            "windows": [window.name for window in mined.windows],
            "objective": mined.objective,
            "select_by": mined.select_by,
            "remarks": list(mined.remarks),
            "walk_forward": None if walked is None else finite(walked.summary()),
        },
    )


def _curves(mined: Mined, walked: Walked) -> pa.Table:
    """Return both walk-forward curves, a row a bar: time, window, growth of each, 1 before the first bar."""
    owner = np.concatenate([np.full(one.stop - one.start, one.window) for one in walked.pieces])
    return pa.table(
        {
            "time": pa.array(mined.bars.time_ns[walked.bars], type=pa.timestamp("ns", tz="UTC")),
            "fold": pa.array(owner),
            "stitched": pa.array(np.cumprod(1.0 + walked.returns)),
            "continuous": pa.array(walked.continuous),
        }
    )


def _judged(mined: Mined) -> Iterator[pa.Table]:
    """Yield one table per window and strategy: each point of the grid and what its neighbours say."""
    for window in mined.judged:
        for one in mined.searched:
            robust = one.robust(window)
            n = one.n_points
            yield pa.table(
                {
                    "point_id": pa.array(_ids(one)[:n]),
                    "strategy": _word(one.stack.strategy.label(), n),
                    "window": _word(window, n),
                    "score": pa.array(one.scores(window)[:n]),
                    **{name: pa.array(figure) for name, figure in robust._asdict().items()},
                }
            )


def _ids(one: Searched) -> np.ndarray[Any, np.dtype[np.int64]]:
    assert isinstance(one.figures, StoredPoints)
    return one.figures.ids


def _word(word: str, n: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, dtype=np.int32)), pa.array([word]))


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row whose parameters are one text, ``fast=5, slow=20``."""
    return {
        k: ", ".join(f"{a}={b}" for a, b in v.items()) if isinstance(v, Mapping) else v
        for k, v in row.items()
    }


def finite(row: Mapping[str, Any] | Sequence[Any]) -> Any:
    """Return plain data with numbers that JSON has no word for as None."""
    if isinstance(row, Mapping):
        return {k: finite(v) for k, v in row.items()}
    if isinstance(row, (list, tuple)):
        return [finite(v) for v in row]
    return None if isinstance(row, float) and not math.isfinite(row) else row
