"""Points proposed in generations: at random, or by a guide that learns from the scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

from admf_ray.space.coordinates import At
from admf_ray.space.sampling import Draws
from admf_ray.space.space import Space

__all__ = ["Guide", "Proposals", "Proposer"]

TRIES = 8


class Proposer(Protocol):
    """What a search asks for points and tells their scores."""

    def ask(self, n: int) -> list[At]:
        """Return the next generation: `n` points never returned before, fewer at the end of the space."""

    def tell(self, scores: Sequence[float]) -> None:
        """Hear the scores of the points last asked for, in their order; higher is better, -inf failed."""


class Guide(Protocol):
    """A searcher's own way to propose; what it proposes may be inadmissible or known."""

    def propose(self) -> tuple[Any, At] | None:
        """Return a point and a token for it; None to leave it to chance."""

    def refuse(self, token: Any, *, known: bool) -> None:
        """Hear that a proposal is not run: it was run before, or it breaks a constraint."""

    def learn(self, token: Any | None, at: At, score: float) -> None:
        """Hear the score of a point; without a token when chance proposed it."""


class Proposals:
    """A `Proposer` over a space.

    Parameters
    ----------
    space : Space
    seed : int
        Of the points that chance proposes.
    guide : Guide, optional
        Purely random without one.

    Notes
    -----
    Everything follows from the space, the seed, the sizes of the generations and the scores told: asked
    and told the same again, it proposes the same points, which is how a search resumes. A guide's
    proposal that breaks a constraint or was proposed before is asked for again, 8 times in all, then a
    random point takes its place. Not for several threads.
    """

    def __init__(self, space: Space, seed: int, guide: Guide | None = None) -> None:
        self.space, self.guide = space, guide
        self._draws = Draws(space, seed)
        self._seen: set[At] = set()
        self._asked: list[tuple[Any | None, At]] = []

    def ask(self, n: int) -> list[At]:
        """Return the next generation: `n` points never returned before, fewer at the end of the space.

        Raises
        ------
        ConfigError
            When next to nothing of a space of more than 100,000,000 points is admissible and new.
        """
        if self._asked:
            raise ValueError(f"{len(self._asked)} points await their scores; tell them first")
        for _ in range(n):
            found = self._guided() or self._drawn()
            if found is None:
                break
            self._seen.add(found[1])
            self._asked.append(found)
        return [at for _, at in self._asked]

    def tell(self, scores: Sequence[float]) -> None:
        """Hear the scores of the points last asked for, in their order; higher is better, -inf failed."""
        if len(scores) != len(self._asked) or any(math.isnan(score) for score in scores):
            raise ValueError(f"{len(self._asked)} scores must be told, no NaN, found {list(scores)[:5]}")
        for (token, at), score in zip(self._asked, scores, strict=True):
            if self.guide is not None:
                self.guide.learn(token, at, float(score))
        self._asked = []

    def _guided(self) -> tuple[Any, At] | None:
        for _ in range(TRIES if self.guide is not None else 0):
            assert self.guide is not None
            proposed = self.guide.propose()
            if proposed is None:
                break
            token, at = proposed
            known = at in self._seen
            if not known and self.space.lattices[at.lattice].admissible([at.point])[0]:
                return proposed
            self.guide.refuse(token, known=known)
        return None

    def _drawn(self) -> tuple[None, At] | None:
        while True:
            drawn = self._draws.take(1)
            if not drawn.size:
                return None
            at = At(*self.space.place(int(drawn[0])))
            if at not in self._seen:
                return None, at
