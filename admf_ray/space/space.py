"""The whole searched space: the lattices of all strategies behind each other."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from admf_ray.space.lattice import Lattice

__all__ = ["Space"]


@dataclass(frozen=True)
class Space:
    """One or more lattices behind each other, indexed through.

    Parameters
    ----------
    lattices : tuple of Lattice
        In declared order.
    """

    lattices: tuple[Lattice, ...]

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """First index of each lattice, and the end."""
        return tuple(accumulate((lattice.size for lattice in self.lattices), initial=0))

    @property
    def size(self) -> int:
        """Number of points, admissible or not."""
        return self.starts[-1]

    def __len__(self) -> int:
        """Return `size` where it fits a machine word."""
        return self.size

    def place(self, index: int) -> tuple[int, int]:
        """Return the number of the lattice that an index falls into, and the index within it.

        Raises
        ------
        IndexError
            Outside the space.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"index {index} is out of the space's {self.size} points")
        k = bisect_right(self.starts, index) - 1
        return k, index - self.starts[k]
