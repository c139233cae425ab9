"""A container with a stack's components at a point, and the point's replay in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.checkpoints import Keeper
from admf_ray.engine.container import ScopedContainer
from admf_ray.engine.outcome import ReplayResult
from admf_ray.engine.plain import handler_of
from admf_ray.engine.replay import Replay
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars, Window
from admf_ray.rules.state import Market

__all__ = ["build_container", "plain_handlers", "replay_in"]


def build_container(
    name: str,
    bars: Bars,
    stack: Stack,
    row: Any,
    *,
    keep_log: bool = False,
    handler: str = "HistoricalDataHandler",
) -> ScopedContainer:
    """Return a container, not yet initialised, that holds the bars and the stack's components at a point.

    Parameters
    ----------
    name : str
    bars : Bars
        Shared read-only.
    stack : Stack
    row : float64 array (n_columns,)
        The point.
    keep_log : bool
        Whether the bus keeps all events.
    handler : str
        Registered data handler.
    """
    container = ScopedContainer(name, keep_log=keep_log)
    source = "test_data" if handler == "TestDataHandler" else "data"
    container.register_shared_service(source, bars)
    container.create_component({"name": "data_handler", "class": handler})
    for own, (_, cls), p in zip(_names(stack), stack.classes, stack.part_values(row), strict=True):
        container.create_component({"name": own, "class": cls, "params": vars(p)})
    return container


def _names(stack: Stack) -> list[str]:
    filters = [prefix[:-1] for prefix in stack.prefixes[1:-3]]
    return ["strategy", *filters, "risk_manager", "broker", "portfolio"]


def replay_in(
    container: ScopedContainer,
    stack: Stack,
    row: Any,
    window: Window,
    train: Window | None = None,
    arrays: Market | None = None,
    labels: NDArray[np.int64] | None = None,
    n_regimes: int = 0,
    keeper: Keeper | None = None,
    train_bars: Bars | None = None,
) -> ReplayResult:
    """Replay a point in an initialised container and return what it gave; torn down on failure."""

    def drive(scope: ScopedContainer) -> ReplayResult:
        data = scope.data_handler
        handler = None
        if not stack.strategy.is_compiled():
            handler = handler_of(scope.strategy, data, data.bars)
        if keeper is not None:
            keeper.parts = {name: scope.get(name) for name in _names(stack)}
            keeper.known = {
                "container": scope, "bus": scope.bus, "data_handler": data, "bars": data.bars,
                "view": data.view,
            }  # fmt: skip
        return Replay(
            data.bars, stack, row, window, bus=scope.bus, handler=handler, train=train, arrays=arrays,
            keeper=keeper, labels=labels, n_regimes=n_regimes, train_bars=train_bars,
        ).run()  # fmt: skip

    container.run(drive)
    result: ReplayResult = container.collect()
    return result


def plain_handlers(stack: Stack, row: Any) -> Callable[[Bars], Callable[[int, int], float]]:
    """Return what makes, for any bars, a fresh plain-Python strategy in its own container; for the probe."""

    def make(bars: Bars) -> Callable[[int, int], float]:
        container = build_container(f"check_{stack.strategy.label()}", bars, stack, row)
        container.initialize_scope()
        return handler_of(container.strategy, container.data_handler, bars)

    return make
