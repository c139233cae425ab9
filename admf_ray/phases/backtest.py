"""One point, once: a container with its components, replayed event by event."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from admf_ray.components import library  # noqa: F401  (registers the library)
from admf_ray.components.registry import find
from admf_ray.engine.container import ScopedContainer
from admf_ray.engine.events import Event
from admf_ray.engine.failures import asked
from admf_ray.engine.outcome import ReplayResult
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.engine.trades import Trade
from admf_ray.errors import ComponentError, closest
from admf_ray.logs import get_logger, identity
from admf_ray.market import Bars, Window, load_bars
from admf_ray.results import equity_table, trades_table

__all__ = ["Backtest", "backtest", "build_container", "make_stack", "plain_handlers", "replay_in"]

NUMBERS = (int, float, np.floating, np.integer)

log = get_logger(__name__)


@dataclass(frozen=True)
class Backtest:
    """What one backtest gave.

    Attributes
    ----------
    strategy : str
    parameters : dict
        All values of all components, by full name.
    result : ReplayResult
    events : tuple of Event
        The container's event log; empty unless asked for.
    notes : tuple of str
        What a reader of the figures must know: doubts about the data, rows dropped or filled, in-sample
        learning.
    """

    strategy: str
    parameters: dict[str, Any]
    result: ReplayResult
    events: tuple[Event, ...]
    notes: tuple[str, ...] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """Performance figures by name; see `rules.metrics.finish`."""
        return self.result.metrics

    @property
    def trades(self) -> Any:
        """Trades as a pandas frame: closed ones in order of exit, then open ones."""
        return trades_table(self.result.trades, Trade._fields)

    @property
    def equity(self) -> Any:
        """Equity, cash and positions at each close, as a pandas frame."""
        r = self.result
        return equity_table(r.time_ns, r.equity, r.cash, r.positions, r.symbols)


def make_stack(strategy: str | type[Any], filters: Sequence[str | type[Any]] = ()) -> Stack:
    """Return the stack of a strategy and filters named or given as classes, with the standard rest."""
    chosen = find(strategy, "strategy") if isinstance(strategy, str) else strategy
    return Stack(chosen, tuple(find(f, "filter") if isinstance(f, str) else f for f in filters))


def build_container(
    name: str,
    bars: Bars,
    stack: Stack,
    row: Any,
    *,
    keep_log: bool = False,
    handler: str = "HistoricalDataHandler",
) -> ScopedContainer:
    """Return a container, not yet initialised, that holds the bars and the stack's components at a point.

    Parameters
    ----------
    name : str
    bars : Bars
        Shared read-only.
    stack : Stack
    row : float64 array (n_columns,)
        The point.
    keep_log : bool
        Whether the bus keeps all events.
    handler : str
        Registered data handler.
    """
    container = ScopedContainer(name, keep_log=keep_log)
    source = "test_data" if handler == "TestDataHandler" else "data"
    container.register_shared_service(source, bars)
    container.create_component({"name": "data_handler", "class": handler})
    names = ["strategy", *(p[:-1] for p in stack.prefixes[1:-3]), "risk_manager", "broker", "portfolio"]
    for own, (_, cls), p in zip(names, stack.classes, stack.part_values(row), strict=True):
        container.create_component({"name": own, "class": cls, "params": vars(p)})
    return container


def replay_in(
    container: ScopedContainer, stack: Stack, row: Any, window: Window, train: Window | None = None
) -> ReplayResult:
    """Replay a point in an initialised container and return what it gave; torn down on failure."""

    def drive(scope: ScopedContainer) -> ReplayResult:
        data = scope.data_handler
        handler = None
        if not stack.strategy.is_compiled():
            handler = _handler(scope.strategy, data, data.bars)
        return Replay(data.bars, stack, row, window, bus=scope.bus, handler=handler, train=train).run()

    container.run(drive)
    result: ReplayResult = container.collect()
    return result


def plain_handlers(stack: Stack, row: Any) -> Callable[[Bars], Callable[[int, int], float]]:
    """Return what makes, for any bars, a fresh plain-Python strategy in its own container; for the probe."""

    def make(bars: Bars) -> Callable[[int, int], float]:
        container = build_container(f"check_{stack.strategy.label()}", bars, stack, row)
        container.initialize_scope()
        return _handler(container.strategy, container.data_handler, bars)

    return make


def _handler(strategy: Any, data: Any, bars: Bars) -> Callable[[int, int], float]:
    """Call a plain-Python strategy once a bar; its weights per symbol serve the replay's questions."""
    answered: dict[str, Any] = {"bar": -1, "weights": {}}

    def weight(t: int, s: int) -> float:
        if answered["bar"] != t:
            data.advance(t)
            answered.update(bar=t, weights=_weights(strategy, _asked(strategy, data.view, bars, t), bars))
        value = answered["weights"].get(bars.symbols[s], math.nan)
        return math.nan if value is None else float(value)

    return weight


def _asked(strategy: Any, view: Any, bars: Bars, t: int) -> Any:
    """Call the user's handler; what goes wrong in it is named with its bar."""

    def when() -> str:
        return f" at bar {t} ({np.datetime64(int(bars.time_ns[t]), 'ns').astype('datetime64[m]')})"

    return asked(f"{strategy.label()}.on_bar", strategy.on_bar, view, when=when)


def _weights(strategy: Any, answer: Any, bars: Bars) -> Mapping[str, Any]:
    if isinstance(answer, Mapping):
        for name, value in answer.items():
            if name not in bars.symbols:
                raise ComponentError(
                    f"{strategy.label()}.on_bar: must name symbols of the data, found {name!r}"
                    f"{closest(str(name), bars.symbols) or '; it has ' + ', '.join(bars.symbols)}"
                )
            if not (value is None or isinstance(value, NUMBERS)):
                raise ComponentError(
                    f"{strategy.label()}.on_bar: weights must be numbers or None, found "
                    f"{type(value).__name__} for {name}; return a number from -1 to 1"
                )
        return answer
    if answer is None or isinstance(answer, NUMBERS):
        if bars.n_symbols == 1 or answer is None:
            return {bars.symbols[0]: answer}
        raise ComponentError(
            f"{strategy.label()}.on_bar: must return weights by symbol for {bars.n_symbols} symbols, "
            f"found one number; name the symbols"
        )
    raise ComponentError(
        f"{strategy.label()}.on_bar: must return a weight, a dict of weights or None, found "
        f"{type(answer).__name__}; return a number from -1 to 1"
    )


def backtest(
    strategy: str | type[Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    data: str | Path | Bars,
    start: str | None = None,
    end: str | None = None,
    filters: Sequence[str | type[Any]] = (),
    log_events: bool = False,
    **load: Any,
) -> Backtest:
    """Backtest one strategy at one set of parameters.

    Parameters
    ----------
    strategy : str or type of Strategy
        Registered name, or a class.
    parameters : mapping
        By full name: the strategy's own (``fast``), others with their part (``risk.stop_loss_frac``,
        ``broker.commission_frac``, ``portfolio.initial_cash``, ``trend_direction.mean_bars``).
    data : str, path or Bars
        Anything `load_bars` reads, such as ``sample:sp500``.
    start, end : str, optional
        First and last day traded; the bars before are the indicators' history.
    filters : sequence of str or type
        Applied in this order.
    log_events : bool
        Keep the container's events.
    **load
        Further arguments of `load_bars`.

    Examples
    --------
    >>> from admf_ray import backtest
    >>> point = {"fast": 5, "slow": 20}
    >>> result = backtest("ma_crossover", point, data="sample:sp500", start="2014", end="2017")
    >>> round(result.metrics["trades"])
    34
    """
    bars = data if isinstance(data, Bars) else load_bars(data, **load)
    bars = bars.between(None, end) if end is not None else bars
    window = window_of(bars, start)
    stack = make_stack(strategy, filters)
    row = stack.vector(parameters)
    point = ", ".join(f"{k}={v}" for k, v in stack.decode(row).items() if "." not in k)
    with build_container(f"backtest_{stack.strategy.label()}", bars, stack, row, keep_log=log_events) as box:
        box.initialize_scope()
        with identity(container=box.id, point=f"{stack.strategy.label()}({point})"):
            log.info("replaying %s bars of %s", window.n_bars, ", ".join(bars.symbols[:5]))
            result = replay_in(box, stack, row, window, window)
        events = box.bus.log
    return Backtest(stack.strategy.label(), stack.decode(row), result, events, _notes(bars, stack))


def _notes(bars: Bars, stack: Stack) -> tuple[str, ...]:
    notes = [*bars.notes]
    if stack.strategy.fit is not None:
        label = stack.strategy.label()
        notes.append(f"{label}: learned from the bars it trades here, so every figure is in sample")
    return tuple(notes)


def window_of(bars: Bars, start: str | None) -> Window:
    """Return the window ``full`` from the first bar of `start` (or of the data) to the last bar."""
    first = 0 if start is None else bars.n_bars - bars.between(start, None).n_bars
    return Window("full", first, bars.n_bars)
