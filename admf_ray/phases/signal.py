"""What a chosen strategy wants now: its position and the orders it sends after the last bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from admf_ray.analysis.regimes import fit_regimes
from admf_ray.config.data import DataConfig
from admf_ray.config.mining import RegimeConfig
from admf_ray.engine.events import OrderEvent, SignalEvent
from admf_ray.errors import ConfigError, DataError
from admf_ray.market import Bars, Window, load_bars
from admf_ray.phases.backtest import Backtest, window_of
from admf_ray.phases.validation.case import TestCase
from admf_ray.phases.validation.choice import read_choice
from admf_ray.phases.validation.netting import Held, run_case
from admf_ray.phases.validation.sealed import test_bars

__all__ = ["Signal", "backtest_choice", "rerun_choice", "run_choice", "signal"]

MARKET_HANDLER = "HistoricalDataHandler"


class Signal(NamedTuple):
    """What to hold and what to send, one symbol.

    Attributes
    ----------
    symbol : str
    weight : float
        Wanted after the last bar, -1 to 1 of the symbol's capital share.
    position : float
        Signed units held at the last close, by an account that has followed the strategy.
    orders : tuple of dict
        ``kind``, ``qty``, ``price``, ``reason`` of the orders that wait for the next bar.
    """

    symbol: str
    weight: float
    position: float
    orders: tuple[dict[str, Any], ...]


def signal(
    choice: str | Path, data: str | Path | Bars, start: str | None = None, **load: Any
) -> tuple[list[Signal], Held]:
    """Run a choice over new data to the last bar and return what it wants then.

    Parameters
    ----------
    choice : str or Path
        A ``choice.yaml``.
    data : str, path or Bars
        With enough history before for its indicators.
    start : str, optional
        First day on which its account follows it; the data's first day by default.
    **load
        Further arguments of `load_bars`.

    Returns
    -------
    list of Signal
        By symbol.
    Held
        The whole run.

    Raises
    ------
    ConfigError
        No choice, or of other code.
    """
    case, body = read_choice(choice)
    bars = data if isinstance(data, Bars) else load_bars(data, **load)
    held = run_choice(case, body["data"], bars, start)
    last = bars.n_bars - 1
    found = []
    for s, symbol in enumerate(bars.symbols):
        weights = [e.weight for e in held.events if isinstance(e, SignalEvent) and e.symbol == symbol]
        orders = tuple(
            {"kind": e.kind, "qty": e.qty, "price": e.price, "reason": e.reason}
            for e in held.events
            if isinstance(e, OrderEvent) and e.symbol == symbol and e.bar == last
        )
        position = float(held.result.positions[-1, s])
        found.append(Signal(symbol, weights[-1] if weights else 0.0, position, orders))
    return found, held


def run_choice(
    case: TestCase, data: Any, bars: Bars, start: str | None = None, first: int | None = None
) -> Held:
    """Run a choice over bars; an adaptive one fits its regimes on its training data first.

    Parameters
    ----------
    case : TestCase
    data : mapping
        The choice's ``data``.
    bars : Bars
    start : str, optional
        First day traded.
    first : int, optional
        Or the first bar.
    """
    window = window_of(bars, start) if first is None else Window("full", first, bars.n_bars)
    if not case.by_regime and case.account.stack.strategy.fit is None:
        return run_case(case, bars, window, handler=MARKET_HANDLER)
    if not case.by_regime:
        raise ConfigError(
            f"{case.name}: must not learn from the bars it trades, found a strategy with fit; this version "
            f"runs such a choice in validation only"
        )
    trained = DataConfig.model_validate(data["training"])
    options = trained.options()
    begin = options.pop("start")
    training = load_bars(trained.source, **options)
    settings = RegimeConfig.model_validate(data["regimes"])
    assert settings.kind is not None, "an adaptive strategy had regimes"
    classifier = fit_regimes(
        training, window_of(training, begin), settings.kind, settings.n_states, data["seed"]
    )
    return run_case(case, bars, window, classifier.labels(bars), classifier.n_regimes, handler=MARKET_HANDLER)


def backtest_choice(
    choice: str | Path, data: str | Path | Bars, start: str | None = None, end: str | None = None, **load: Any
) -> Backtest:
    """Backtest a choice as `backtest` does a strategy.

    Raises
    ------
    ConfigError
        As `signal`.
    """
    case, body = read_choice(choice)
    bars = data if isinstance(data, Bars) else load_bars(data, **load)
    bars = bars.between(None, end) if end is not None else bars
    held = run_choice(case, body["data"], bars, start)
    return Backtest(
        case.name, case.account.parameters(), held.result, held.events, (*bars.notes, case.told()), bars
    )


def rerun_choice(choice: str | Path) -> tuple[Backtest, dict[str, tuple[float, float]]]:
    """Run a choice over its own test period again.

    Returns
    -------
    Backtest
    dict of str to (float, float)
        Figures that differ from those it was chosen with: then, now; empty when all are equal to the bit.

    Raises
    ------
    DataError
        The data are not those it was tested on.
    """
    case, body = read_choice(choice)
    trained, tested = (DataConfig.model_validate(body["data"][name]) for name in ("training", "test"))
    options = trained.options()
    options.pop("start")
    bars, first = test_bars(tested, trained, load_bars(trained.source, **options))
    if bars.content_hash != body["data"]["test_hash"]:
        raise DataError(f"{choice}: must run on the data it was tested on, found others; bring them back")
    held = run_choice(case, body["data"], bars, first=first)
    evidence = body["evidence"]
    pairs = {
        n: (evidence[f"test_{n}"], held.result.metrics[n])
        for n in held.result.metrics
        if f"test_{n}" in evidence
    }
    differs = {name: both for name, both in pairs.items() if both[0] != both[1]}
    return Backtest(case.name, case.account.parameters(), held.result, held.events, (case.told(),)), differs
