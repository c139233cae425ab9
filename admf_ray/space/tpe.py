"""Optuna's tree-structured Parzen estimator as a guide."""

from __future__ import annotations

import importlib.util
import math
import warnings
from typing import Any

from admf_ray.errors import ConfigError
from admf_ray.space.coordinates import At, Coordinates
from admf_ray.space.space import Space

__all__ = ["TpeGuide", "require_optuna"]

RANDOM_POINTS = 10
STRATEGY = "strategy"


def require_optuna(where: str) -> None:
    """Refuse to go on without Optuna.

    Raises
    ------
    ConfigError
        It is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError(f"{where}: needs Optuna, found it missing; pip install 'admf-ray[optuna]'")


class TpeGuide:
    """Proposes where good scores are dense and bad ones are not.

    Parameters
    ----------
    space : Space
    seed : int

    Raises
    ------
    ConfigError
        Optuna is not installed.

    Notes
    -----
    Sees the strategy as a word, numbers as ranks along their axis, words as words, and each strategy's
    axes only together with it. Leaves the first generations to chance, until 10 scores are known.
    Points of the running generation count as bad ones, so that a generation spreads (constant liar).
    Points that break a constraint are told as failed; the repeated are withdrawn.

    Source: Bergstra, Bardenet, Bengio and Kégl, 2011, section 4; Watanabe, 2023, for the multivariate
    kernel.
    """

    def __init__(self, space: Space, seed: int) -> None:
        require_optuna("parameter_search.method optuna")
        import optuna

        self._optuna, self._coordinates = optuna, Coordinates(space)
        self._n_learned = 0
        with warnings.catch_warnings():
            # conditional axes sampled together: the interface may change, not what it does
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                n_startup_trials=RANDOM_POINTS, multivariate=True, group=True, constant_liar=True,
                seed=seed % 2**32,
            )  # fmt: skip
        loud = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(sampler=sampler, direction="maximize")
        optuna.logging.set_verbosity(loud)

    def propose(self) -> tuple[Any, At] | None:
        """Return a point and Optuna's trial; None until something was learned."""
        if self._n_learned < RANDOM_POINTS:
            return None
        names = self._coordinates.strategies
        trial = self._study.ask()
        number = names.index(trial.suggest_categorical(STRATEGY, names)) if len(names) > 1 else 0
        chosen = {
            one.name: trial.suggest_categorical(one.name, one.words)
            if one.words
            else trial.suggest_int(one.name, 0, one.n_values - 1)
            for one in self._coordinates.dimensions[number]
        }
        return trial, self._coordinates.at(number, chosen)

    def refuse(self, token: Any, *, known: bool) -> None:
        """Withdraw a known point; let one that breaks a constraint count as failed."""
        if known:
            self._study.tell(token, state=self._optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(token, -math.inf)

    def learn(self, token: Any | None, at: At, score: float) -> None:
        """Tell Optuna the score, and the point too when chance proposed it."""
        self._n_learned += 1
        if token is not None:
            self._study.tell(token, score)
            return
        d = self._optuna.distributions
        chosen, known = self._coordinates.chosen(at), {}
        for one in self._coordinates.dimensions[at.lattice]:
            known[one.name] = (
                d.CategoricalDistribution(one.words) if one.words else d.IntDistribution(0, one.n_values - 1)
            )
        names = self._coordinates.strategies
        if len(names) > 1:
            chosen[STRATEGY], known[STRATEGY] = names[at.lattice], d.CategoricalDistribution(names)
        self._study.add_trial(
            self._optuna.trial.create_trial(params=chosen, distributions=known, value=score)
        )
