"""A little reference computation whose bits tell whether a processor computes as the driver's does."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from admf_ray.rules.compile import cached, kernel
from admf_ray.rules.indicators import ema, rolling_std, rsi, sma

__all__ = ["canary"]

BARS = 512


@kernel
def _reference(close, out):  # type: ignore[no-untyped-def]  # typed by numba
    """Take indicators, products, quotients, roots and powers of a price path."""
    fast, slow, spread, strength = sma(close, 7), ema(close, 30), rolling_std(close, 20), rsi(close, 14)
    cash, qty = 1e5, 0.0
    for t in range(31, close.size):
        weight = math.tanh((fast[t] / slow[t] - 1.0) * 40.0) * math.exp(-spread[t] / close[t])
        weight *= (strength[t] / 50.0) ** 0.37
        target = weight * (cash + qty * close[t]) / close[t]
        cash -= (target - qty) * close[t] + abs(target - qty) * close[t] * 0.0007
        qty = target
        out[t] = cash + qty * close[t]


def canary() -> str:
    """Return a digest that machines whose results may be mixed have in common.

    Notes
    -----
    What differs between processors is which vector and fused instructions the compiler takes, and which
    variant the mathematical library takes: all of them have a part in this path.
    """
    generator = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(generator.normal(0.0, 0.01, BARS)))
    out = np.zeros(BARS)
    cached(_reference)(close, out)
    return hashlib.blake2b(close.tobytes() + out.tobytes(), digest_size=8).hexdigest()
