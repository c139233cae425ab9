"""Running a test strategy in its container: a point as it is, several netted in one account."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.cluster.jobs import StackNames
from admf_ray.components.netted import WEIGHTS, Netted
from admf_ray.engine.assembly import build_container, replay_in
from admf_ray.engine.container import ScopedContainer
from admf_ray.engine.events import Event, SignalEvent
from admf_ray.engine.outcome import ReplayResult
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars, Window
from admf_ray.phases.validation.case import Member, TestCase, stack_named

__all__ = [
    "Held",
    "Setting",
    "container_of",
    "deciding_source",
    "hashes",
    "run_case",
    "run_container",
    "wanted_weights",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HANDLER = "TestDataHandler"
TASK = "task"


class Held(NamedTuple):
    """What a test strategy gave.

    Attributes
    ----------
    result : ReplayResult
    events : tuple of Event
        Its container's.
    """

    result: ReplayResult
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Setting:
    """Where and how a test strategy runs.

    Attributes
    ----------
    bars : Bars
        With all history before the window.
    window : Window
    labels : int64 array (n_bars,), optional
        Market regime at each close, from a classifier fitted on training data; an adaptive strategy needs
        them.
    n_regimes : int
    delay_bars : int
        So many bars later than wanted, each change of weight is acted on.
    train : Window, optional
        What a strategy with `fit` learns from; the window itself when left out.
    train_bars : Bars, optional
        That `train` is a range of; `bars` when left out.
    handler : str
        Registered data handler.
    """

    bars: Bars
    window: Window
    labels: Ints | None = None
    n_regimes: int = 0
    delay_bars: int = 0
    train: Window | None = None
    train_bars: Bars | None = None
    handler: str = HANDLER


def run_case(case: TestCase, setting: Setting) -> Held:
    """Run a test strategy over a window, event by event, in a container of its own.

    Notes
    -----
    Members run in shadow first, each in its own container with an account of its own; what they want at
    each close, after their filters, is netted and held by `Netted` in the account of ``case.account``.
    Protective prices, sizing and costs are that account's. An adaptive strategy wants at the close of t what
    the member mapped to label[t] wants, so the position during a bar belongs to the label known before it.
    """
    with container_of(case, setting) as box:
        box.initialize_scope()
        result = run_container(box)
        events = box.bus.log
    return Held(result, events)


def run_container(container: ScopedContainer) -> ReplayResult:
    """Run an initialised container of `container_of` and return what it gave."""
    task = container.get(TASK)
    stack = stack_named(StackNames(*task["stack"]))
    row, labels = np.array(task["row"]), task["labels"]
    window, train = Window(*task["window"]), Window(*task["train"])
    return replay_in(
        container, stack, row, window, train, None, labels, task["n_regimes"], train_bars=task["train_bars"]
    )


def container_of(case: TestCase, setting: Setting) -> ScopedContainer:
    """Return a test strategy's container, not yet initialised; it knows what `run_container` is to run."""
    names, stack, row = case.account.names, case.account.stack, case.account.vector
    bars, window = setting.bars, setting.window
    weights = None
    if case.members or setting.delay_bars:
        wanted = _netted(case, [wanted_weights(one, setting) for one in case.parts], setting.labels)
        weights = _late(wanted, window, setting.delay_bars)
        row = np.concatenate([row[span] for span in stack.spans[-3:]])
        names = names._replace(strategy=Netted.label(), filters=())
        stack = stack_named(names)
    container = build_container(f"test_{case.name}", bars, stack, row, keep_log=True, handler=setting.handler)
    if weights is not None:
        container.register_shared_service(WEIGHTS, {"weights": weights, "symbols": bars.symbols})
    learns = setting.train or window
    task = {
        "stack": tuple(names),
        "row": tuple(row.tolist()),
        "window": (window.name, window.start, window.stop),
        "train": (learns.name, learns.start, learns.stop),
        "train_bars": setting.train_bars,
        "labels": setting.labels,
        "n_regimes": setting.n_regimes,
    }
    container.register_shared_service(TASK, task)
    return container


def _late(weights: Floats, window: Window, bars: int) -> Floats:
    """Return weights so many bars later within a window, read-only."""
    if bars:
        weights[window.start + bars : window.stop] = weights[window.start : window.stop - bars].copy()
        weights[window.start : window.start + bars] = 0.0
    weights.setflags(write=False)
    return weights


def wanted_weights(member: Member, setting: Setting) -> Floats:
    """Return what a point wants at each close of a window, in shadow, shape (n_bars, n_symbols).

    Notes
    -----
    After its filters, before sizing; 0 before it wants anything, and outside the window. Its own account
    decides what it holds where its rules look at that.
    """
    stack, row = member.stack, member.vector
    bars, window = setting.bars, setting.window
    with build_container(
        f"shadow_{stack.strategy.label()}", bars, stack, row, keep_log=True, handler=setting.handler
    ) as box:
        box.initialize_scope()
        replay_in(box, stack, row, window, setting.train or window, train_bars=setting.train_bars)
        events = box.bus.log
    return _path(events, bars, window, _last(stack))


def deciding_source(case: TestCase) -> str:
    """Return the source of the signals that a test strategy's account acts on, in its container's events."""
    return Netted.label() if case.members else _last(case.account.stack)


def _last(stack: Stack) -> str:
    """Return the component whose weight is acted on: the last filter, the strategy where there is none."""
    return stack.prefixes[-4][:-1] if stack.filters else stack.strategy.label()


def _path(events: Sequence[Event], bars: Bars, window: Window, source: str) -> Floats:
    """Return the weights a source stated, each until the next."""
    out = np.zeros((bars.n_bars, bars.n_symbols))
    place = {symbol: s for s, symbol in enumerate(bars.symbols)}
    for event in events:
        if isinstance(event, SignalEvent) and event.source == source:
            out[event.bar : window.stop, place[event.symbol]] = event.weight
    return out


def _netted(case: TestCase, wanted: Sequence[Floats], labels: Ints | None) -> Floats:
    if not case.members:
        return wanted[0].copy()
    if not case.by_regime:
        total = np.zeros_like(wanted[0])
        for weight, own in zip(case.weights, wanted, strict=True):
            total += weight * own
        return total
    assert labels is not None
    followed = np.array(case.by_regime)[np.where(labels < 0, len(case.by_regime) - 1, labels)]
    return np.asarray(np.stack(wanted)[followed, np.arange(len(followed))])


def hashes(held: Held) -> dict[str, str]:
    """Return digests of the trade list, the equity and the event log; equal only for equal bits."""
    result = held.result
    trades = repr([tuple(trade) for trade in result.trades])
    equity = result.equity.tobytes() + result.cash.tobytes() + result.positions.tobytes()
    events = repr([(type(event).__name__, *event) for event in held.events])
    return {
        "trades": _digest(trades.encode()),
        "equity": _digest(equity),
        "events": _digest(events.encode()),
    }


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=12).hexdigest()
