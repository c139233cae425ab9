"""What is to be run: the points of one stack, and the conditions that all stacks share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.components.registry import find
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.guard import Limits
from admf_ray.engine.stack import Stack
from admf_ray.market.sealing import Seal
from admf_ray.results.identity import point_ids
from admf_ray.results.schema import Context
from admf_ray.results.store import RunStore
from admf_ray.space.surroundings import Surroundings

__all__ = ["Job", "Shared", "StackNames", "decoded"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BLOCK_ROWS = 65_536


class StackNames(NamedTuple):
    """A stack by its registered names, as a process that has imported the same files can build it.

    Attributes
    ----------
    strategy : str
    filters : tuple of str
    risk, broker, portfolio : str
    """

    strategy: str
    filters: tuple[str, ...]
    risk: str
    broker: str
    portfolio: str

    @classmethod
    def of(cls, stack: Stack) -> StackNames:
        """Return a stack's names."""
        filters = tuple(one.label() for one in stack.filters)
        rest = (one.label() for one in (stack.risk, stack.broker, stack.portfolio))
        return cls(stack.strategy.label(), filters, *rest)

    def build(self) -> Stack:
        """Return the stack.

        Raises
        ------
        ComponentError
            A name is not registered here.
        """
        filters = tuple(find(name, "filter") for name in self.filters)
        risk, broker, portfolio = (find(name) for name in (self.risk, self.broker, self.portfolio))
        return Stack(find(self.strategy, "strategy"), filters, risk, broker, portfolio)


@dataclass(frozen=True)
class Job:
    """The points of one stack.

    Attributes
    ----------
    names : StackNames
    context : Context
        Names the results.
    points : Surroundings
        All rows, by position.
    todo : int64 array (n,)
        Positions of the rows that are not stored yet, ascending.
    compiled : bool
        Whether the strategy runs in the sweep; otherwise in replay, at Python's speed.
    steps : int
        Bars of all windows together, times symbols: what one point costs.
    """

    names: StackNames
    context: Context
    points: Surroundings
    todo: Ints
    compiled: bool
    steps: int

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without the numbers: a worker makes those of its tiles."""
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    @cached_property
    def ids(self) -> Ints:
        """Numbers of all points, (n,); made in blocks, as a row is 25 times as large as its number."""
        out = np.empty(len(self.points), dtype=np.int64)
        for begin in range(0, out.size, BLOCK_ROWS):
            end = min(begin + BLOCK_ROWS, out.size)
            out[begin:end] = point_ids(self.points.rows(begin, end), self.context.code)
        return out

    def left(self, todo: Ints) -> Job:
        """Return the same job with other rows to do."""
        job = replace(self, todo=todo)
        job.__dict__["ids"] = self.ids
        return job

    @cached_property
    def label(self) -> str:
        """The strategy's registered name."""
        return self.names.strategy

    def work(self, begin: int, end: int) -> tuple[Floats, Ints]:
        """Return the rows of a tile that are not stored yet, and their numbers."""
        low, high = np.searchsorted(self.todo, [begin, end])
        wanted = self.todo[low:high]
        rows = self.points.rows(begin, end)[wanted - begin]
        return rows, point_ids(rows, self.context.code)


@dataclass(frozen=True)
class Shared:
    """What every worker maps, once in the object store.

    Attributes
    ----------
    files : tuple of str
        Users' files with components, imported first.
    conditions : Conditions
    jobs : tuple of Job
    limits : Limits
    store : RunStore
    objective : str
    maximize : bool
        Which side of the objective is better.
    threads : int
        Threads of one worker.
    pool_size : int
        Component stacks that a worker builds and compiles ahead, before its first tile.
    canary : str
        Digest of a small reference backtest; a worker whose processor gives other bits is refused.
    report_every_s : float
        A worker reports after each tile that ends so long after its last report.
    sealed : tuple of Seal
        Test data that stay closed in the workers too.
    """

    files: tuple[str, ...]
    conditions: Conditions
    jobs: tuple[Job, ...]
    limits: Limits
    store: RunStore
    objective: str
    maximize: bool
    threads: int
    pool_size: int
    canary: str
    report_every_s: float = 0.0
    sealed: tuple[Seal, ...] = ()


def decoded(stack: Stack, rows: Floats, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the named parameters of rows as columns of numbers or words, by full name."""
    params: Mapping[str, Any] = {
        prefix + name: param
        for prefix, (_, cls) in zip(stack.prefixes, stack.classes, strict=True)
        for name, param in cls.parameters.items()
    }
    out: dict[str, Any] = {}
    for name in names:
        codes, inverse = np.unique(rows[:, stack.columns.index(name)], return_inverse=True)
        values = np.array([params[name].decode(code) for code in codes])
        out[name] = values[inverse.ravel()]
    return out
