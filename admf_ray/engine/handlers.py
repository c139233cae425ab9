"""Data handlers: a container's shared bars as events, and the past as strategies may see it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from admf_ray.components.base import Component
from admf_ray.components.registry import register
from admf_ray.engine.events import BarEvent
from admf_ray.errors import ComponentError, DataError
from admf_ray.market.bars import Bars
from admf_ray.market.views import BarView, Prices
from admf_ray.space.parameters import ServiceName

if TYPE_CHECKING:
    from admf_ray.engine.container import ScopedContainer

__all__ = ["HistoricalDataHandler", "TestDataHandler"]

CHUNK_BARS = 4096


@register("historical_data_handler")
class HistoricalDataHandler(Component):
    """Reads the container's bars: one event per symbol and bar, in order of time, then symbol.

    Notes
    -----
    A symbol without a bar has no event; a forward-filled bar has one, though nothing fills on it.
    """

    kind = "data_handler"

    data_source = ServiceName("data", "the service that holds the bars")

    _bars: Bars | None = None
    _view: BarView | None = None

    def initialize(self, container: ScopedContainer) -> None:
        """Take the bars from the container.

        Raises
        ------
        ComponentError
            When the service holds no `Bars`.
        """
        name = self.values["data_source"]
        found = container.get(name)
        if not isinstance(found, Bars):
            raise ComponentError(
                f"{self.label()}.data_source: service '{name}' must hold Bars, found {type(found).__name__}; "
                "register what load_bars returned"
            )
        self._bars, self._view = found, BarView(found)

    def teardown(self) -> None:
        """Let go of the bars."""
        self._bars = self._view = None

    @property
    def bars(self) -> Bars:
        """All bars, read-only; for drivers and indicators, not for strategies."""
        if self._bars is None:
            raise self._not_ready()
        return self._bars

    @property
    def view(self) -> BarView:
        """The bars up to the one whose events came last; the same object throughout."""
        if self._view is None:
            raise self._not_ready()
        return self._view

    def history(self, n: int) -> Prices:
        """Return the last `n` bars up to the present one; see `BarView.history`."""
        return self.view.history(n)

    def advance(self, bar: int) -> None:
        """Make `bar` the view's present one; for drivers that make their own events."""
        self.view._advance(bar)

    def events(self, start: int = 0, stop: int | None = None) -> Iterator[BarEvent]:
        """Yield the events of bars `start` to `stop` (half open), moving the view along.

        Parameters
        ----------
        start, stop : int
            Bars before `start` are history: the view has them, events have not.

        Raises
        ------
        DataError
            When the range reaches outside the bars.
        """
        bars, advance = self.bars, self.view._advance
        stop = bars.n_bars if stop is None else stop
        if not 0 <= start <= stop <= bars.n_bars:
            raise DataError(
                f"{self.label()}.events: must lie within 0 and {bars.n_bars}, found {start} to {stop}; "
                "choose bars that are there"
            )
        for begin in range(start, stop, CHUNK_BARS):
            rows = _rows(bars, begin, min(begin + CHUNK_BARS, stop))
            for t, time_ns in enumerate(rows.time_ns, begin):
                advance(t)
                for symbol, known, *prices in islice(rows.values, bars.n_symbols):
                    if known:
                        yield BarEvent(t, time_ns, symbol, *prices)

    def __iter__(self) -> Iterator[BarEvent]:
        """Yield the events of all bars."""
        return self.events()

    def _not_ready(self) -> ComponentError:
        return ComponentError(
            f"{self.label()}: has bars from initialize_scope to teardown_scope, found it outside; ask within"
        )


@register("test_data_handler")
class TestDataHandler(HistoricalDataHandler):
    """Reads the test data, which only validation registers."""

    __test__: ClassVar[bool] = False  # or pytest takes it for a test

    data_source = ServiceName("test_data", "the service that holds the bars")


class _Rows(NamedTuple):
    """A run of bars: their times; and symbol, known, prices and volume, bar by bar, symbol by symbol."""

    time_ns: list[int]
    values: Iterator[tuple[Any, ...]]


def _rows(bars: Bars, begin: int, end: int) -> _Rows:
    part = np.s_[begin:end]
    volume = np.full((end - begin, bars.n_symbols), np.nan) if bars.volume is None else bars.volume[part]
    columns = (
        np.isfinite(bars.close[part]),
        bars.open[part],
        bars.high[part],
        bars.low[part],
        bars.close[part],
    )
    # flat lists: floats made for a whole column cost a tenth of those asked of an array one by one
    lists = [array.ravel().tolist() for array in (*columns, volume)]
    return _Rows(bars.time_ns[part].tolist(), zip(cycle(bars.symbols), *lists, strict=False))
