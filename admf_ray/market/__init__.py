"""Market data: bars, where they come from, what is wrong with them, and windows over them."""

from admf_ray.market.bars import Bars
from admf_ray.market.instruments import Instrument
from admf_ray.market.windows import Fold, Length, Window, full_window, parse_length, walk_forward

__all__ = [
    "Bars",
    "Fold",
    "Instrument",
    "Length",
    "Window",
    "full_window",
    "parse_length",
    "walk_forward",
]
