"""Market data: bars, where they come from, what is wrong with them, and windows over them."""

from admf_ray.market.bars import Bars
from admf_ray.market.checks import Defect, check_bars, raise_errors
from admf_ray.market.instruments import Instrument
from admf_ray.market.loading import Inspection, inspect_source, load_bars
from admf_ray.market.samples import SAMPLES
from admf_ray.market.saving import to_frame, write_parquet, write_samples
from admf_ray.market.windows import Fold, Length, Window, full_window, parse_length, walk_forward

__all__ = [
    "SAMPLES",
    "Bars",
    "Defect",
    "Fold",
    "Inspection",
    "Instrument",
    "Length",
    "Window",
    "check_bars",
    "full_window",
    "inspect_source",
    "load_bars",
    "parse_length",
    "raise_errors",
    "to_frame",
    "walk_forward",
    "write_parquet",
    "write_samples",
]
