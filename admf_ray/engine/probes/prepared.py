"""Prepared values under a changed future: what `prepare`, its indicators and `fit` let through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.components.tracing import Graph, Node
from admf_ray.engine.fitting import apply_fitted, learn
from admf_ray.engine.inputs import first_known
from admf_ray.engine.plan import trace
from admf_ray.engine.probes.curtain import (
    Curtain,
    FalseMarkets,
    columns_of,
    extended,
    false_market,
    false_markets,
)
from admf_ray.engine.probes.findings import Finding, day_of, finding_at
from admf_ray.engine.stack import Stack
from admf_ray.market import Bars, Window

__all__ = ["Prepared", "probe_fit", "probe_prepared", "probe_repeat"]

Floats = NDArray[np.float64]


class Prepared:
    """All prepared values of one point, by component and name, on any bars.

    Parameters
    ----------
    stack : Stack
    row : float64 array (n_columns,)
        The point.
    bars : Bars
        The real ones; `fit` learns from them, once.
    train : Window or None
        Bars that `fit` may see.
    origin : int
        As in `Case`.

    Attributes
    ----------
    names : list of (str, str)
        Component and name of each prepared value.
    """

    def __init__(self, stack: Stack, row: Floats, bars: Bars, train: Window | None, origin: int = 0) -> None:
        structure = stack.structure(row)
        self.cls, self.fits = stack.strategy, stack.strategy.fit is not None
        self.train, self.origin = train, origin
        self.graph = Graph()
        nodes = trace(stack, structure, row.reshape(1, -1), self.graph, skip_strategy=self.fits)
        self.nodes = [int(i) for i in nodes[0]]
        self.wanted = sorted(set(self.nodes))
        self.places = [self.wanted.index(i) for i in self.nodes]
        labels = [cls.label() for _, cls in stack.classes]
        self.names = [
            (label, n) for label, names in zip(labels, structure.fields, strict=True) for n in names
        ]
        self.own = structure.fields[0] if self.fits else ()
        self.p = stack.strategy.decode(row[stack.spans[0]])
        self.frozen = learn(self.cls, self.p, bars, train) if self.fits and train is not None else []

    def values(self, bars: Bars) -> Floats:
        """Return the values, shape (n_values, n_bars, n_symbols)."""
        traced = self.graph.compute(self.wanted, bars)
        if self.places != list(range(len(self.wanted))):
            traced = traced[self.places]
        if not self.fits:
            return traced
        return np.concatenate([apply_fitted(self.cls, self.p, self.own, bars, self.frozen), traced])

    def ready(self, bars: Bars) -> NDArray[np.int64]:
        """Return the first bar at which each symbol has all values, shape (n_symbols,); n_bars if never."""
        if not self.names:
            return np.zeros(bars.n_symbols, dtype=np.int64)
        return first_known(self.values(bars)).max(axis=0)

    def culprit(self, k: int, curtain: Curtain, t: int) -> str:
        """Name the indicator behind value `k` that first lets bars after `t` through; '' when unknown."""
        place = k - len(self.own)
        if place < 0:
            return ""
        every = list(range(len(self.graph.nodes)))
        curtain.show()
        real = self.graph.compute(every, curtain.bars)
        curtain.hide(t + 1)
        seen = self.graph.compute(every, curtain.bars)
        curtain.show()
        for index in sorted(self.graph._reach([self.nodes[place]])):
            node: Node = self.graph.nodes[index]
            if (
                not isinstance(node.function, str)
                and differs(real[index][: t + 1], seen[index][: t + 1]).any()
            ):
                return str(node.function.__name__)
        return ""


def differs(a: Floats, b: Floats) -> NDArray[np.bool_]:
    """Return where two arrays differ; NaN equals NaN."""
    return np.asarray((a != b) & ~(np.isnan(a) & np.isnan(b)))


@dataclass
class Leak:
    """What is known of one leaking value."""

    bar: int
    symbol: int
    after: int
    reach: int
    old: float
    new: float
    direction: int
    affected: set[int] = field(default_factory=set)


def probe_prepared(
    prepared: Prepared,
    bars: Bars,
    boundaries: Iterable[int],
    seed: int = 0,
    false: FalseMarkets | None = None,
) -> list[Finding]:
    """Compare every prepared value at bars <= t while everything after t is changed, for each boundary t.

    Parameters
    ----------
    prepared : Prepared
    bars : Bars
    boundaries : iterable of int
    seed : int
    false : FalseMarkets, optional
        What the bars are changed to; made with the seed by default.

    Returns
    -------
    list of Finding
        One for each prepared value that depends on later bars, with its first bar.

    Notes
    -----
    Twice each boundary, once for each direction of `false_market`. The boundaries are visited backwards,
    so each costs one row of changes and one evaluation. Last, bars are appended: what knows how long the
    data are shows itself.
    """
    if not prepared.names:
        return []
    real = prepared.values(bars)
    leaks: dict[int, Leak] = {}
    false = false_markets(bars, seed) if false is None else false
    curtains = {direction: Curtain(bars, market) for direction, market in false.items()}
    for direction, curtain in curtains.items():
        stop: int | None = None
        for t in sorted(set(boundaries), reverse=True):
            curtain.hide(t + 1, stop)
            stop = t + 1
            seen = prepared.values(curtain.bars)
            if not np.array_equal(real[:, : t + 1].view(np.int64), seen[:, : t + 1].view(np.int64)):
                _note(leaks, real[:, : t + 1], seen[:, : t + 1], t, direction)
        curtain.show()
    longer = prepared.values(extended(bars, false=false[1]))[:, : bars.n_bars]
    grown: dict[int, Leak] = {}
    _note(grown, real, longer, bars.n_bars - 1, 0)
    for k, leak in grown.items():
        leaks.setdefault(k, leak)
    return [_finding(prepared, bars, curtains, k, leaks[k]) for k in sorted(leaks)]


def _note(leaks: dict[int, Leak], real: Floats, seen: Floats, t: int, direction: int) -> None:
    where = differs(real, seen)
    for k in np.flatnonzero(where.any(axis=(1, 2))):
        changed = np.flatnonzero(where[k].any(axis=1))
        u = int(changed[0])
        s = int(where[k][u].argmax())
        leak = leaks.get(int(k))
        if leak is None or u < leak.bar:
            affected = leak.affected if leak is not None else set()
            reach = leak.reach if leak is not None else 0
            leak = Leak(u, s, t, reach, float(real[k, u, s]), float(seen[k, u, s]), direction, affected)
            leaks[int(k)] = leak
        leak.reach = max(leak.reach, t + 1 - u)
        leak.affected.update(changed.tolist())


def _finding(prepared: Prepared, bars: Bars, curtains: dict[int, Curtain], k: int, leak: Leak) -> Finding:
    component, name = prepared.names[k]
    symbol = f" of {bars.symbols[leak.symbol]}" if bars.n_symbols > 1 else ""
    shown = f"{leak.old:.6g} became {leak.new:.6g}{symbol}"
    if leak.direction == 0:
        detail = f"{shown} when bars were appended to the data; a value must not know how long the data are"
        return finding_at(bars, component, f"prepare {name!r}", leak.bar, detail)
    curtain = curtains[leak.direction]
    columns = _columns(prepared, curtain, k, leak)
    culprit = prepared.culprit(k, curtain, leak.after)
    by = f", by indicator {culprit}" if culprit else ""
    many = len(leak.affected)
    detail = (
        f"{shown} when {columns} after bar {leak.after + prepared.origin} ({day_of(bars, leak.after)}) "
        f"changed{by}; it looks {leak.reach} bar{'s' * (leak.reach > 1)} ahead, "
        f"at {many} bar{'s' * (many > 1)} of those probed"
    )
    return finding_at(bars, component, f"prepare {name!r}", leak.bar, detail)


def _columns(prepared: Prepared, curtain: Curtain, k: int, leak: Leak) -> str:
    """Name the columns that alone are enough to change the value."""
    found = []
    for name in columns_of(curtain.bars):
        curtain.show()
        real = prepared.values(curtain.bars)[k, leak.bar]
        curtain.hide(leak.after + 1, names=[name])
        if differs(real, prepared.values(curtain.bars)[k, leak.bar]).any():
            found.append(name)
    curtain.show()
    return ", ".join(found) or "several columns"


def probe_repeat(prepared: Prepared, bars: Bars) -> list[Finding]:
    """Compute the prepared values twice and compare."""
    if not prepared.names:
        return []
    one, two = prepared.values(bars), prepared.values(bars)
    found = []
    for k in np.flatnonzero(differs(one, two).any(axis=(1, 2))):
        component, name = prepared.names[k]
        u = int(np.flatnonzero(differs(one[k], two[k]).any(axis=1))[0])
        found.append(
            finding_at(bars, component, f"prepare {name!r}", u, "differs between two identical runs")
        )
    return found


def probe_fit(prepared: Prepared, bars: Bars, seed: int = 0) -> list[Finding]:
    """Fit again with everything outside the training bars changed; what was learned must not change."""
    train: Any = prepared.train
    if not prepared.fits or train is None:
        return []
    curtain = Curtain(bars, false_market(bars, 1, seed))
    real = prepared.values(bars)
    again = learn(prepared.cls, prepared.p, bars, train)
    curtain.hide(0, train.start)
    curtain.hide(train.stop)
    changed = learn(prepared.cls, prepared.p, curtain.bars, train)
    label = prepared.cls.label()
    for frozen, detail in (
        (again, "learns something else from the same bars; give it a seed of its own"),
        (changed, "what was learned changed with bars outside its training window"),
    ):
        own = apply_fitted(prepared.cls, prepared.p, prepared.own, bars, frozen)
        where = differs(real[: len(prepared.own)], own)
        if where.any():
            u = int(np.flatnonzero(where.any(axis=(0, 2)))[0])
            return [finding_at(bars, label, "fit", u, detail)]
    return []
