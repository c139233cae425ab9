"""One point, once: a container with its components, replayed event by event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from admf_ray.components import library  # noqa: F401  (registers the library)
from admf_ray.components.registry import find
from admf_ray.engine.assembly import build_container, replay_in
from admf_ray.engine.events import Event
from admf_ray.engine.outcome import ReplayResult
from admf_ray.engine.stack import Stack
from admf_ray.engine.trades import Trade
from admf_ray.logs import get_logger, identity
from admf_ray.market import Bars, Window, load_bars
from admf_ray.results import equity_table, trades_table
from admf_ray.space.parameters import parameters_text

__all__ = ["Backtest", "backtest", "bars_and_window", "make_stack", "window_of"]

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
    bars : Bars or None
        What it ran on.
    """

    strategy: str
    parameters: dict[str, Any]
    result: ReplayResult
    events: tuple[Event, ...]
    notes: tuple[str, ...] = ()
    bars: Bars | None = field(default=None, repr=False)

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
    bars, window = bars_and_window(bars, start, end)
    stack = make_stack(strategy, filters)
    row = stack.vector(parameters)
    point = parameters_text(stack.decode(row), own=True)
    with build_container(f"backtest_{stack.strategy.label()}", bars, stack, row, keep_log=log_events) as box:
        box.initialize_scope()
        with identity(container=box.id, point=f"{stack.strategy.label()}({point})"):
            log.info("replaying %s bars of %s", window.n_bars, ", ".join(bars.symbols[:5]))
            result = replay_in(box, stack, row, window, window)
        events = box.bus.log
    return Backtest(stack.strategy.label(), stack.decode(row), result, events, _notes(bars, stack), bars)


def _notes(bars: Bars, stack: Stack) -> tuple[str, ...]:
    notes = [*bars.notes]
    if stack.strategy.fit is not None:
        label = stack.strategy.label()
        notes.append(f"{label}: learned from the bars it trades here, so every figure is in sample")
    return tuple(notes)


def bars_and_window(bars: Bars, start: str | None, end: str | None) -> tuple[Bars, Window]:
    """Return the bars up to the last day of `end`, and their window ``full`` from `start`.

    Raises
    ------
    ConfigError
        One is not a date, or `start` is after `end`.
    DataError
        No bar lies between them.
    """
    if end is None:
        return bars, window_of(bars, start)
    own, bars = bars.between(start, end), bars.between(None, end)
    return bars, Window("full", bars.n_bars - own.n_bars, bars.n_bars)


def window_of(bars: Bars, start: str | None) -> Window:
    """Return the window ``full`` from the first bar of `start` (or of the data) to the last bar."""
    first = 0 if start is None else bars.n_bars - bars.between(start, None).n_bars
    return Window("full", first, bars.n_bars)
