"""Minute bars with sessions."""

from __future__ import annotations

import math

import numpy as np

from admf_ray.errors import ConfigError
from admf_ray.later import pd
from admf_ray.market.clock import MINUTE_NS, check_zone
from admf_ray.market.stamps import session_minutes
from admf_ray.market.synthetic.market import Market, build, positive

__all__ = ["intraday_minutes"]


def intraday_minutes(
    n_days: int = 20,
    seed: int = 0,
    *,
    session_start: str = "09:30",
    session_end: str = "16:00",
    bar_minutes: int = 1,
    zone: str = "America/New_York",
    annual_volatility: float = 0.16,
) -> Market:
    """Return intraday bars of weekday sessions: busy at both ends, quiet at noon, with overnight gaps.

    Parameters
    ----------
    n_days : int
        Sessions, from Monday 2020-01-06 on.
    seed : int
        Same seed, same bits.
    session_start, session_end : str
        ``HH:MM`` in `zone`.
    bar_minutes : int
        Length of a bar; must divide the session.
    zone : str
        Exchange zone; its summer time is kept.
    annual_volatility : float
        Standard deviation of the log return of 252 sessions, a quarter of whose variance is overnight.

    Returns
    -------
    Market
        Truth: ``session`` int64 (n_bars,), counted from 0; ``sigma`` float64 (n_bars,), the volatility of
        each bar, a session's first one including the night.

    Raises
    ------
    ConfigError
        When the session is empty or not a multiple of the bars.
    """
    positive("intraday_minutes", n_days=n_days, bar_minutes=bar_minutes, annual_volatility=annual_volatility)
    start, end = session_minutes(session_start), session_minutes(session_end)
    per_day, remainder = divmod(end - start, bar_minutes)
    if per_day < 1 or remainder:
        raise ConfigError(
            f"intraday_minutes.bar_minutes: must divide the session of {end - start} minutes, found "
            f"{bar_minutes}; change one"
        )
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2020-01-06", periods=n_days).as_unit("ns").asi8
    closes = (start + bar_minutes * np.arange(1, per_day + 1)) * MINUTE_NS
    wall = (days[:, None] + closes[None, :]).ravel()
    local = pd.DatetimeIndex(wall.view("M8[ns]")).tz_localize(check_zone(zone))
    middle = np.linspace(-1.0, 1.0, per_day)
    busy = 0.5 + 1.5 * middle**2
    day_variance = annual_volatility**2 / 252.0
    variance = np.tile(0.75 * day_variance * busy**2 / (busy**2).sum(), (n_days, 1))
    variance[1:, 0] += 0.25 * day_variance
    sigma = np.sqrt(variance).ravel()
    returns = sigma * rng.standard_normal(sigma.size)
    session = np.repeat(np.arange(n_days, dtype=np.int64), per_day)
    return build(
        rng,
        returns,
        sigma,
        {"session": session, "sigma": sigma},
        time_ns=np.asarray(local.as_unit("ns").asi8, dtype=np.int64),
        volume_scale=np.tile(busy / math.sqrt(per_day), n_days),
        zone=zone,
        session_end_minute=end,
    )
