"""Markets that hurt: gaps, holes, ends, flat stretches, violent moves, coarse ticks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from admf_ray.market import Bars, Instrument

DAY_NS = 86_400 * 10**9


@dataclass(frozen=True)
class Shape:
    """What a market has; all but the seed is structure that the compiled code may depend on."""

    n_symbols: int = 1
    holes: bool = False
    ends: bool = False
    intraday: bool = False
    sessions: bool = False


def market(
    seed: int,
    shape: Shape,
    n_bars: int = 120,
    *,
    daily_volatility: float = 0.02,
    violence: float = 0.0,
    flat: bool = False,
    coarse: bool = False,
    units: bool = False,
) -> Bars:
    """Return bars drawn from `seed`.

    Parameters
    ----------
    violence : float
        Share of bars that multiply the price by something between 1/5 and 5.
    flat : bool
        One stretch in which nothing moves.
    coarse : bool
        Prices are multiples of 0.25, so that highs and lows touch orders exactly.
    units : bool
        Multipliers, ticks and lots.
    """
    rng = np.random.default_rng(seed)
    n, k = n_bars, shape.n_symbols
    moves = rng.normal(0.0, daily_volatility, (n, k))
    wild = rng.random((n, k)) < violence
    moves = np.where(wild, rng.uniform(-1.6, 1.6, (n, k)), moves)
    gaps = np.where(rng.random((n, k)) < 0.5, moves * rng.random((n, k)), 0.0)
    if flat:
        start = int(rng.integers(0, n // 2))
        stop = start + n // 4
        moves[start:stop] = gaps[start:stop] = 0.0
    level = np.clip(np.cumsum(moves, axis=0), -3.5, 3.5)
    close = 100.0 * np.exp(level)
    before = np.vstack([np.full((1, k), 100.0), close[:-1]])
    opens = before * np.exp(gaps)
    spread = np.abs(rng.normal(0.0, 0.5 * daily_volatility, (2, n, k)))
    if flat:
        spread[:, start:stop] = 0.0
    if coarse:
        opens, close = np.maximum(np.round(opens * 4) / 4, 0.25), np.maximum(np.round(close * 4) / 4, 0.25)
    high = np.maximum(opens, close) * (1.0 + spread[0])
    low = np.minimum(opens, close) * np.maximum(1.0 - spread[1], 0.5)
    if coarse:
        high, low = np.ceil(high * 4) / 4, np.maximum(np.floor(low * 4) / 4, 0.25)
    columns = [opens, high, low, close]
    tradable = np.ones((n, k), dtype=bool)
    if shape.holes:
        tradable &= rng.random((n, k)) >= 0.08
        tradable[n // 3, :] = False
        for s in range(1, k):
            tradable[: int(rng.integers(0, n // 3)), s] = False
        tradable[-1] = True
    if shape.ends:
        for s in range(0, k, 2):
            tradable[int(rng.integers(n // 2, n - 2)) :, s] = False
    _spoil(rng, columns, tradable)
    bars = Bars.from_arrays(
        *columns,
        tradable=tradable,
        time_ns=_times(n) if shape.intraday or shape.sessions else None,
        instruments=_instruments(rng, k) if units else None,
    )
    if shape.sessions:
        bars.__dict__["session_end_minute"] = 960
    return bars


def _spoil(rng: np.random.Generator, columns: list[np.ndarray], tradable: np.ndarray) -> None:
    """Where nothing trades: no bar, the last close again, or a quote at which nobody dealt."""
    close = columns[3].copy()
    for s in range(tradable.shape[1]):
        last = np.nan
        for t in range(tradable.shape[0]):
            if tradable[t, s]:
                last = close[t, s]
                continue
            kind = rng.integers(0, 3)
            for column in columns:
                if kind == 0 or np.isnan(last):
                    column[t, s] = np.nan
                elif kind == 1:
                    column[t, s] = last


def _times(n: int) -> np.ndarray:
    """Four bars a day, 13:00 to 16:00, from 2020-01-01 on; some days are missing."""
    day = np.arange(n) // 4
    day = day + day // 5 * 2
    return (18_262 + day) * DAY_NS + (13 + np.arange(n) % 4) * 3_600 * 10**9


def _instruments(rng: np.random.Generator, k: int) -> list[Instrument]:
    return [
        Instrument(
            f"S{s}",
            multiplier=float(rng.choice([1.0, 0.1, 5.0])),
            tick=float(rng.choice([0.0, 0.01, 0.25])),
            lot=float(rng.choice([0.0, 0.1, 1.0, 10.0])),
        )
        for s in range(k)
    ]
