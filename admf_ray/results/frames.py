"""Stored points as pandas frames, in lattice order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from admf_ray.errors import ConfigError, closest
from admf_ray.later import pd
from admf_ray.results.points import StoredPoints
from admf_ray.results.store import RunStore

__all__ = ["heatmap_frame", "index_table", "joined", "points_frame", "window_frame"]

Ints = NDArray[np.int64]


def index_table(strategy: str, ids: Ints, n_points: int) -> pa.Table:
    """Return which points a search is of, in order: ``point_id``, ``strategy``, ``off_grid``."""
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(ids), dtype=np.int32)), pa.array([strategy]))
    return pa.table(
        {"point_id": pa.array(ids), "strategy": words, "off_grid": pa.array(np.arange(len(ids)) >= n_points)}
    )


def points_frame(
    stored: StoredPoints, off_grid: NDArray[np.bool_], window: str, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the stored rows of one window in the order of ``stored.ids``; points without a row are left out.

    Parameters
    ----------
    stored : StoredPoints
    off_grid : bool array (n,)
    window : str
    columns : sequence of str, optional
        Besides ``point_id``; all but lists by default.

    Raises
    ------
    ConfigError
        No such window or column.
    """
    if window not in stored.context.window_names:
        hint = closest(window, stored.context.window_names)
        raise ConfigError(f"window '{window}': must be one of the run's{hint or '; such as full or train_0'}")
    if not stored.parts:
        return pd.DataFrame({"point_id": pd.Series(dtype="int64")})
    schema = stored.store.dataset(stored.parts).schema
    every = [one.name for one in schema if not pa.types.is_nested(one.type)]
    wanted = every if columns is None else ["point_id", *columns]
    for name in wanted:
        if name not in schema.names:
            raise ConfigError(
                f"column '{name}': not stored{closest(name, every) or '; has ' + ', '.join(every)}"
            )
    table = stored.store.read_parts(stored.parts, list(dict.fromkeys(wanted)), stored.rows_of(window))
    places, wanted_rows = stored.places(table["point_id"].to_numpy())
    kept = np.flatnonzero(wanted_rows)
    if (np.diff(places) <= 0).any():
        turn = np.unique(places, return_index=True)[1]  # parts of two tilings may hold the same rows
        table, places = table.take(pa.array(kept[turn])), places[turn]
    elif len(kept) != table.num_rows:
        table = table.take(pa.array(kept))
    frame: pd.DataFrame = table.to_pandas(self_destruct=True, split_blocks=True)
    frame.insert(1, "off_grid", off_grid[places])
    return frame


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return tables under each other; a column that one lacks is missing there."""
    return pd.concat(tables, ignore_index=True)


def window_frame(store: RunStore, name: str, window: str, strategy: str) -> pd.DataFrame:
    """Return a stored table's rows of one window and strategy, without those two columns."""
    table = store.read_table(name)
    chosen = table.filter((pc.field("window") == window) & (pc.field("strategy") == strategy))
    return chosen.drop_columns(["window", "strategy"]).to_pandas()


def heatmap_frame(frame: pd.DataFrame, x: str, y: str, value: str, reduce: str) -> pd.DataFrame:
    """Return a value over two parameters, the other ones reduced; rows by `y`, columns by `x`.

    Raises
    ------
    ConfigError
        No such parameter or column.
    """
    for name in (x, y, value):
        if name not in frame:
            raise ConfigError(
                f"heatmap: no column '{name}'{closest(name, [str(one) for one in frame]) or ''}; see points()"
            )
    how: Any = {
        "median": "median",
        "mean": "mean",
        "max": "max",
        "lower_quartile": lambda v: v.quantile(0.25),
    }
    if reduce not in how:
        raise ConfigError(f"heatmap: reduce must be one of {', '.join(how)}, found '{reduce}'; choose one")
    return frame.pivot_table(index=y, columns=x, values=value, aggfunc=how[reduce])
