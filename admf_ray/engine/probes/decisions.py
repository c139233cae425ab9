"""Decisions, orders and fills of a whole stack under a changed future."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from admf_ray.engine.events import Event, OrderEvent
from admf_ray.engine.probes.curtain import Curtain, FalseMarkets, extended, false_markets
from admf_ray.engine.probes.findings import Finding, finding_at
from admf_ray.engine.probes.runs import (
    Case,
    Difference,
    Handler,
    first_difference,
    revealed_events,
    run_events,
)
from admf_ray.errors import ADMFError
from admf_ray.market import Bars, Window

__all__ = ["decision_bars", "probe_decisions", "probe_rerun", "sampled"]

END_TO_END = 16
FEW = 6
PRECOMPUTED = 64


def decision_bars(events: Sequence[Event]) -> list[int]:
    """Return the bars at which an order was sent."""
    return sorted({event.bar for event in events if isinstance(event, OrderEvent)})


def sampled(bars: Sequence[int], count: int, seed: int) -> list[int]:
    """Return at most `count` of the bars, drawn with a seed, sorted."""
    if len(bars) <= count:
        return sorted(bars)
    chosen = np.random.default_rng([seed, count]).choice(np.asarray(bars), count, replace=False)
    return sorted(int(t) for t in chosen)


def probe_rerun(case: Case, bars: Bars, window: Window, real: Sequence[Event]) -> list[Finding]:
    """Run the same once more; the same events must come."""
    found = first_difference(case, real, run_events(case, bars, window), bars.n_bars)
    if found is None:
        return []
    detail = f"differs between two identical runs, {found.real} and {found.seen}; give it a seed of its own"
    return [finding_at(bars, found.component, found.what, found.bar, detail)]


def probe_decisions(
    case: Case,
    bars: Bars,
    window: Window,
    real: Sequence[Event],
    seed: int = 0,
    false: FalseMarkets | None = None,
    *,
    few: bool = False,
) -> list[Finding]:
    """Compare every decision, order and fill of a run with runs whose later prices are others.

    Parameters
    ----------
    case : Case
    bars : Bars
    window : Window
    real : sequence of Event
        Of the run on the real bars.
    seed : int
    false : FalseMarkets, optional
        What the bars are changed to; made with the seed by default.
    few : bool
        Whether a few whole runs do, where every bar is probed on a part of the bars.

    Returns
    -------
    list of Finding
        The first of each component.

    Notes
    -----
    Revealed runs (`runs.revealed_events`), one for each direction of the false market, show every bar's
    look ahead at the cost of one replay. At sampled bars, half of them decisions, and with bars
    appended to the data, whole runs are compared besides. A handler that prepares arrays when it is made
    cannot be judged by a revealed run; it is compared at more sampled bars and at decisions.
    """
    found: dict[tuple[str, str], Finding] = {}
    false = false_markets(bars, seed) if false is None else false
    curtains = [Curtain(bars, false[direction]) for direction in (1, -1)]
    tape = _Tape.record(case, bars, window)
    whole_arrays = False
    for curtain in curtains:
        seen = revealed_events(case, curtain, window, tape)
        _keep(found, case, bars, window, curtain, first_difference(case, real, seen, bars.n_bars))
        if case.factory is not None and not whole_arrays:
            whole_arrays = _probe_handler(found, case, bars, window, curtain, real)
    if not found:
        for t, chosen in _boundaries(
            real, window, whole_arrays and not few, seed, FEW if few else END_TO_END
        ):
            for curtain in [curtains[k] for k in chosen]:
                _keep(found, case, bars, window, curtain, _hidden(case, window, curtain, real, t), t)
            if found:
                break
    # the last bar itself may close a session or a symbol, which a longer calendar tells otherwise
    longer = first_difference(
        case, real, run_events(case, extended(bars, false=false[1]), window), bars.n_bars - 2
    )
    if longer is not None and (longer.component, longer.what) not in found:
        detail = f"{longer.real} became {longer.seen} when bars were appended to the data"
        found[longer.component, longer.what] = finding_at(
            bars, longer.component, longer.what, longer.bar, detail
        )
    return list(found.values())


class _Tape:
    """The weights a handler gave on the real bars, so that rules are judged apart from it."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.weights: dict[tuple[int, int], float] = {}

    def __call__(self, t: int, s: int) -> float:
        self.weights[t, s] = self.handler(t, s)
        return self.weights[t, s]

    @classmethod
    def record(cls, case: Case, bars: Bars, window: Window) -> Handler | None:
        """Return a handler that repeats; None for a compiled strategy."""
        if case.factory is None:
            return None
        tape = cls(case.factory(bars))
        run_events(case, bars, window, tape)
        return lambda t, s: tape.weights.get((t, s), float("nan"))


def _probe_handler(
    found: dict[tuple[str, str], Finding],
    case: Case,
    bars: Bars,
    window: Window,
    curtain: Curtain,
    real: Sequence[Event],
) -> bool:
    """Judge a handler by a revealed run; returns whether it cannot be judged so."""
    try:
        different = first_difference(case, real, revealed_events(case, curtain, window), bars.n_bars)
    except ADMFError:
        raise
    except Exception:  # a handler may choke on what it should not have looked at
        return True
    if different is None:
        return False
    confirmed = _hidden(case, window, curtain, real, different.bar)
    _keep(found, case, bars, window, curtain, confirmed, different.bar)
    return confirmed is None


def _hidden(case: Case, window: Window, curtain: Curtain, real: Sequence[Event], t: int) -> Difference | None:
    """Run up to bar t with everything after it false from the outset."""
    curtain.show()
    curtain.hide(t + 1)
    try:
        seen = run_events(case, curtain.bars, Window(window.name, window.start, t + 1))
    except ADMFError:
        raise
    except Exception as error:
        label = case.stack.strategy.label()
        return Difference(t, label, "decision", "a run", f"{type(error).__name__}: {error}")
    finally:
        curtain.show()
    return first_difference(case, real, seen, t)


def _boundaries(
    real: Sequence[Event], window: Window, whole_arrays: bool, seed: int, count: int
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Bars after which everything is changed, and in which directions."""
    decided = [t for t in decision_bars(real) if t < window.stop - 1]
    every = range(window.start, window.stop - 1)
    if whole_arrays:
        chosen = {*sampled(every, PRECOMPUTED, seed), *sampled(decided, 2 * PRECOMPUTED, seed)}
        yield from ((t, (0, 1)) for t in sorted(chosen))
    else:
        chosen = {*sampled(every, count // 2, seed), *sampled(decided, count // 2, seed)}
        yield from ((t, (k % 2,)) for k, t in enumerate(sorted(chosen)))


def _keep(
    found: dict[tuple[str, str], Finding],
    case: Case,
    bars: Bars,
    window: Window,
    curtain: Curtain,
    different: Difference | None,
    after: int | None = None,
) -> None:
    if different is None or (different.component, different.what) in found:
        return
    t = different.bar
    what = different.what
    if what == "decision" and case.factory is not None and different.component == case.stack.strategy.label():
        what = "on_bar decision"
    if after is None and different.what == "fill" and _own_bar(case, bars, window, curtain, t):
        changed = "high, low, close of the same bar changed; a fill at the open cannot know them"
    else:
        changed = f"bars after {(t if after is None else after) + case.origin} changed"
    detail = f"{different.real} became {different.seen} when {changed}"
    found[different.component, different.what] = finding_at(bars, different.component, what, t, detail)


def _own_bar(case: Case, bars: Bars, window: Window, curtain: Curtain, t: int) -> bool:
    """Whether the extremes and close of bar t alone change its first events."""
    upto = Window(window.name, window.start, t + 1)
    curtain.show()
    real = run_events(case, curtain.bars, upto)
    curtain.hide(t, t + 1, ("high", "low", "close"))
    try:
        return first_difference(case, real, run_events(case, curtain.bars, upto), t) is not None
    finally:
        curtain.show()
