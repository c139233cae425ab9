"""Ledgers under the results root: which trials and looks some bars have seen, whatever run made them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from admf_ray.market import Bars, Window
from admf_ray.results.identity import digest_of, distinct
from admf_ray.results.store import RunStore

__all__ = ["BarsKey", "Ledger", "Look", "bars_key", "results_root"]

Ints = NDArray[np.int64]
BarsKey = frozenset[str]

FOLDER = "ledger"
DIGITS = 16


@dataclass(frozen=True)
class Look:
    """One opening of test data.

    Attributes
    ----------
    run : str
        The run that looked first.
    finalists : tuple of str
        Identities of the finalists, sorted.
    months : BarsKey
        The bars that were seen.
    facts : mapping
        What else was written down.
    """

    run: str
    finalists: tuple[str, ...]
    months: BarsKey
    facts: Mapping[str, Any] = field(default_factory=dict)


def bars_key(bars: Bars, window: Window) -> BarsKey:
    """Return what names the bars of a window in a ledger.

    Parameters
    ----------
    bars : Bars
    window : Window

    Returns
    -------
    frozenset of str
        A digest of the prices of each symbol and calendar month (UTC). Neither names nor other symbols count.

    Notes
    -----
    Two windows of the same history share the months that both hold whole, so another first day, one symbol
    less or a renamed file does not make the bars unseen. Prices adjusted again later are other bars.
    """
    own = bars.slice(window.start, window.stop)
    months = own.time_ns.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    edges = [0, *(np.flatnonzero(np.diff(months)) + 1).tolist(), own.n_bars]
    found = set()
    for s in range(own.n_symbols):
        prices = np.stack([column[:, s] for column in (own.open, own.high, own.low, own.close)], axis=1)
        for begin, end in pairwise(edges):
            there = own.tradable[begin:end, s]
            if there.any():
                hasher = hashlib.blake2b(np.ascontiguousarray(own.time_ns[begin:end][there]).tobytes())
                hasher.update(np.ascontiguousarray(prices[begin:end][there]).tobytes())
                found.add(hasher.hexdigest()[:DIGITS])
    return frozenset(found)


def results_root(uri: str) -> str:
    """Return where the ledgers of a run's folder or storage address stand: the folder it is in."""
    head, slash, _ = uri.rstrip("/").rpartition("/")
    return head or ("/" if slash else ".")


@dataclass(frozen=True)
class Ledger:
    """Trials and looks, by the bars they saw.

    Parameters
    ----------
    root : str
        The results root, a folder or storage address; see `results_root`.

    Notes
    -----
    An entry is a file named by its content and written whole: writing it again changes nothing, processes
    need no lock, and a crash leaves whole entries or none.
    """

    root: str

    @cached_property
    def _store(self) -> RunStore:
        return RunStore(f"{self.root.rstrip('/')}/{FOLDER}")

    def add_trials(self, key: BarsKey, run: str, context_digest: str, ids: Ints) -> None:
        """Write down trials on some bars; those that are there already add nothing.

        Parameters
        ----------
        key : BarsKey
        run, context_digest : str
            Who ran them, for the reader.
        ids : int64 array (n,)
            `point_ids`: equal for equal code and parameters.
        """
        own_ids = distinct(ids)
        if not own_ids.size:
            return
        own = digest_of([sorted(key), hashlib.blake2b(own_ids.tobytes(), digest_size=16).hexdigest()])
        name = f"trials/{own}.parquet"
        if self._store.exists(name):
            return
        facts = {"months": sorted(key), "run": run, "context": context_digest, "trials": int(own_ids.size)}
        table = pa.table({"point_id": pa.array(own_ids)})
        self._store.write_table(
            name, table.replace_schema_metadata({b"admf_ray": json.dumps(facts).encode()})
        )

    def entries(self, key: BarsKey) -> tuple[str, ...]:
        """Return the names of the trials' entries that share a month with `key`, sorted: a snapshot."""
        return tuple(name for name in self._store.names("trials") if key & self._months(name))

    def trials(self, entries: Iterable[str]) -> Ints:
        """Return the distinct identities of some entries, ascending.

        Raises
        ------
        StoreError
            An entry is gone or damaged.
        """
        found = [self._store.read_table(f"trials/{name}")["point_id"].to_numpy() for name in entries]
        return distinct(np.concatenate([np.empty(0, dtype=np.int64), *found]))

    def count(self, key: BarsKey) -> int:
        """Return how many distinct trials were run on bars that share a month with `key`."""
        return int(self.trials(self.entries(key)).size)

    def add_look(self, key: BarsKey, run: str, finalists: Sequence[str], **facts: Any) -> None:
        """Write down that test bars were opened for a set of finalists; the same look again adds nothing.

        Parameters
        ----------
        key : BarsKey
        run : str
        finalists : sequence of str
            Their identities; the order does not matter.
        **facts
            Anything that JSON holds, for the reader.
        """
        chosen = sorted(finalists)
        name = f"looks/{digest_of([sorted(key), chosen])}.json"
        if self._store.exists(name):
            return
        self._store.write_json(name, {"run": run, "finalists": chosen, "months": sorted(key), "facts": facts})

    def looks(self, key: BarsKey) -> tuple[Look, ...]:
        """Return the looks at bars that share a month with `key`, sorted by their names."""
        read = (self._store.read_json(f"looks/{name}") for name in self._store.names("looks"))
        looks = (
            Look(one["run"], tuple(one["finalists"]), frozenset(one["months"]), one["facts"]) for one in read
        )
        return tuple(one for one in looks if one.months & key)

    def _months(self, name: str) -> BarsKey:
        table = self._store.read_table(f"trials/{name}", columns=[])
        return frozenset(json.loads(table.schema.metadata[b"admf_ray"])["months"])
