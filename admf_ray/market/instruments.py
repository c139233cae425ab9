"""What is traded: the facts about an instrument that prices do not carry."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from admf_ray.errors import ConfigError, DataError

__all__ = ["Instrument", "check_one_currency"]


@dataclass(frozen=True)
class Instrument:
    """One tradable symbol.

    Parameters
    ----------
    symbol : str
        Its name in the bars.
    multiplier : float
        Money gained per unit held when the price rises by 1 (50 for an E-mini S&P future).
    tick : float
        Smallest price step, in price units; 0 when prices are continuous.
    lot : float
        Smallest quantity step, in units; 0 when fractions are allowed.
    currency : str
        What its profit is paid in, as an upper-case code.

    Raises
    ------
    ConfigError
        When a figure is not finite, the multiplier is not positive, tick or lot is negative, or a
        name is empty.

    Examples
    --------
    >>> Instrument("ES", multiplier=50.0, tick=0.25, lot=1.0).currency
    'USD'
    """

    symbol: str
    multiplier: float = 1.0
    tick: float = 0.0
    lot: float = 0.0
    currency: str = "USD"

    def __post_init__(self) -> None:
        if not self.symbol or not isinstance(self.symbol, str):
            raise ConfigError(f"instrument: symbol must be a name, found {self.symbol!r}; name it")
        where = f"instrument {self.symbol}"
        if not (math.isfinite(self.multiplier) and self.multiplier > 0):
            raise ConfigError(f"{where}: multiplier must be > 0, found {self.multiplier!r}; 1 for shares")
        for name in ("tick", "lot"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{where}: {name} must be >= 0, found {value!r}; 0 means any step")
        if not self.currency or self.currency != self.currency.upper():
            raise ConfigError(
                f"{where}: currency must be an upper-case code, found {self.currency!r}; write e.g. 'USD'"
            )


def check_one_currency(instruments: Iterable[Instrument]) -> None:
    """Refuse instruments whose profits cannot be added in one account.

    Parameters
    ----------
    instruments : iterable of Instrument
        The instruments of one set of bars.

    Raises
    ------
    DataError
        When more than one currency is among them.
    """
    seen: dict[str, str] = {}
    for instrument in instruments:
        seen.setdefault(instrument.currency, instrument.symbol)
    if len(seen) > 1:
        found = ", ".join(f"{symbol} in {currency}" for currency, symbol in seen.items())
        raise DataError(
            f"instruments: one account holds one currency, found {found}; "
            "load them apart, or convert the prices to one currency first"
        )
