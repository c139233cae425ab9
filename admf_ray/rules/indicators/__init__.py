"""Indicators: compiled functions of whole series, one float64 series per output.

At each bar they use that bar and those before it, never later ones: computing on a longer history
changes no bit of what was there. NaN until enough bars have been seen; leading NaNs of the input
are skipped, so an indicator of an indicator starts where the inner one does. Parameters are
validated by whoever asks; here a length that cannot be served gives NaN throughout.
"""

from admf_ray.rules.indicators.bands import (
    bollinger_lower,
    bollinger_middle,
    bollinger_upper,
    donchian_high,
    donchian_low,
    zscore,
)
from admf_ray.rules.indicators.cross_section import cross_rank
from admf_ray.rules.indicators.directional import adx, minus_di, plus_di
from admf_ray.rules.indicators.elementwise import add, divide, lag, multiply, subtract
from admf_ray.rules.indicators.extremes import rolling_max, rolling_min
from admf_ray.rules.indicators.moving import ema, sma, wma
from admf_ray.rules.indicators.oscillators import macd, macd_hist, macd_signal, momentum, roc, rsi
from admf_ray.rules.indicators.volatility import atr, rolling_std, true_range, volatility
from admf_ray.rules.indicators.volume import obv, session_vwap, vwap

__all__ = [
    "add",
    "adx",
    "atr",
    "bollinger_lower",
    "bollinger_middle",
    "bollinger_upper",
    "cross_rank",
    "divide",
    "donchian_high",
    "donchian_low",
    "ema",
    "lag",
    "macd",
    "macd_hist",
    "macd_signal",
    "minus_di",
    "momentum",
    "multiply",
    "obv",
    "plus_di",
    "roc",
    "rolling_max",
    "rolling_min",
    "rolling_std",
    "rsi",
    "session_vwap",
    "sma",
    "subtract",
    "true_range",
    "volatility",
    "vwap",
    "wma",
    "zscore",
]
