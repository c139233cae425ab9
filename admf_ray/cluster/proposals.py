"""Any searcher of Ray Tune as a guide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from admf_ray.errors import ConfigError
from admf_ray.space.coordinates import At, Coordinates
from admf_ray.space.space import Space

if TYPE_CHECKING:
    from ray.tune.search import Searcher

__all__ = ["TuneGuide"]

SCORE = "score"
STRATEGY = "strategy"


class TuneGuide:
    """Asks a `ray.tune.search.Searcher` for points; started without a space of its own.

    Parameters
    ----------
    searcher : Searcher
        Seeded by whoever made it. It is given the space, `score` to maximize, and learns only from what
        it proposed; proposals that are not run, and failed ones, are told as errors.
    space : Space

    Raises
    ------
    ConfigError
        It is no `Searcher`, or does not take the space.

    Notes
    -----
    Strategies and words are `tune.choice`, numbers `tune.randint` ranks along their axis. All
    strategies' axes are in one flat space. A searcher that has nothing to propose leaves it to chance.
    """

    def __init__(self, searcher: Searcher, space: Space) -> None:
        from ray import tune
        from ray.tune.search import Searcher

        if not isinstance(searcher, Searcher):
            raise ConfigError(
                f"parameter_search: a searcher must be a ray.tune.search.Searcher, asked for a point at a "
                f"time, found {type(searcher).__name__}; make one, or leave it out"
            )
        self._searcher, self._coordinates, self._count = searcher, Coordinates(space), 0
        names = self._coordinates.strategies
        config: dict[str, Any] = {STRATEGY: tune.choice(list(names))} if len(names) > 1 else {}
        for dimensions in self._coordinates.dimensions:
            for one in dimensions:
                config[one.name] = (
                    tune.choice(list(one.words)) if one.words else tune.randint(0, one.n_values)
                )
        if not searcher.set_search_properties(SCORE, "max", config):
            raise ConfigError(
                f"parameter_search: {type(searcher).__name__} must take its space, metric and mode from the "
                f"search, found its own or none; make it without them"
            )

    def propose(self) -> tuple[str, At] | None:
        """Return a point and its trial's name; None when the searcher has none."""
        trial = f"{self._count:08d}"
        self._count += 1
        found = self._searcher.suggest(trial)
        if not isinstance(found, dict):
            return None
        names = self._coordinates.strategies
        number = names.index(found[STRATEGY]) if len(names) > 1 else 0
        return trial, self._coordinates.at(number, found)

    def refuse(self, token: str, *, known: bool) -> None:
        """Tell the searcher that a proposal came to nothing."""
        self._searcher.on_trial_complete(token, error=True)

    def learn(self, token: str | None, at: At, score: float) -> None:
        """Tell the searcher the score of what it proposed."""
        if token is None:
            return
        if math.isfinite(score):
            self._searcher.on_trial_complete(token, {SCORE: score})
        else:
            self._searcher.on_trial_complete(token, error=True)
