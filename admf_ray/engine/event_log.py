"""Event logs as files: JSON Lines and Parquet."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from admf_ray.engine.events import EVENT_TYPES, Event
from admf_ray.errors import ConfigError
from admf_ray.files import written_whole

__all__ = ["write_events"]

CHUNK_EVENTS = 65_536
_ARROW = {int: pa.int64(), float: pa.float64(), str: pa.string()}


def write_events(events: Sequence[Event], path: str | Path) -> Path:
    """Write events to a file that is whole or not there.

    Parameters
    ----------
    events : sequence of Event
    path : str or Path
        Ending in ``.jsonl`` or ``.parquet``; an old file is replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        Another ending.
    StoreError
        The file cannot be written.

    Notes
    -----
    JSON Lines: ``sequence`` and ``event`` (the type's name) first, then the event's own fields. Parquet: the
    same, in one table with the fields of all types. What is not finite (NaN, infinity) or not a field of that
    type is null.
    """
    target = Path(path)
    if target.suffix not in (".jsonl", ".parquet"):
        raise ConfigError(
            f"{target}: an event log must end in .jsonl or .parquet, found {target.name!r}; rename it"
        )
    with written_whole(target) as file:
        if target.suffix == ".jsonl":
            for row in _rows(events):
                file.write(json.dumps(row, allow_nan=False, default=_plain).encode() + b"\n")
        else:
            schema = _schema()
            with pq.ParquetWriter(file, schema) as writer:
                for begin in range(0, len(events), CHUNK_EVENTS):
                    rows = list(_rows(events[begin : begin + CHUNK_EVENTS]))
                    writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    return target


def _rows(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    for event in events:
        row: dict[str, Any] = {
            "sequence": event.sequence,
            "event": type(event).__name__.removesuffix("Event"),
        }
        for name, value in zip(event._fields[:-1], event[:-1], strict=True):
            row[name] = None if isinstance(value, float) and not math.isfinite(value) else value
        yield row


def _schema() -> pa.Schema:
    columns = {"sequence": pa.int64(), "event": pa.string()}
    for kind in EVENT_TYPES:
        for name in kind._fields[:-1]:
            columns[name] = _ARROW[get_type_hints(kind)[name]]
    return pa.schema(columns)


def _plain(value: Any) -> Any:
    """Return a numpy scalar as the number it is."""
    return value.item()
