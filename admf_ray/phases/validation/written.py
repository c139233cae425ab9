"""What phase 3 leaves in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from admf_ray.phases.validation.exam import Hall
from admf_ray.phases.validation.verdict import Verdict
from admf_ray.phases.written import finite
from admf_ray.results.store import RunStore

__all__ = ["COMPARISON", "CURVES", "DRIFT", "QUARTERS", "VALIDATION", "VERDICT", "write_validation"]

VALIDATION, DRIFT, QUARTERS = "validation.parquet", "drift.parquet", "quarters.parquet"
COMPARISON, CURVES, VERDICT = "comparison.parquet", "validation_curves.parquet", "verdict.json"
FIGURES = (
    "total_return", "annual_return", "sharpe", "sortino", "max_drawdown", "volatility", "trades", "win_rate",
    "profit_factor", "mean_exposure", "matched_excess_sharpe",
)  # fmt: skip


def write_validation(
    store: RunStore,
    verdict: Verdict,
    trained: Mapping[str, Any],
    tested: Mapping[str, Any],
    compared: Mapping[str, Sequence[Mapping[str, Any]]],
    halls: tuple[Hall, Hall],
) -> None:
    """Write the tables and ``verdict.json``.

    Notes
    -----
    ``validation.parquet`` a row a finalist; ``quarters.parquet`` a row a finalist and test quarter;
    ``drift.parquet`` a row a finalist and neighbour, price noise or delay, on training and on test data;
    ``comparison.parquet`` a row a finalist and figure; ``validation_curves.parquet`` every bar's return.
    """
    _write(store, VALIDATION, [one.row() for one in verdict.candidates])
    quarters, drifts, comparisons = [], [], []
    for one in verdict.candidates:
        answer = tested[one.name]
        for window, figures in answer["windows"].items():
            head = {"name": one.name, "quarter": window, "verified": answer["verified"][window]}
            quarters.append({**head, **_figures(figures), "open_at_end": figures["open_at_end"]})
        for side, answers in (("training", trained), ("test", tested)):
            for k, near in enumerate(answers[one.name]["neighbours"]):
                head = {"name": one.name, "data": side, "kind": "drift" if k else "unperturbed"}
                drifts.append({**head, "told": near["told"], **_figures(near["metrics"])})
        for k, figures in enumerate(answer.get("noise", ())):
            drifts.append(
                {
                    "name": one.name,
                    "data": "test",
                    "kind": "noise",
                    "told": f"prices {k}",
                    **_figures(figures),
                }
            )
        if "delay" in answer:
            head = {"name": one.name, "data": "test", "kind": "delay", "told": "one bar later"}
            drifts.append({**head, **_figures(answer["delay"])})
        comparisons += [{"name": one.name, **row} for row in compared[one.name]]
    _write(store, QUARTERS, quarters)
    _write(store, DRIFT, drifts)
    _write(store, COMPARISON, comparisons)
    store.write_table(CURVES, _curves(verdict, (trained, tested), halls))
    store.write_json(VERDICT, finite(verdict.plain()))


def _figures(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: float(metrics[name]) for name in FIGURES}


def _write(store: RunStore, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a table; one of an earlier verdict does not stay where there are no rows."""
    if rows:
        store.write_table(name, pa.Table.from_pylist(list(rows)))
    else:
        store.remove(name)


def _curves(verdict: Verdict, answers: tuple[Mapping[str, Any], ...], halls: tuple[Hall, Hall]) -> pa.Table:
    """Return every bar's return of each finalist, training first."""
    parts = []
    for side, found, hall in zip(("training", "test"), answers, halls, strict=True):
        time_ns = hall.bars.time_ns[hall.full.start : hall.full.stop]
        for one in verdict.candidates:
            n = len(time_ns)
            parts.append(
                pa.table(
                    {
                        "name": pa.array(np.repeat(one.name, n)),
                        "data": pa.array(np.repeat(side, n)),
                        "time": pa.array(time_ns, type=pa.timestamp("ns", tz="UTC")),
                        "return": pa.array(np.array(found[one.name]["returns"])),
                    }
                )
            )
    return pa.concat_tables(parts) if parts else pa.table({"name": pa.array([], type=pa.string())})
