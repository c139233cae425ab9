"""How many trials the training data have seen: this run's and, by the ledger, everybody's before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from admf_ray.errors import StoreError
from admf_ray.phases.search import Search
from admf_ray.results.identity import distinct
from admf_ray.results.ledger import Ledger, bars_key, results_root
from admf_ray.results.points import ids_on
from admf_ray.results.store import RunStore

__all__ = ["TRIALS", "Trials", "begin_count", "count_in", "trials_of"]

TRIALS = "trials.json"


@dataclass(frozen=True)
class Trials:
    """Distinct trials, by their identities.

    Attributes
    ----------
    own : int
        Points with rows in this run: of the grid, their neighbours, and variants of experiments.
    before : int
        Others that the ledger knew for these bars when the run was begun.
    """

    own: int
    before: int

    @property
    def total(self) -> int:
        """What statistics correct for."""
        return self.own + self.before


def begin_count(store: RunStore, search: Search) -> None:
    """Note what the ledger knows of the training bars when a run is begun; later starts change nothing."""
    if store.exists(TRIALS):
        return
    ledger, key = Ledger(results_root(store.uri)), bars_key(search.bars, search.span)
    entries = ledger.entries(key)
    count = int(ledger.trials(entries).size)
    store.write_json(TRIALS, {"entries": list(entries), "trials_before": count, "months": sorted(key)})


def count_in(store: RunStore, search: Search) -> None:
    """Write a run's trials into the ledger; those it knows add nothing."""
    ledger, key = Ledger(results_root(store.uri)), bars_key(search.bars, search.span)
    for digest, ids in ids_on(store, search.bars.content_hash).items():
        ledger.add_trials(key, store.uri, digest, ids)


def trials_of(store: RunStore, search: Search) -> Trials:
    """Return how many trials a run's statistics correct for.

    Notes
    -----
    The same points run again, by this run or another, are counted once. Where the ledger's files are gone,
    all that were counted at the run's start stand beside the run's own.
    """
    ids = ids_on(store, search.bars.content_hash)
    own = distinct(np.concatenate([np.empty(0, dtype=np.int64), *ids.values()]))
    kept = store.read_json(TRIALS)
    try:
        seen = Ledger(results_root(store.uri)).trials(kept["entries"])
    except StoreError:
        return Trials(int(own.size), int(kept["trials_before"]))
    return Trials(int(own.size), int(np.setdiff1d(seen, own, assume_unique=True).size))
