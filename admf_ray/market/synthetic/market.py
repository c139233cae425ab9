"""A market with its truth, and bars around a path of returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from admf_ray.errors import ConfigError
from admf_ray.market.arrays import frozen
from admf_ray.market.bars import Bars

__all__ = ["YEAR_BARS", "Market", "build", "positive"]

Floats = NDArray[np.float64]

YEAR_BARS = 261.0  # weekdays, as synthetic daily bars are dated


@dataclass(frozen=True, eq=False)
class Market:
    """Bars, and what is true of them.

    Parameters
    ----------
    bars : Bars
        Consistent open, high, low, close and volume.
    truth : mapping of str to float or array
        What the generator knew; its docstring names the entries. Arrays are read-only, and entries per
        bar have n_bars rows.
    """

    bars: Bars
    truth: Mapping[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        return _market, (self.bars, dict(self.truth))


def positive(where: str, **values: float) -> None:
    """Refuse figures that are not above 0.

    Raises
    ------
    ConfigError
        Naming the figure.
    """
    for name, value in values.items():
        if not value > 0:
            raise ConfigError(f"{where}.{name}: must be > 0, found {value}; raise it")


def build(
    rng: np.random.Generator,
    log_returns: Floats,
    sigma: ArrayLike,
    truth: Mapping[str, Any],
    *,
    gap_frac: float = 0.2,
    start_price: float = 100.0,
    symbols: Sequence[str] | None = None,
    time_ns: NDArray[np.int64] | None = None,
    volume_scale: ArrayLike = 1.0,
    zone: str = "UTC",
    session_end_minute: int | None = None,
) -> Market:
    """Put bars around close-to-close log returns.

    Parameters
    ----------
    rng : numpy Generator
        Source of everything within a bar; drawn from after the returns.
    log_returns : float64 array (n_bars,) or (n_bars, n_symbols)
        From the close before, or from `start_price` for bar 0.
    sigma : float or array that broadcasts to the returns
        Volatility of one bar, which sets gaps and ranges.
    truth : mapping
        For the market; arrays are frozen.
    gap_frac : float
        Share of a bar's variance that passes before its open (a Brownian bridge to its close); with 0
        each open is the close before.
    start_price, symbols, time_ns, volume_scale, zone, session_end_minute
        The price before bar 0, and what the bars are given.

    Notes
    -----
    High and low leave the body by half-normal distances of a quarter of `sigma`.
    """
    returns = log_returns[:, None] if log_returns.ndim == 1 else log_returns
    width = np.asarray(sigma, dtype=np.float64)
    width = np.broadcast_to(width[:, None] if width.ndim == 1 else width, returns.shape)
    path = np.log(start_price) + np.cumsum(returns, axis=0)
    before = np.vstack([np.full((1, returns.shape[1]), np.log(start_price)), path[:-1]])
    close = np.exp(path)
    draws = rng.standard_normal((3, *returns.shape))
    opens = np.exp(before)
    if gap_frac > 0:
        bridge = np.sqrt(gap_frac * (1 - gap_frac)) * width * draws[0]
        opens = np.exp(before + gap_frac * returns + bridge)
    else:
        opens[1:] = close[:-1]
    high = np.maximum(opens, close) * np.exp(0.25 * width * np.abs(draws[1]))
    low = np.minimum(opens, close) * np.exp(-0.25 * width * np.abs(draws[2]))
    scale = np.asarray(volume_scale, dtype=np.float64)
    scale = scale[:, None] if scale.ndim == 1 else scale
    volume = np.round(1e6 * scale * np.exp(0.3 * rng.standard_normal(returns.shape)))
    bars = Bars.from_arrays(
        opens,
        high,
        low,
        close,
        volume,
        time_ns=time_ns,
        symbols=symbols,
        zone=zone,
        session_end_minute=session_end_minute,
        notes=("synthetic: made by a seeded generator",),
    )
    return _market(bars, truth)


def _market(bars: Bars, truth: Mapping[str, Any]) -> Market:
    known = {name: frozen(v, v.dtype) if isinstance(v, np.ndarray) else v for name, v in truth.items()}
    return Market(bars, MappingProxyType(known))
