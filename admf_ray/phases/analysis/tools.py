"""The configured tools on a run: each a function of what was mined that leaves tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from admf_ray.analysis.consistency import (
    WindowResults,
    confidence_band,
    consistency_of_points,
    consistency_of_rule,
)
from admf_ray.analysis.parameters import ParameterTable
from admf_ray.analysis.sensitivity import Sensitivity, parameter_sensitivity
from admf_ray.cluster.jobs import decoded
from admf_ray.phases.analysis.tables import WHOLE, Found, as_table, shown
from admf_ray.phases.mined import Mined, Searched
from admf_ray.phases.walk import Walked

__all__ = ["consistency", "parameter_table", "sensitivity"]

Floats = NDArray[np.float64]


def parameter_table(one: Searched) -> ParameterTable:
    """Return the searched parameters of a strategy's grid as numbers, words by their place."""
    columns = decoded(one.stack, one.points.rows(0, one.n_points), one.varied)
    values: list[Floats] = []
    words: list[tuple[str, ...] | None] = []
    for name in one.varied:
        own = columns[name]
        if own.dtype.kind in "fiu":
            values.append(own.astype(np.float64))
            words.append(None)
        else:
            known, place = np.unique(own.astype(str), return_inverse=True)
            values.append(place.ravel().astype(np.float64))
            words.append(tuple(known.tolist()))
    stacked = np.column_stack(values) if values else np.empty((one.n_points, 0))
    return ParameterTable(one.varied, stacked, tuple(words))


def sensitivity(mined: Mined, seed: int) -> Found:
    """Run `parameter_sensitivity_heatmap` on each strategy's grid over the full training span."""
    found = Found(facts={"sensitivity": []})
    rows: list[dict[str, Any]] = []
    cells: list[dict[str, Any]] = []
    along: list[dict[str, Any]] = []
    for one in mined.searched:
        name = one.stack.strategy.label()
        scores = one.scores("full")[: one.n_points]
        if not one.varied or not np.isfinite(scores).any():
            found.remarks.append(f"{name}: no parameter varies, or no point has a score; no sensitivity")
            continue
        points = parameter_table(one)
        told = parameter_sensitivity(points, scores, one.robust("full"), seed=seed)
        rows += [{"strategy": name, **_row(told, k, row)} for k, row in enumerate(told.rows())]
        cells += [{"strategy": name, **_cell(points, row)} for row in told.pair_rows()]
        along += [{"strategy": name, **_step(points, row)} for row in told.slice_rows()]
        found.facts["sensitivity"].append(_facts(name, told))
    found.tables = {"sensitivity": as_table(rows), "heatmaps": as_table(cells), "slices": as_table(along)}
    return found


def _row(told: Sensitivity, k: int, row: dict[str, Any]) -> dict[str, Any]:
    points = told.points
    best = points.cell(k, points.values[told.highest.point, k])
    return {**row, "chosen": shown(row["chosen"]), "highest": shown(best)}


def _cell(points: ParameterTable, row: dict[str, Any]) -> dict[str, Any]:
    first, second = (_both(points, row[side], row[f"{side}_value"]) for side in ("first", "second"))
    named = {"first_value": first[0], "second_value": second[0], "first_at": first[1], "second_at": second[1]}
    return {**row, **named}


def _step(points: ParameterTable, row: dict[str, Any]) -> dict[str, Any]:
    text, number = _both(points, row["parameter"], row["value"])
    return {"parameter": row["parameter"], "value": text, "at": number, "score": row["score"],
            "robust_score": row["robust_score"]}  # fmt: skip


def _both(points: ParameterTable, name: str, value: Any) -> tuple[str, float]:
    """Return a value as a text and as a number."""
    words = points.words[points.names.index(name)]
    return shown(value), float(value) if words is None else float(words.index(value))


def _facts(name: str, told: Sensitivity) -> dict[str, Any]:
    return {
        "strategy": name,
        "chosen": told.chosen.row(told.points),
        "highest": told.highest.row(told.points),
        "spikes_frac": told.spikes_frac,
        "failed": told.n_failed,
        "importance_remark": told.importance.remark,
        "r2": told.importance.r2,
    }


def consistency(mined: Mined, walked: Walked | None, seed: int) -> Found:
    """Run `walk_forward_consistency` on every point of the grid and on the selection rule."""
    if walked is None:
        return Found(remarks=["walk_forward_consistency: there are no walk-forward windows; left out"])
    whole = [_results(mined, one) for one in mined.searched]
    blocks = []
    for one, results in zip(mined.searched, whole, strict=True):
        figures = consistency_of_points(results)
        columns = {"scope": ["point"] * one.n_points, "point_id": one.figures.ids[: one.n_points],
                   "strategy": [one.stack.strategy.label()] * one.n_points}  # fmt: skip
        blocks.append(pa.table({**columns, **vars(figures)}))
    at = np.cumsum([0, *(one.n_points for one in mined.searched)])
    chosen = np.array([at[one.strategy] + one.point for one in mined.chosen], dtype=np.int64)
    sides = zip(*(one[:4] for one in whole), strict=True)
    scores = [np.concatenate(side) for side in sides]
    bars = whole[0].train_bars, whole[0].test_bars
    joined = WindowResults(scores[0], scores[1], scores[2], scores[3], *bars)
    rule = consistency_of_rule(joined, _union(mined.searched), chosen).row()
    band = confidence_band(walked.returns, seed=seed)
    table = pa.concat_tables(
        [*blocks, as_table([{"scope": "rule", "point_id": WHOLE, **rule}])], promote_options="permissive"
    )
    ends = {name: float(getattr(band, name)[-1]) for name in ("curve", "low", "high")}
    facts = {"rule": rule, "windows": len(mined.folds), "block_bars": band.block_bars, "ends": ends}
    return Found({"consistency": table, "band": as_table(band.rows())}, {"consistency": facts})


def _results(mined: Mined, one: Searched) -> WindowResults:
    n = one.n_points

    def every(read: Any) -> Floats:
        return np.column_stack([read(name)[:n] for name in names])

    sides = []
    for side in ("train", "test"):
        names = [getattr(fold, side).name for fold in mined.folds]
        sides.append((every(one.scores), every(lambda name: one.figure("total_return", name))))
    bars = [
        np.array([float(getattr(fold, side).n_bars) for fold in mined.folds]) for side in ("train", "test")
    ]
    return WindowResults(sides[0][0], sides[1][0], sides[0][1], sides[1][1], *bars)


def _union(searched: Sequence[Searched]) -> ParameterTable:
    """Return all strategies' parameters as one table; the strategy itself is a word."""
    tables = [parameter_table(one) for one in searched]
    names = [f"{one.stack.strategy.label()}.{name}" for one in searched for name in one.varied]
    values = np.full((sum(one.n_points for one in searched), 1 + len(names)), np.nan)
    row = column = 0
    for k, table in enumerate(tables):
        n, width = table.values.shape
        values[row : row + n, 0] = k
        values[row : row + n, 1 + column : 1 + column + width] = table.values
        row, column = row + n, column + width
    labels = tuple(one.stack.strategy.label() for one in searched)
    return ParameterTable(
        ("strategy", *names), values, (labels, *(words for table in tables for words in table.words))
    )
