"""Points drawn at random from a space, each at most once, however large it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import ConfigError
from admf_ray.space.lattice import INT64_MAX
from admf_ray.space.space import Space

__all__ = ["Draws", "draw"]

LISTED_POINTS = 2**20
MOST_LISTED_POINTS = 100_000_000
BATCH_POINTS = 65_536
WIDE_BATCH_POINTS = 4_096  # beyond the machine word numbers are Python's
PATIENCE_BATCHES = 16
LEAST_FOUND = PATIENCE_BATCHES


class Draws:
    """Distinct admissible points of a space in random order, uniform, as many as are taken.

    Parameters
    ----------
    space : Space
    seed : int
    listed : bool, optional
        Whether to enumerate all points and shuffle them, instead of drawing and rejecting; by default
        for spaces of up to 1,048,576 points.

    Notes
    -----
    The order depends on the space and the seed alone, so more points begin with the same ones. Made of a
    bit generator's raw output, which NumPy promises to keep. Memory is a few numbers per point taken.
    """

    def __init__(self, space: Space, seed: int, listed: bool | None = None) -> None:
        self.space = space
        self._bits = np.random.PCG64(seed)
        self._listed = space.size <= LISTED_POINTS if listed is None else listed
        self._wide = space.size > INT64_MAX
        self._known = self._empty()
        self._waiting = self._shuffled() if self._listed else self._empty()
        self._n_drawn = 0

    def take(self, n: int) -> NDArray[Any]:
        """Return the next points as indices of the space, int64 (n,), beyond 2**63 Python's numbers.

        Returns
        -------
        array
            Fewer when the space has no more.

        Raises
        ------
        ConfigError
            When next to nothing of a space of more than 100,000,000 points is admissible and new.
        """
        if self._waiting.size < n and not self._listed:
            self._draw(n)
        taken, self._waiting = self._waiting[:n], self._waiting[n:]
        return taken

    def _draw(self, n: int) -> None:
        """Draw until `n` points wait, or list the rest where drawing finds next to nothing."""
        found, lately = [self._waiting], [LEAST_FOUND] * PATIENCE_BATCHES
        while sum(one.size for one in found) < n and not self._listed:
            found.append(self._batch())
            lately = [*lately[1:], found[-1].size]
            if sum(lately) < LEAST_FOUND:
                found.append(self._rest())
        self._waiting = np.concatenate(found)

    def _rest(self) -> NDArray[Any]:
        if self.space.size > MOST_LISTED_POINTS:
            raise ConfigError(
                f"{_named(self.space)}, found {self._known.size:,} among {self._n_drawn:,} drawn; ask for "
                f"fewer samples or move the grid"
            )
        self._listed = True
        return self._shuffled()

    def _empty(self) -> NDArray[Any]:
        return np.empty(0, dtype=object if self._wide else np.int64)

    def _shuffled(self) -> NDArray[Any]:
        """Return all points not known, in random order."""
        found = [self._empty()]
        for lattice, start in zip(self.space.lattices, self.space.starts, strict=False):
            found += [start + block for block in lattice.blocks()]
        every = np.concatenate(found)
        every = every[~self._is_known(every)]
        return every[np.argsort(self._bits.random_raw(every.size), kind="stable")]

    def _is_known(self, indices: NDArray[Any]) -> NDArray[np.bool_]:
        if not self._known.size:
            return np.zeros(indices.size, dtype=np.bool_)
        place = np.minimum(np.searchsorted(self._known, indices), self._known.size - 1)
        return np.asarray(self._known[place] == indices, dtype=np.bool_)

    def _batch(self) -> NDArray[Any]:
        """Return admissible points not known before, in drawn order, and know them."""
        drawn = self._uniform(WIDE_BATCH_POINTS if self._wide else BATCH_POINTS)
        self._n_drawn += drawn.size
        values, first = np.unique(drawn, return_index=True)
        new = ~self._is_known(values)
        new[new] = self._admissible(values[new])
        self._known = np.concatenate([self._known, values[new]])
        self._known.sort(kind="stable")
        return drawn[np.sort(first[new])]

    def _uniform(self, n: int) -> NDArray[Any]:
        """Return up to `n` independent indices, those of too many bits rejected."""
        bits = (self.space.size - 1).bit_length()
        if not self._wide:
            found = (self._bits.random_raw(n) >> np.uint64(64 - bits)).astype(np.int64)
            return found[found < self.space.size]
        n_words = -(-bits // 64)
        words = self._bits.random_raw(n * n_words).reshape(n, n_words).astype(object)
        wide: Any = sum(words[:, k] << (64 * k) for k in range(n_words)) >> (64 * n_words - bits)
        return np.asarray(wide[wide < self.space.size])

    def _admissible(self, ascending: NDArray[Any]) -> NDArray[np.bool_]:
        ends = np.searchsorted(ascending, np.array(self.space.starts, dtype=ascending.dtype))
        kept = [np.empty(0, dtype=np.bool_)]
        for k, lattice in enumerate(self.space.lattices):
            kept.append(lattice.admissible(ascending[ends[k] : ends[k + 1]] - self.space.starts[k]))
        return np.concatenate(kept)


def draw(space: Space, n: int, seed: int) -> tuple[NDArray[Any], ...]:
    """Draw distinct admissible points of a whole space, uniformly.

    Parameters
    ----------
    space : Space
    n : int
        All points when there are no more.
    seed : int

    Returns
    -------
    tuple of int64 arrays
        Per lattice the indices drawn, ascending; Python's numbers for a lattice beyond 2**63.

    Raises
    ------
    ConfigError
        When nothing is admissible, or next to nothing of a large space.

    Notes
    -----
    More points hold the fewer ones of the same seed, as long as they are less than a quarter of a space
    of more than 1,048,576 points.

    Examples
    --------
    >>> from admf_ray.space.lattice import Lattice
    >>> draw(Space((Lattice("s", {}, ()),)), 5, seed=0)
    (array([0]),)
    """
    found = np.sort(Draws(space, seed, space.size <= max(LISTED_POINTS, 4 * n)).take(n))
    if not found.size and n:
        raise ConfigError(f"{_named(space)}, found none among {space.size:,}; move the grid")
    ends = np.searchsorted(found, np.array(space.starts, dtype=found.dtype))
    parts = (found[ends[k] : ends[k + 1]] - start for k, start in enumerate(space.starts[:-1]))
    return tuple(part.astype(one.index_type) for part, one in zip(parts, space.lattices, strict=True))


def _named(space: Space) -> str:
    names = ", ".join(lattice.strategy for lattice in space.lattices)
    rules = dict.fromkeys(one.text for lattice in space.lattices for one in lattice.constraints)
    return f"{names}: enough points of the grid must satisfy {' and '.join(rules) or 'nothing'}"
