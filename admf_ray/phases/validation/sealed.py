"""The one place where test data are loaded: the look is written down before anyone gets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from admf_ray.config.data import DataConfig
from admf_ray.config.schema import PipelineConfig
from admf_ray.errors import ConfigError
from admf_ray.market import Bars, Window, load_bars
from admf_ray.market.joining import joined
from admf_ray.results.ledger import Ledger, Look, bars_key

__all__ = ["Sealed", "open_sealed", "recorded_look", "test_bars"]


class Sealed(NamedTuple):
    """Test data with the training data as their history.

    Attributes
    ----------
    bars : Bars
    window : Window
        ``full``: from the first test bar to the last.
    looks : int
        Different looks at these bars up to this one; this one is counted.
    """

    bars: Bars
    window: Window
    looks: int


def open_sealed(
    config: PipelineConfig, training: Bars, ledger: Ledger, run: str, finalists: Sequence[str], again: bool
) -> Sealed:
    """Open the test data for finalists that are fixed already.

    Parameters
    ----------
    config : PipelineConfig
    training : Bars
        The training bars, whose facts (annualisation, instruments) hold.
    ledger : Ledger
    run : str
        Who looks.
    finalists : sequence of str
        Identities.
    again : bool
        Whether another look than the first is wanted, knowing that the verdict corrects for it.

    Raises
    ------
    ConfigError
        Others were looked at before, and `again` was not given.
    DataError
        The test data cannot be read or do not follow the training data.

    Notes
    -----
    What names a look is the content of the bars, so they are read, named and written down here, and handed
    out after that. The same finalists on the same bars are the same look, whenever and however often.
    """
    assert config.phase_3_test is not None
    bars, first = test_bars(config.phase_3_test.data, config.phase_1_mining.data, training)
    window = Window("full", first, bars.n_bars)
    key = bars_key(bars, window)
    wanted = tuple(sorted(finalists))
    earlier = ledger.looks(key)
    own = next((one for one in earlier if one.finalists == wanted and one.months == key), None)
    if own is not None:
        return Sealed(bars, window, int(own.facts.get("looks", 1)))
    others = [one for one in earlier if one.finalists != wanted or one.months != key]
    if others and not again:
        raise ConfigError(
            f"{config.place('phase_3_test.data')}: test data are looked at once, found {_told(others)}; use "
            f"data nobody has seen, or --again for a look that the verdict corrects for"
        )
    looks = len(others) + 1
    ledger.add_look(key, run, wanted, looks=looks, kind="validation")
    return Sealed(bars, window, looks)


def recorded_look(bars: Bars, window: Window, ledger: Ledger, run: str, identity: str) -> tuple[Look, ...]:
    """Write down that somebody backtested on bars, and return the earlier looks of others at them."""
    key = bars_key(bars, window)
    others = tuple(one for one in ledger.looks(key) if one.finalists != (identity,))
    ledger.add_look(key, run, (identity,), looks=len(others) + 1, kind="backtest")
    return others


def test_bars(tested: DataConfig, trained: DataConfig, training: Bars) -> tuple[Bars, int]:
    """Return the test bars behind their history, and the first of them.

    Parameters
    ----------
    tested, trained : DataConfig
        As configured.
    training : Bars
        The training bars with all history before them.
    """
    options: dict[str, Any] = tested.options()
    start = options.pop("start")
    if tested.source == trained.source and options["symbols"] in (None, trained.symbols):
        whole = {**trained.options(), "end": options["end"]}
        del whole["start"]
        bars = load_bars(tested.source, **whole)
        first = training.n_bars if start is None else bars.n_bars - bars.between(start, None).n_bars
    else:
        bars = joined(training, load_bars(tested.source, start=start, **options))
        first = training.n_bars
    return replace(bars, bars_per_year=training.bars_per_year), first


def _told(looks: Sequence[Look]) -> str:
    shown = ", ".join(sorted({one.run for one in looks})[:3])
    return f"{len(looks)} different look{'s' if len(looks) > 1 else ''} before ({shown})"
