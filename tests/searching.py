"""Small searches, run through the coordinator or the command line, and the bits of what they stored."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from admf_ray.config.load import parse_pipeline
from admf_ray.market.saving import write_parquet
from admf_ray.market.synthetic import random_walk
from admf_ray.phases.mining import BacktestCoordinator

ROOT = Path(__file__).parents[1]
PROGRAM = (sys.executable, "-c", "from admf_ray.cli import main; main()")
CROSSOVER = {
    "ma_crossover": {"parameters": {"fast": [3, 6, 9], "slow": {"start": 12, "stop": 30, "step": 6}}}
}


def pipeline(
    folder: Path,
    strategies: Mapping[str, Any] = CROSSOVER,
    *,
    n_bars: int = 260,
    files: tuple[Path, ...] = (),
    folds: bool = True,
    search: Mapping[str, Any] | None = None,
    execution: Mapping[str, Any] | None = None,
    containers: Mapping[str, Any] | None = None,
    **mining: Any,
) -> dict[str, Any]:
    """Return the plain data of a search on a random walk, whose file it writes to a folder."""
    bars = folder / f"walk_{n_bars}.parquet"
    if not bars.exists():
        write_parquet(random_walk(n_bars, 5).bars, bars)
    costs = {"commission_frac": 0.001, "slippage_frac": 0.001}
    body = {
        "data": {"source": str(bars)},
        "parameter_search": {
            "base_grid": {"strategies": dict(strategies)},
            "neighborhood_testing": {"radius": 1},
            **(search or {}),
        },
        "execution": dict(execution or {}),
        "container_components": [
            {"name": "data_handler", "class": "HistoricalDataHandler"},
            {"name": "strategy", "class": "configurable"},
            {"name": "broker", "class": "SimulatedBroker", "params": costs},
        ],
        **mining,
    }
    if folds:
        body["walk_forward"] = {"training_window": 100, "test_window": 50, "step_size": 50}
    whole: dict[str, Any] = {"name": "small", "phase_1_mining": body}
    if files:
        whole["strategies"] = [str(file) for file in files]
    if containers:
        whole["container_settings"] = dict(containers)
    return {"pipeline": whole}


def search(body: Mapping[str, Any], out: Path, **settings: Any) -> BacktestCoordinator:
    """Run a search and return its coordinator; what was found is in its ``mined``."""
    coordinator = BacktestCoordinator(parse_pipeline(body), out=str(out), **settings)
    coordinator.mined = coordinator.run_parameter_search()
    return coordinator


def parts(out: Path) -> dict[str, tuple[int, int]]:
    """Return what tells whether a part was touched: inode and time of change, by name."""
    found = {}
    for file in sorted((out / "points").glob("*.parquet")):
        stat = file.stat()
        found[file.name] = (stat.st_ino, stat.st_mtime_ns)
    return found


def stored(out: Path) -> pa.Table:
    """Return all rows of a run by point and window; none is there twice."""
    tables = [pq.read_table(file) for file in sorted((out / "points").glob("*.parquet"))]
    table = pa.concat_tables(tables, promote_options="default")
    words = {name: table[name].cast(pa.string()) for name in ("strategy", "window", "status")}
    for name, column in words.items():
        table = table.set_column(table.column_names.index(name), name, column)
    table = table.sort_by([("point_id", "ascending"), ("window", "ascending")])
    keys = set(zip(table["point_id"].to_pylist(), table["window"].to_pylist(), strict=True))
    assert len(keys) == table.num_rows
    return table


def bits(table: pa.Table) -> dict[str, Any]:
    """Return a table's columns such that equality is of bits, NaN included."""
    found: dict[str, Any] = {}
    for name in sorted(table.column_names):
        column = table[name].combine_chunks()
        nulls = column.is_null().to_numpy(zero_copy_only=False).tobytes()
        flat = column.flatten() if pa.types.is_nested(column.type) else column
        plain = (
            flat.to_numpy(zero_copy_only=False).astype(np.float64).tobytes()
            if pa.types.is_floating(flat.type)
            else flat.to_pylist()
        )
        found[name] = (nulls, plain)
    return found


def traded(table: pa.Table) -> bool:
    """Tell whether a run's rows are such that equality proves something: trades, and figures that differ."""
    sharpe = table["sharpe"].to_numpy()
    trades = table["trades"].to_numpy()
    return bool(np.nanmax(trades) > 3 and len(np.unique(sharpe[np.isfinite(sharpe)])) > table.num_rows // 8)


def written(folder: Path, body: Mapping[str, Any]) -> Path:
    """Write a search as the file that the command line takes."""
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(json.loads(json.dumps(body))))  # without anchors
    return file


def start(*words: str | Path, own_ray: bool = True, **options: Any) -> subprocess.Popen[str]:
    """Start the command line in a process group of its own; on a Ray of its own, or on the session's."""
    dropped = ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN") if own_ray else ()
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    return subprocess.Popen(
        [*PROGRAM, *map(str, words)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment, start_new_session=True, cwd=ROOT, **options,
    )  # fmt: skip


def finish(process: subprocess.Popen[str], timeout_s: float = 180) -> tuple[int, str, str]:
    """Wait for a command; returns exit code, output and errors. One that hangs is killed with its group."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"hangs: {out[-2000:]} {err[-2000:]}") from None
    return process.returncode, out, err
