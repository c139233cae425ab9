"""One symbol's rows between file and bars."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["PRICES", "SymbolTable"]

PRICES = ("open", "high", "low", "close")


@dataclass
class SymbolTable:
    """Columns of one symbol as they were read, in the order of the file.

    Parameters
    ----------
    symbol : str
        Its name.
    where : str
        The file, for messages.
    rows : int64 array (n_rows,)
        Row numbers in the file, counted from 1 without the header.
    time_ns : int64 array (n_rows,)
        UTC nanoseconds of the closes.
    columns : dict of str to float64 array (n_rows,)
        ``open``, ``high``, ``low``, ``close``, perhaps ``volume``.
    extra : dict of str to float64 array (n_rows,)
        Further columns, by the names in the file.
    zone : str
        Exchange zone.
    tradable : bool array (n_rows,), optional
        False where the row was forward-filled; all True when left out.
    """

    symbol: str
    where: str
    rows: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]
    extra: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    zone: str = "UTC"
    tradable: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def __post_init__(self) -> None:
        if self.tradable.size != self.time_ns.size:
            self.tradable = np.ones(self.time_ns.size, dtype=np.bool_)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.time_ns.size

    def keep(self, mask: NDArray[np.bool_]) -> SymbolTable:
        """Return the rows where `mask` holds."""
        return SymbolTable(
            self.symbol,
            self.where,
            self.rows[mask],
            self.time_ns[mask],
            {name: array[mask] for name, array in self.columns.items()},
            {name: array[mask] for name, array in self.extra.items()},
            self.zone,
            self.tradable[mask],
        )
