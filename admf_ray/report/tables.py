"""A run's folder as the report reads it: tables that may be there or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow.compute as pc

from admf_ray.errors import StoreError
from admf_ray.results.points import parts_of
from admf_ray.results.store import RunStore

__all__ = ["Tables"]


@dataclass(frozen=True)
class Tables:
    """What is in a run's folder.

    Parameters
    ----------
    store : RunStore

    Raises
    ------
    StoreError
        When something is asked for: it is damaged, or of another version.
    """

    store: RunStore

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the run is of."""
        return self.store.manifest()

    @cached_property
    def mining(self) -> dict[str, Any]:
        """The configuration of phase 1."""
        found: dict[str, Any] = self.manifest.get("pipeline", {}).get("phase_1_mining", {})
        return found

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Counts and walk-forward figures of phase 1."""
        return self.facts("summary.json")

    @cached_property
    def objective(self) -> str:
        """What the search aimed at."""
        found = self.summary.get("objective") or self.mining.get("parameter_search", {}).get("objective")
        return str(found or "sharpe")

    @property
    def contexts(self) -> list[dict[str, Any]]:
        """What names each strategy's rows."""
        found: list[dict[str, Any]] = self.manifest.get("contexts", [])
        return found

    def facts(self, name: str) -> dict[str, Any]:
        """Return a JSON file's content, empty where there is none."""
        if not self.store.exists(name):
            return {}
        found = self.store.read_json(name)
        if not isinstance(found, dict):
            raise StoreError(
                f"{self.store.uri}/{name}: must be a mapping, found {type(found).__name__}; remove it"
            )
        return found

    def frame(self, name: str, *needed: str, window: str | None = None) -> pd.DataFrame | None:
        """Return a table; None where there is none or it is empty.

        Parameters
        ----------
        name : str
            Without suffix.
        *needed : str
            Columns that the report cannot do without.
        window : str, optional
            Rows of this window alone: of a million points and many windows, the rest is not read.

        Raises
        ------
        StoreError
            One of them is missing.
        """
        file = f"{name}.parquet"
        if not self.store.exists(file):
            return None
        table = self.store.read_table(file, filters=None if window is None else pc.field("window") == window)
        missing = [one for one in needed if one not in table.column_names]
        if missing and table.num_rows:
            raise StoreError(
                f"{self.store.uri}/{file}: must have {', '.join(missing)}, found "
                f"{', '.join(table.column_names)}; make it again with this version"
            )
        return _plain(table.to_pandas()) if table.num_rows else None

    def points(self, context: Mapping[str, Any], *columns: str) -> pd.DataFrame:
        """Return a strategy's points over the training span, in lattice order, off-grid ones behind.

        Parameters
        ----------
        context : mapping
            One of `contexts`.
        *columns : str
            Figures, besides ``point_id``, ``off_grid``, the searched parameters and ``status``.
        """
        index = self.store.read_table("index.parquet")
        own = _plain(index.filter(pc.equal(index["strategy"], context["strategy"])).to_pandas())
        wanted = list(dict.fromkeys(["point_id", *context["varied"], "status", *columns]))
        names = list(parts_of(self.store, context["digest"]))
        if not names:
            return own.iloc[:0].reindex(columns=[*own.columns, *wanted[1:]])
        known = self.store.dataset(names).schema.names
        missing = [one for one in wanted if one not in known]
        if missing:
            raise StoreError(f"{self.store.uri}: parts must have {', '.join(missing)}, found none; run again")
        rows = self.store.read_parts(names, wanted, pc.field("window") == "full")
        return own.drop(columns="strategy").merge(_plain(rows.to_pandas()), on="point_id", how="inner")


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose words are plain texts."""
    words = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(words, object))
