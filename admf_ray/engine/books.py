"""The books of one account over one window: all that a bar depends on or adds to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.events import FillEvent, OrderEvent
from admf_ray.rules.state import N_ACCOUNT, N_ORDER, N_POSITION

__all__ = ["Books"]

Floats = NDArray[np.float64]


@dataclass
class Books:
    """An account between two bars; whoever has them can go on with the next bar.

    Attributes
    ----------
    account : float64 array (N_ACCOUNT,)
    book, orders : float64 array (n_symbols, N_POSITION), (n_symbols, N_ORDER)
        As compiled rules write them, see `rules.state`.
    memories : float64 array (n_symbols, n)
        Of the strategy and its filters.
    equity : float
        At the last close.
    curve, cash : float64 array (n_bars,)
        Equity and cash at each close of the window; 0 at those to come.
    positions : float64 array (n_bars, n_symbols)
        Units held then.
    busy : bool
        Whether the next bar may fill something.
    in_debit, halted, ruined : bool
        Whether cash is below zero; whether no more is decided, and whether nothing is left.
    signals : dict of (int, str) to float
        The weight that each component last published, by symbol.
    sent, filled : list of events
    marked, nets : list of float
        Equity, after what it began with, and its invested part at the bars that moved it.
    places : list of int
        Those bars.
    """

    account: Floats
    book: Floats
    orders: Floats
    memories: Floats
    equity: float
    curve: Floats
    cash: Floats
    positions: Floats
    marked: list[float]
    nets: list[float] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    busy: bool = False
    in_debit: bool = False
    halted: bool = False
    ruined: bool = False
    signals: dict[tuple[int, str], float] = field(default_factory=dict)
    sent: list[OrderEvent] = field(default_factory=list)
    filled: list[FillEvent] = field(default_factory=list)

    @classmethod
    def opened(cls, cash: float, n_bars: int, n_symbols: int) -> Books:
        """Return empty books: all cash, no memories yet."""
        return cls(
            account=np.empty(N_ACCOUNT),
            book=np.zeros((n_symbols, N_POSITION)),
            orders=np.zeros((n_symbols, N_ORDER)),
            memories=np.empty((n_symbols, 0)),
            equity=cash,
            curve=np.zeros(n_bars),
            cash=np.zeros(n_bars),
            positions=np.zeros((n_bars, n_symbols)),
            marked=[cash],
        )

    @property
    def written(self) -> tuple[float, Floats, Floats, Floats]:
        """What compiled steps of a fill read and write: equity, account, book, orders."""
        return self.equity, self.account, self.book, self.orders
