"""A strategy that holds what others want together: weights made beforehand, one account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from admf_ray.components.base import Strategy
from admf_ray.components.registry import register

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["WEIGHTS", "Netted"]

WEIGHTS = "netted_weights"


@register("netted")
class Netted(Strategy):
    """Holds the weights of the container's service ``netted_weights``, one per bar and symbol.

    Notes
    -----
    The weight at bar t is what the members wanted at the close of t, so nothing later reaches it. Orders
    are sent when the netted weight changes, by the account's own risk manager: members' trades that cancel
    out are not made and cost nothing. A NaN weight keeps the last.
    """

    requires: ClassVar[tuple[str, ...]] = (WEIGHTS,)

    _rows: tuple[tuple[float, ...], ...] = ()
    _symbols: tuple[str, ...] = ()

    def initialize(self, container: Any) -> None:
        """Take the weights and the symbols they belong to."""
        service = container.get(WEIGHTS)
        self._rows = tuple(tuple(row) for row in service["weights"].tolist())
        self._symbols = tuple(service["symbols"])

    def teardown(self) -> None:
        """Let go of the weights."""
        self._rows = ()

    def on_bar(self, bar: Any) -> Mapping[str, float]:
        """Return the weight of each symbol at this bar."""
        return dict(zip(self._symbols, self._rows[bar.bar], strict=True))
