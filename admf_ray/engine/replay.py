"""The replay: one point, bar by bar.

It calls the same compiled rules as the sweep, one at a time and in the same order, so its equity,
fills and metrics have the sweep's bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from admf_ray.engine.checkpoints import Keeper
from admf_ray.engine.failures import COMPILE_ERRORS, explain
from admf_ray.engine.inputs import Windows
from admf_ray.engine.outcome import ReplayResult, Stage
from admf_ray.engine.protocol import BarProtocol
from admf_ray.engine.trades import trades_of
from admf_ray.rules.metrics import METRICS, TAIL_METRICS
from admf_ray.rules.regimes import REGIME_SUMS

__all__ = ["Replay"]


@dataclass
class Replay(BarProtocol):
    """One point over one window.

    Parameters
    ----------
    slices : int
        Slices of a window named ``full``.
    then : sequence of Stage
        Points followed later in the window, in order of their first bar. Account, positions, waiting
        orders and protective prices carry over; the memory of strategy and filters starts fresh. A
        position is kept until the new strategy is ready and wants another weight.
    keeper : Keeper, optional
        Keeps the state at intervals, and has what an earlier run kept; not together with `then`.
    **others
        As `BarProtocol`.
    """

    slices: int = 16
    then: Sequence[Stage] = ()
    keeper: Keeper | None = None

    def run(self) -> ReplayResult:
        """Run every bar of the window.

        Raises
        ------
        ComponentError
            A rule does not compile.
        """
        try:
            self.open()
            window, keeper = self.window, self.keeper
            stages = {stage.start: stage for stage in self.then}
            begin = window.start if keeper is None else self._resume(keeper)
            for t in range(begin, window.stop):
                if t in stages:
                    self.follow(*stages[t][1:])
                self.bar(t)
                if keeper is not None and (keeper.due() or (keeper.began and t == window.stop - 1)):
                    keeper.save(self._state(t + 1))
            return self._result()
        except COMPILE_ERRORS as error:
            raise explain(error, self.stack.strategy.label()) from error

    def _resume(self, keeper: Keeper) -> int:
        """Put back what an earlier run kept; returns the bar to go on with."""
        assert self.bus is not None
        state = keeper.load()
        if state is None:
            return self.window.start
        self.books = state["books"]
        self.bus.resume(*state["bus"])
        begin: int = state["begin"]
        return begin

    def _state(self, begin: int) -> dict[str, Any]:
        """Return everything that the bars from `begin` on depend on or add to."""
        assert self.bus is not None
        return {"begin": begin, "books": self.books, "bus": (self.bus.sequence, self.bus.log)}

    def _result(self) -> ReplayResult:
        window, books = self.window, self.books
        plan = Windows.build([window], self.market, self.slices)
        n = len(books.places)
        places = np.array(books.places, dtype=np.int64)
        row = np.full(len(METRICS) + len(TAIL_METRICS), np.nan)
        sums = np.zeros((plan.n_slices, 2))
        by_regime = np.zeros((self.n_regimes + 1 if self.regimes.size else 0, len(REGIME_SUMS)))
        path = np.zeros(window.n_bars)
        self.judge(
            np.array(books.marked),
            np.array(books.nets),
            places,
            plan.cuts,
            books.equity,
            plan.b1[0],
            plan.b2[0],
            self.market,
            self.opening,
            books.account,
            self.regimes,
            row,
            sums,
            by_regime,
            np.empty(n),
            np.empty(n),
            path,
        )
        return ReplayResult(
            window,
            self.bars.time_ns[window.start : window.stop],
            books.curve,
            books.cash,
            books.positions,
            self.bars.symbols,
            tuple(books.sent),
            tuple(books.filled),
            trades_of(books.filled, self.bars, window),
            dict(zip(METRICS + TAIL_METRICS, row.tolist(), strict=True)),
            sums,
            by_regime,
        )
