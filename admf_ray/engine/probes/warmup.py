"""How much history decisions need, against how much they are said to need."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.events import Event, SignalEvent
from admf_ray.engine.probes.decisions import decision_bars, sampled
from admf_ray.engine.probes.findings import Finding, finding_at
from admf_ray.engine.probes.runs import Case, run_events
from admf_ray.market import Bars, Window

__all__ = ["probe_warmup"]

SAMPLES = 12
TOLERANCE = 1e-6
# an exponential mean is first known with 63 % of its weight; 16 times as many bars leave 1e-7 of it
RECURSION = 16


def probe_warmup(
    case: Case,
    bars: Bars,
    window: Window,
    real: Sequence[Event],
    ready: NDArray[np.int64],
    seed: int = 0,
) -> tuple[list[Finding], int | None]:
    """Compare decisions with those made from less history.

    Parameters
    ----------
    case : Case
    bars : Bars
    window : Window
    real : sequence of Event
        Of the run on all history; its decisions are sampled.
    ready : int64 array (n_symbols,)
        First bar at which each symbol's prepared values are known.
    seed : int

    Returns
    -------
    list of Finding
        Too short a warm-up.
    int or None
        Bars of history from which on the sampled decisions agree with those made from all of it; None
        when they never do, as for what counts from the data's first bar, or when nothing was decided.

    Notes
    -----
    Decisions are compared, not values: recursive indicators remember everything a little. A declared
    `warmup_bars` must suffice as it stands. Without one the warm-up is the first bar at which all values
    are known; it is too short when decisions settle only beyond 16 times that. A handler that declares none
    looks after its own history, and only the figure is reported.
    """
    declared = case.stack.strategy.warmup_bars
    label = case.stack.strategy.label()
    own = int(np.maximum(ready - bars.first, 0).min(initial=bars.n_bars))
    # plus the bar itself, and the one before that rules see as `prev`
    need = 2 + (own if declared is None else int(declared))
    longest = max((window.stop - 1) // 2, need)
    decided = [t for t in decision_bars(real) if t >= longest]
    chosen = sampled(decided, SAMPLES, seed)
    if not chosen:
        return [], None
    lengths = [need]
    while lengths[-1] * 2 <= longest:
        lengths.append(lengths[-1] * 2)
    truth = {t: _decision(case, bars, t, t + 1) for t in chosen}
    agree: list[bool] = []
    first: tuple[int, float, float] | None = None
    for length in lengths:
        differences = [(t, *d) for t in chosen if (d := _unlike(truth[t], _decision(case, bars, t, length)))]
        agree.append(not differences)
        if first is None and differences:
            first = differences[0]
    settled = None
    for length, same in zip(reversed(lengths), reversed(agree), strict=True):
        if not same:
            break
        settled = length
    if first is None or (declared is not None and agree[0]):
        return [], settled
    # a handler that declares nothing looks after its own history
    if declared is None and (case.factory is not None or settled is None or settled <= RECURSION * own + 2):
        return [], settled
    t, whole, part = first
    said = f"warmup_bars = {declared}" if declared is not None else f"values count as known after {own} bars"
    until = (
        f"decisions agree from {settled} bars on" if settled is not None else "they do not agree with more"
    )
    detail = (
        f"too short: {said}, but weight {whole:.6g} became {part:.6g} with {need} bars of history; {until}"
    )
    return [finding_at(bars, label, "warm-up", t, detail)], settled


def _decision(case: Case, bars: Bars, t: int, length: int) -> dict[tuple[str, str], float]:
    """Weights by component and symbol that a fresh account gets at bar t when `length` bars end there."""
    start = max(t + 1 - length, 0)
    part = bars.slice(start, bars.n_bars)
    window = Window("warm", t - start, t - start + 1)
    train = case.train
    if train is not None and train.start >= start:
        train = Window(train.name, train.start - start, train.stop - start)
    case = Case(case.stack, case.row, train, case.factory)
    events = run_events(case, part, window)
    return {(e.source, e.symbol): e.weight for e in events if isinstance(e, SignalEvent)}


def _unlike(
    whole: dict[tuple[str, str], float], part: dict[tuple[str, str], float]
) -> tuple[float, float] | None:
    for key in sorted({*whole, *part}):
        a, b = whole.get(key, 0.0), part.get(key, 0.0)
        if abs(a - b) > TOLERANCE:
            return a, b
    return None
