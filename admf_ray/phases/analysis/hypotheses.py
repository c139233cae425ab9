"""Hypotheses are written down before their results exist, and none is ever forgotten."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.conclusion import holm
from admf_ray.config.analysis import ExperimentConfig
from admf_ray.config.base import plain
from admf_ray.results.identity import digest_of
from admf_ray.results.store import RunStore

__all__ = ["HYPOTHESES", "Recorded", "corrected", "hash_of", "record", "recorded", "told"]

HYPOTHESES = "hypotheses.json"


@dataclass(frozen=True)
class Recorded:
    """A hypothesis as it was written down.

    Attributes
    ----------
    name, hash : str
        The hash is of the base strategy and the modifications; the name is no part of it.
    recorded : str
        When it was first written down.
    says : dict
        Base strategy and modifications.
    p_better, p_worse : float or None
        Of itself alone; None before there was a result.
    """

    name: str
    hash: str
    recorded: str
    says: dict[str, Any]
    p_better: float | None = None
    p_worse: float | None = None


def hash_of(experiment: ExperimentConfig) -> str:
    """Return what names a hypothesis by what it says."""
    return digest_of(_says(experiment))


def _says(experiment: ExperimentConfig) -> dict[str, Any]:
    return {
        "base_strategy": experiment.base_strategy,
        "modifications": plain(experiment.modifications),
    }


def recorded(store: RunStore) -> list[Recorded]:
    """Return all hypotheses a run ever recorded, in order."""
    if not store.exists(HYPOTHESES):
        return []
    return [Recorded(**one) for one in store.read_json(HYPOTHESES)]


def record(store: RunStore, experiments: Sequence[ExperimentConfig]) -> list[Recorded]:
    """Write down hypotheses that are not yet known; returns all the run ever recorded."""
    known = recorded(store)
    there = {one.hash for one in known}
    now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    new = []
    for one in experiments:
        own = hash_of(one)
        if own not in there:
            there.add(own)
            new.append(Recorded(one.name, own, now, _says(one)))
    if new:
        _write(store, [*known, *new])
    return [*known, *new]


def told(store: RunStore, results: dict[str, tuple[float, float]]) -> list[Recorded]:
    """Write p-values to the hypotheses they belong to, by hash; returns all the run ever recorded."""
    found = [
        replace(one, p_better=results[one.hash][0], p_worse=results[one.hash][1])
        if one.hash in results
        else one
        for one in recorded(store)
    ]
    _write(store, found)
    return found


def corrected(family: Sequence[Recorded]) -> dict[str, tuple[float, float]]:
    """Return each hypothesis's p-values after Holm's correction over all of them, by hash.

    Notes
    -----
    One that was recorded and has no result counts with a p-value of 1: dropping a hypothesis from the
    configuration does not make the others surer. The two sides are corrected separately.
    """
    sides: list[NDArray[np.float64]] = [
        holm([1.0 if p is None else p for p in side])
        for side in ([one.p_better for one in family], [one.p_worse for one in family])
    ]
    return {one.hash: (float(a), float(b)) for one, a, b in zip(family, *sides, strict=True)}


def _write(store: RunStore, family: Sequence[Recorded]) -> None:
    store.write_json(HYPOTHESES, [vars(one) for one in family])
