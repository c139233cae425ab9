"""The library's indicators as strategies call them: on traced columns or on arrays."""

from __future__ import annotations

from admf_ray.components.tracing import indicator
from admf_ray.rules import indicators as kernels

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

add = indicator(kernels.add)
adx = indicator(kernels.adx)
atr = indicator(kernels.atr)
bollinger_lower = indicator(kernels.bollinger_lower)
bollinger_middle = indicator(kernels.bollinger_middle)
bollinger_upper = indicator(kernels.bollinger_upper)
cross_rank = indicator(kernels.cross_rank, across=True)
divide = indicator(kernels.divide)
donchian_high = indicator(kernels.donchian_high)
donchian_low = indicator(kernels.donchian_low)
ema = indicator(kernels.ema)
lag = indicator(kernels.lag)
macd = indicator(kernels.macd)
macd_hist = indicator(kernels.macd_hist)
macd_signal = indicator(kernels.macd_signal)
minus_di = indicator(kernels.minus_di)
momentum = indicator(kernels.momentum)
multiply = indicator(kernels.multiply)
obv = indicator(kernels.obv)
plus_di = indicator(kernels.plus_di)
roc = indicator(kernels.roc)
rolling_max = indicator(kernels.rolling_max)
rolling_min = indicator(kernels.rolling_min)
rolling_std = indicator(kernels.rolling_std)
rsi = indicator(kernels.rsi)
session_vwap = indicator(kernels.session_vwap)
sma = indicator(kernels.sma)
subtract = indicator(kernels.subtract)
true_range = indicator(kernels.true_range)
volatility = indicator(kernels.volatility)
vwap = indicator(kernels.vwap)
wma = indicator(kernels.wma)
zscore = indicator(kernels.zscore)
