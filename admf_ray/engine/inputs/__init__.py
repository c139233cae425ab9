"""What compiled code is given, checked beforehand: arrays of the bars, windows, prepared values."""

from admf_ray.engine.inputs.arrays import benchmark_returns, market_arrays, market_flags, regime_rows
from admf_ray.engine.inputs.checks import check_points, check_session, check_window
from admf_ray.engine.inputs.spans import Windows, slice_cuts
from admf_ray.engine.inputs.tables import Table, first_known, tables

__all__ = [
    "Table",
    "Windows",
    "benchmark_returns",
    "check_points",
    "check_session",
    "check_window",
    "first_known",
    "market_arrays",
    "market_flags",
    "regime_rows",
    "slice_cuts",
    "tables",
]
