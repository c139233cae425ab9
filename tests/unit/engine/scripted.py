"""A strategy that does as it is told, and bars written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from admf_ray.components.base import Strategy
from admf_ray.engine.bus import EventBus
from admf_ray.engine.events import RiskEvent
from admf_ray.engine.outcome import ReplayResult
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars, Instrument, Window

NAN = float("nan")


class Scripted(Strategy):
    """Wants the weight that stands in the column `w`, where anything above 90 means no opinion."""

    def prepare(bars, p):
        return {"w": bars.w}

    def decide(now):
        return now.w if now.w < 90.0 else np.nan


STACK = Stack(Scripted)
KEEP = 99.0

# On, but without effect: so that nearly all cases share one compiled structure.
NEUTRAL = {
    "initial_cash": 1_000.0, "take_profit_frac": 1e9, "max_drawdown_frac": 1.0,
    "borrow_frac_per_year": 1e-300,
}  # fmt: skip
Row = float | tuple[float, float, float, float] | None


def bars_of(
    prices: Sequence[Row] | Mapping[str, Sequence[Row]],
    weights: Sequence[float] | Mapping[str, Sequence[float]],
    **options: Any,
) -> Bars:
    """Return bars; a single number is a bar that stands still there, None is a missing one."""
    if not isinstance(prices, Mapping):
        prices, weights = {"A": prices}, {"A": weights}
    names = list(prices)
    count = len(prices[names[0]])
    columns = np.full((4, count, len(names)), NAN)
    wanted = np.full((count, len(names)), KEEP)
    for s, name in enumerate(names):
        for t, row in enumerate(prices[name]):
            if row is not None:
                columns[:, t, s] = row if isinstance(row, tuple) else (row,) * 4
        own = weights[name]
        wanted[: len(own), s] = own
    return Bars.from_arrays(*columns, symbols=names, extra={"w": wanted}, **options)


def play(
    prices: Any, weights: Any, window: tuple[int, int] | None = None, options: Any = None, **settings: Any
) -> ReplayResult:
    """Replay hand-written bars with 1,000 of cash.

    Settings name a parameter by its own name, whichever part it belongs to.
    """
    bars = prices if isinstance(prices, Bars) else bars_of(prices, weights, **(options or {}))
    settings = {**NEUTRAL, **settings}
    full = {column.split(".")[-1]: column for column in STACK.columns}
    row = STACK.vector({full[name]: value for name, value in settings.items()})
    where = Window("full", *(window or (0, bars.n_bars)))
    bus = EventBus(keep_log=True)
    notices: list[RiskEvent] = []
    bus.subscribe(RiskEvent, notices.append)
    result = Replay(bars, STACK, row, where, bus=bus).run()
    play.notices = notices  # type: ignore[attr-defined]
    return result


def fills(result: ReplayResult) -> list[tuple[int, float, float, str]]:
    """Return (bar, units, price, reason) of each fill, rounded to what a hand computes."""
    return [(f.bar, round(f.qty, 6), round(f.price, 6), f.reason) for f in result.fills]


def noticed() -> list[tuple[int, str]]:
    """Return (bar, notice) of the last play's risk events."""
    return [(n.bar, n.notice) for n in play.notices]  # type: ignore[attr-defined]


__all__ = ["KEEP", "STACK", "Instrument", "Scripted", "bars_of", "fills", "noticed", "play"]
