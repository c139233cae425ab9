"""Finalists: what training evidence puts forward, in order, with reasons; phase 3 tests no others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from admf_ray.cluster.jobs import StackNames
from admf_ray.results.store import RunStore
from admf_ray.space.parameters import parameters_text

__all__ = ["FINALISTS", "Finalist", "read_finalists", "write_finalists"]

FINALISTS = "finalists.parquet"


@dataclass(frozen=True)
class Finalist:
    """A point that training evidence puts forward.

    Attributes
    ----------
    rank : int
        1 is the first; fixed before test data are opened.
    strategy : str
    point_id : int
        As its row in the store has it.
    components : StackNames
        The stack it was run with.
    parameters : mapping
        All parameters of all components, by full name: ``components.build().vector(parameters)`` is its row.
    source : str
        ``grid``, or the name of the experiment whose variant it is.
    score : float
        What it is ordered by; higher is better.
    scores : mapping of str to float
        Every figure of training evidence, see `COLUMNS`; NaN where it is undefined.
    reasons_for, reasons_against : tuple of str
        In words and numbers.
    """

    rank: int
    strategy: str
    point_id: int
    components: StackNames
    parameters: Mapping[str, Any]
    source: str
    score: float
    scores: Mapping[str, float]
    reasons_for: tuple[str, ...]
    reasons_against: tuple[str, ...]

    @property
    def identity(self) -> str:
        """What names it in a ledger of looks: equal for equal code and parameters."""
        return f"{self.strategy}:{self.point_id}"

    @property
    def varied(self) -> str:
        """Its strategy and the strategy's own parameters, ``ma_crossover(fast=5, slow=40)``."""
        return f"{self.strategy}({parameters_text(self.parameters, own=True)})"


def write_finalists(store: RunStore, finalists: Sequence[Finalist]) -> None:
    """Write ``finalists.parquet``: a row each, first the best; mappings as JSON."""
    rows = [
        {
            "rank": one.rank,
            "point_id": one.point_id,
            "strategy": one.strategy,
            "source": one.source,
            "score": one.score,
            "components": json.dumps(one.components._asdict()),
            "parameters": json.dumps(dict(one.parameters)),
            "scores": json.dumps({name: None if v != v else v for name, v in one.scores.items()}),
            "reasons_for": list(one.reasons_for),
            "reasons_against": list(one.reasons_against),
        }
        for one in finalists
    ]
    store.write_table(FINALISTS, pa.Table.from_pylist(rows, schema=SCHEMA))


def read_finalists(store: RunStore) -> tuple[Finalist, ...]:
    """Return a run's finalists, in order.

    Raises
    ------
    StoreError
        Phase 2 has not been run.
    """
    return tuple(_finalist(row) for row in store.read_table(FINALISTS).to_pylist())


def _finalist(row: Mapping[str, Any]) -> Finalist:
    names = json.loads(row["components"])
    scores = {k: float("nan") if v is None else v for k, v in json.loads(row["scores"]).items()}
    return Finalist(
        row["rank"],
        row["strategy"],
        row["point_id"],
        StackNames(**{**names, "filters": tuple(names["filters"])}),
        json.loads(row["parameters"]),
        row["source"],
        row["score"],
        scores,
        tuple(row["reasons_for"]),
        tuple(row["reasons_against"]),
    )


SCHEMA = pa.schema(
    [
        ("rank", pa.int64()),
        ("point_id", pa.int64()),
        ("strategy", pa.string()),
        ("source", pa.string()),
        ("score", pa.float64()),
        ("components", pa.string()),
        ("parameters", pa.string()),
        ("scores", pa.string()),
        ("reasons_for", pa.list_(pa.string())),
        ("reasons_against", pa.list_(pa.string())),
    ]
)
