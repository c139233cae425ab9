"""What is tested: one point, or several whose wishes are netted in one account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from admf_ray.cluster.jobs import StackNames
from admf_ray.engine.stack import Stack
from admf_ray.results.identity import code_digest, digest_of, point_ids
from admf_ray.space.parameters import parameters_text

__all__ = ["Member", "TestCase", "stack_named"]

Floats = NDArray[np.float64]
Kind = Literal["adaptive", "filtered", "discovered", "ensemble", "fixed"]


@cache
def stack_named(names: StackNames) -> Stack:
    """Return a stack by its names, its compiled code kept for as long as the process lives."""
    return names.build()


@dataclass(frozen=True)
class Member:
    """One point of one stack, small to send.

    Attributes
    ----------
    names : StackNames
    row : tuple of float
        As `Stack.vector` makes it.
    """

    names: StackNames
    row: tuple[float, ...]

    @classmethod
    def of(cls, stack: Stack, row: Floats) -> Member:
        """Return the member that a stack and a row are."""
        return cls(StackNames.of(stack), tuple(float(value) for value in row))

    @property
    def stack(self) -> Stack:
        """The stack, as this process has it."""
        return stack_named(self.names)

    @property
    def vector(self) -> Floats:
        """The row as an array."""
        return np.array(self.row)

    @property
    def point_id(self) -> int:
        """Number of its row, where a run has it."""
        return int(point_ids(self.vector[None], _code(self.names))[0])

    def parameters(self) -> dict[str, Any]:
        """Return all values by full name."""
        return self.stack.decode(self.vector)


@dataclass(frozen=True)
class TestCase:
    """A test strategy, resolved: nothing about it is left to choose.

    Attributes
    ----------
    name : str
    kind : {"adaptive", "filtered", "discovered", "ensemble", "fixed"}
    account : Member
        The point; of an ensemble or an adaptive strategy, the one whose risk manager, broker and portfolio
        hold the account.
    members : tuple of Member
        What is netted; empty for a single point.
    weights : tuple of float
        Of an ensemble's members, from training data; sum 1.
    by_regime : tuple of int
        Of an adaptive strategy: the member that each regime follows, the last one where the regime is not
        known.
    note : str
        What a reader must know of how it was made.
    """

    __test__: ClassVar[bool] = False

    name: str
    kind: Kind
    account: Member
    members: tuple[Member, ...] = ()
    weights: tuple[float, ...] = ()
    by_regime: tuple[int, ...] = ()
    note: str = ""

    def __getitem__(self, key: str) -> Any:
        """Return an attribute, or ``strategy_class`` and ``strategy_params`` as a container takes them."""
        if key == "strategy_class":
            return self.account.names.strategy
        if key == "strategy_params":
            stack = self.account.stack
            return vars(stack.part_values(self.account.vector)[0])
        return getattr(self, key)

    @property
    def parts(self) -> tuple[Member, ...]:
        """The points it is made of."""
        return self.members or (self.account,)

    @property
    def is_compiled(self) -> bool:
        """Whether it is one point of a compiled strategy, so that the sweep can run it too."""
        return not self.members and self.account.stack.strategy.is_compiled()

    @property
    def identity(self) -> str:
        """32 hexadecimal digits of what it is, its code included; its name and note do not count."""
        return digest_of(
            [
                [[*one.names, list(one.row), _code(one.names)] for one in (self.account, *self.members)],
                list(self.weights),
                list(self.by_regime),
            ]
        )

    def with_parts(self, parts: tuple[Member, ...]) -> TestCase:
        """Return the same construction of other points."""
        if not self.members:
            return replace(self, account=parts[0])
        return replace(self, members=parts)

    def told(self) -> str:
        """Return what it is, in a line."""
        if not self.members:
            return _named(self.account)
        if self.by_regime:
            return "by regime: " + "; ".join(dict.fromkeys(_named(one) for one in self.members))
        return " + ".join(
            f"{weight:.0%} {_named(one)}" for weight, one in zip(self.weights, self.members, strict=True)
        )


@cache
def _code(names: StackNames) -> str:
    return code_digest(*(cls for _, cls in stack_named(names).classes))


def _named(member: Member) -> str:
    stack = member.stack
    text = parameters_text(member.parameters(), own=True)
    filters = "".join(f" + {one.label()}" for one in stack.filters)
    return f"{stack.strategy.label()}({text}){filters}"
