"""What a chosen strategy wants now: its position and the orders it sends after the last bar."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from admf_ray.analysis.regimes import fit_regimes
from admf_ray.config.mining import RegimeConfig
from admf_ray.engine.events import OrderEvent, SignalEvent
from admf_ray.errors import DataError
from admf_ray.market import Bars, Window, load_bars
from admf_ray.phases.backtest import Backtest, bars_and_window, window_of
from admf_ray.phases.validation.choice import Choice, read_choice
from admf_ray.phases.validation.netting import Held, Setting, deciding_source, hashes, run_case

__all__ = ["Signal", "backtest_choice", "rerun_choice", "run_choice", "signal"]

MARKET_HANDLER = "HistoricalDataHandler"


class Signal(NamedTuple):
    """What to hold and what to send, one symbol.

    Attributes
    ----------
    symbol : str
    weight : float
        Wanted after the last bar, all filters applied, -1 to 1 of the symbol's capital share.
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
        See `read_choice`.
    DataError
        The data cannot be read, end before the training data do, or the choice learns and its training data
        are gone.
    """
    chosen = read_choice(choice)
    bars = data if isinstance(data, Bars) else load_bars(data, **load)
    if str(bars.dates[1]) <= chosen.last_day:
        what = "signal: data" if isinstance(data, Bars) else str(data)
        raise DataError(
            f"{what}: must go on after {chosen.last_day}, the last day {choice} was chosen on, found them to "
            f"end on {bars.dates[1]}; give newer data"
        )
    held = run_choice(chosen, bars, window_of(bars, start))
    last, source = bars.n_bars - 1, deciding_source(chosen.case)
    found = []
    for s, symbol in enumerate(bars.symbols):
        weights = [
            e.weight
            for e in held.events
            if isinstance(e, SignalEvent) and e.symbol == symbol and e.source == source
        ]
        orders = tuple(
            {"kind": e.kind, "qty": e.qty, "price": e.price, "reason": e.reason}
            for e in held.events
            if isinstance(e, OrderEvent) and e.symbol == symbol and e.bar == last
        )
        position = float(held.result.positions[-1, s])
        found.append(Signal(symbol, weights[-1] if weights else 0.0, position, orders))
    return found, held


def run_choice(choice: Choice, bars: Bars, window: Window) -> Held:
    """Run a choice over bars; what learns does so on its training data first, as in validation.

    Raises
    ------
    DataError
        The training data are gone or are others, or the bars are of other symbols than those.
    """
    setting = Setting(bars, window, handler=MARKET_HANDLER)
    if not choice.fits and not choice.case.by_regime:
        return run_case(choice.case, setting)
    training, span = choice.training
    if bars.symbols != training.symbols:
        raise DataError(
            f"{choice.path}: must run on the symbols it learned from, {', '.join(training.symbols)}, found "
            f"{', '.join(bars.symbols)}; give data with them"
        )
    if choice.case.by_regime:
        data = choice.body["data"]
        settings = RegimeConfig.model_validate(data["regimes"])
        assert settings.kind is not None, "an adaptive strategy had regimes"
        classifier = fit_regimes(training, span, settings.kind, settings.n_states, data["seed"])
        setting = replace(setting, labels=classifier.labels(bars), n_regimes=classifier.n_regimes)
    return run_case(choice.case, replace(setting, train=span, train_bars=training))


def backtest_choice(
    choice: str | Path, data: str | Path | Bars, start: str | None = None, end: str | None = None, **load: Any
) -> Backtest:
    """Backtest a choice as `backtest` does a strategy.

    Raises
    ------
    ConfigError, DataError
        As `signal`; data that end before the training data do are backtested, in sample.
    """
    chosen = read_choice(choice)
    bars = data if isinstance(data, Bars) else load_bars(data, **load)
    bars, window = bars_and_window(bars, start, end)
    held = run_choice(chosen, bars, window)
    notes = [*bars.notes, chosen.case.told()]
    first = str(bars.slice(window.start, window.stop).dates[0])
    if first <= chosen.last_day:
        notes.append(f"chosen on data to {chosen.last_day}: what it did from {first} to there is in sample")
    return _backtest(chosen, held, tuple(notes), bars)


def rerun_choice(choice: str | Path) -> tuple[Backtest, dict[str, tuple[Any, Any]]]:
    """Run a choice over its own test period again.

    Returns
    -------
    Backtest
    dict of str to (object, object)
        Figures and hashes of trades, equity and events that differ from those it was chosen with: then, now;
        empty when all are equal to the bit.

    Raises
    ------
    DataError
        Training or test data are gone, or are not those it was chosen and tested on.
    """
    chosen = read_choice(choice)
    bars, first = chosen.tested
    held = run_choice(chosen, bars, Window("full", first, bars.n_bars))
    evidence, digests = chosen.body["evidence"], hashes(held)
    now = {**held.result.metrics, **{f"hash_{name}": one for name, one in digests.items()}}
    pairs = {name: (evidence[f"test_{name}"], now[name]) for name in now if f"test_{name}" in evidence}
    differs = {name: both for name, both in pairs.items() if both[0] != both[1]}
    return _backtest(chosen, held, (chosen.case.told(),), None), differs


def _backtest(choice: Choice, held: Held, notes: tuple[str, ...], bars: Bars | None) -> Backtest:
    parameters = choice.case.account.parameters()
    return Backtest(choice.case.name, parameters, held.result, held.events, notes, bars)
