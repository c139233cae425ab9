"""A strategy's stored points as arrays, in the order that was asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from admf_ray.errors import StoreError
from admf_ray.results.identity import distinct
from admf_ray.results.schema import STATUSES, Context, digest_in
from admf_ray.results.store import RunStore

__all__ = ["StoredPoints", "ids_on", "parts_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _facts(store: RunStore, name: str) -> dict[str, Any]:
    """Return what a part says of itself; nothing where it is damaged or somebody else's file."""
    schema = store.part_schema(name)
    text = None if schema is None else (schema.metadata or {}).get(b"admf_ray")
    return {} if text is None else dict(json.loads(text))


def parts_of(store: RunStore, digest: str) -> dict[str, int]:
    """Return the parts of a context by name, with each one's first point; damaged ones are set aside.

    Notes
    -----
    Files that others have put beside the parts are passed over, here and in `ids_on`.
    """
    found = {}
    for name in store.parts():
        if digest_in(name) == digest[:12]:
            facts = _facts(store, name)
            if facts.get("digest") == digest:
                found[name] = int(facts["first_id"])
    return found


def ids_on(store: RunStore, bars: str) -> dict[str, Ints]:
    """Return the distinct points a run has rows of, by context, of those on bars of this content hash.

    Parameters
    ----------
    store : RunStore
    bars : str
    """
    import pyarrow.compute as pc

    parts: dict[str, list[str]] = {}
    for name in store.parts():
        facts = _facts(store, name) if digest_in(name) else {}
        if facts.get("bars") == bars:
            parts.setdefault(facts["digest"], []).append(name)
    found = {}
    for digest, names in parts.items():
        table = store.read_parts(names, ["point_id"], pc.field("window") == "full")
        found[digest] = distinct(table["point_id"].to_numpy())
    return found


@dataclass
class StoredPoints:
    """The rows of some points of a context.

    Parameters
    ----------
    store : RunStore
    context : Context
    ids : int64 array (n,)
        The points wanted, in order; distinct.
    parts : list of str, optional
        Only these; all of the context by default.

    Raises
    ------
    StoreError
        Two points share a number.

    Notes
    -----
    Columns are read when asked for, one window at a time, and not kept: `n` numbers each. A point without
    rows has NaN. Parts that appear later are seen after `refresh`.
    """

    store: RunStore
    context: Context
    ids: Ints
    parts: list[str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        order = self._order
        if len(self.ids) > 1 and (self.ids[order][1:] == self.ids[order][:-1]).any():
            raise StoreError(
                f"{self.store.uri}: two points of {self.context.strategy} share a number; leave one value "
                f"of a parameter out, or add one"
            )
        if self.parts is None:
            self.refresh()

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self.ids, kind="stable")

    def refresh(self) -> None:
        """Look for parts again; those of an uninterrupted run then stand in the order of the points."""
        found = parts_of(self.store, self.context.digest)
        if not len(self.ids):
            self.parts = []
            return
        first = np.array(list(found.values()), dtype=np.int64)
        at = np.minimum(np.searchsorted(self.ids, first, sorter=self._order), len(self.ids) - 1)
        place = self._order[at]
        place[self.ids[place] != first] = len(self.ids)
        names = list(found)
        self.parts = [names[k] for k in np.argsort(place, kind="stable")]

    def known(self) -> NDArray[np.bool_]:
        """Tell which points have rows, bool (n,)."""
        found = np.zeros(len(self.ids), dtype=np.bool_)
        if not self.parts:
            return found
        first = self.context.window_names[0]
        table = self._table(["point_id"], first)
        found[self.places(table["point_id"].to_numpy())[0]] = True
        return found

    def column(self, name: str, window: str) -> Floats:
        """Return one figure of every point in a window, (n,); NaN where there is none."""
        return self.columns([name], window)[name]

    def columns(self, names: Sequence[str], window: str) -> dict[str, Any]:
        """Return figures of every point in a window, each (n,) or (n, width) for lists."""
        if not self.parts:
            return {name: np.full(len(self.ids), np.nan) for name in names}
        table = self._table(["point_id", *names], window)
        places, kept = self.places(table["point_id"].to_numpy())
        out: dict[str, Any] = {}
        for name in names:
            column = table[name].combine_chunks()
            own: NDArray[Any]
            if pa.types.is_nested(column.type):
                long = np.asarray(column.flatten())
                own = long.reshape(len(column), long.size // max(len(column), 1))
            else:
                own = column.to_numpy(zero_copy_only=False)
            out[name] = np.full((len(self.ids), *own.shape[1:]), np.nan)
            out[name][places] = own[kept]
        return out

    def blocks(self, name: str, window: str, places: Ints, most: int) -> Iterator[Floats]:
        """Yield a list column of some points, at most so many at a time, each (k, width).

        Parameters
        ----------
        name, window : str
        places : int64 array (n,)
            Places in `ids`, distinct; of points that have rows.
        most : int
            Points at a time.

        Notes
        -----
        For columns such as ``returns`` that are too large to be held: each block reads the parts that its
        points stand in, and no others. A block is one part or a few where places ascend.
        """
        names = np.array(self.parts, dtype=object)
        holder = np.full(len(self.ids), -1, dtype=np.int64)
        if len(names):
            table = self._table(["point_id", "__fragment_index"], window)
            at, kept = self.places(table["point_id"].to_numpy())
            holder[at] = table["__fragment_index"].to_numpy()[kept]
        for begin in range(0, len(places), most):
            some = places[begin : begin + most]
            own = np.unique(holder[some])
            parts = list(names[own[own >= 0]])
            yield StoredPoints(self.store, self.context, self.ids[some], parts).columns([name], window)[name]

    def counts(self) -> Counter[str]:
        """Return how many of the points have each status; those without rows count nowhere."""
        if not self.parts:
            return Counter()
        codes = self._codes(self._table(["point_id", "status"], self.context.window_names[0]))
        counts = np.bincount(codes[codes >= 0], minlength=len(STATUSES)).tolist()
        return Counter({word: count for word, count in zip(STATUSES, counts, strict=True) if count})

    def statuses(self) -> tuple[NDArray[np.int8], dict[int, tuple[str, str]]]:
        """Return each point's place in STATUSES, -1 without rows, and what went wrong by place."""
        errors: dict[int, tuple[str, str]] = {}
        if not self.parts:
            return np.full(len(self.ids), -1, dtype=np.int8), errors
        table = self._table(["point_id", "status", "error_type", "error"], self.context.window_names[0])
        codes = self._codes(table)
        bad = np.flatnonzero(codes > 0)
        if bad.size:
            places, kept = self.places(table["point_id"].to_numpy())
            row_of = dict(zip(places.tolist(), np.flatnonzero(kept).tolist(), strict=True))
            types, texts = table["error_type"], table["error"]
            for place in bad.tolist():
                row = row_of[place]
                errors[place] = (str(types[row].as_py() or ""), str(texts[row].as_py() or ""))
        return codes, errors

    def _codes(self, table: pa.Table) -> NDArray[np.int8]:
        """Return each point's place in STATUSES as a table of one window has it, -1 without rows."""
        places, kept = self.places(table["point_id"].to_numpy())
        column = table["status"].combine_chunks()
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        lookup = np.array([STATUSES.index(word) for word in column.dictionary.to_pylist()], dtype=np.int8)
        codes = np.full(len(self.ids), -1, dtype=np.int8)
        codes[places] = lookup[column.indices.to_numpy()[kept]]
        return codes

    def rows_of(self, window: str) -> Any:
        """Return the filter that leaves a window's rows; None where there are no others."""
        import pyarrow.compute as pc

        return None if self.context.window_names == (window,) else pc.field("window") == window

    def _table(self, columns: list[str], window: str) -> pa.Table:
        return self.store.read_parts(self.parts or [], columns, self.rows_of(window))

    def places(self, got: Ints) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return where rows with these numbers belong in `ids`, and which of them are wanted.

        Parameters
        ----------
        got : int64 array (m,)
            Numbers of points, as a table has them.

        Returns
        -------
        (int array (k,), bool array (m,))
            Places of the wanted rows, and which they are.
        """
        if np.array_equal(got, self.ids):  # an uninterrupted run's parts stand in order
            return np.arange(len(got)), np.ones(len(got), dtype=np.bool_)
        ordered = self.ids[self._order]
        at = np.minimum(np.searchsorted(ordered, got), len(ordered) - 1)
        kept = ordered[at] == got
        return self._order[at[kept]], kept
