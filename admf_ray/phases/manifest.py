"""What a run is of, and whether what is asked for now is the same."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from admf_ray import __version__
from admf_ray.errors import StoreError
from admf_ray.phases.search import Search, context_of
from admf_ray.results.schema import FORMAT, Context, digest_in
from admf_ray.results.store import MANIFEST, RunStore

__all__ = ["config_of", "differences", "manifest_of", "settled", "whole_manifest"]

# No result depends on these: a run may be continued with others.
FREE = (
    "name", "container_settings", "phase_1_mining.execution", "phase_2_analysis", "phase_3_test",
)  # fmt: skip
MOST_SHOWN = 4
FORKS = 1_000


def manifest_of(search: Search, contexts: Sequence[Context]) -> dict[str, Any]:
    """Return what a run is of, as plain data: configuration, code, data."""
    bars = search.bars
    return {
        "format": FORMAT,
        "admf_ray": __version__,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "pipeline": search.config.to_dict()["pipeline"],
        "bars": {
            "hash": bars.content_hash,
            "symbols": list(bars.symbols),
            "first": str(bars.dates[0]),
            "last": str(bars.dates[1]),
            "n_bars": bars.n_bars,
        },
        "contexts": [context.facts() for context in contexts],
    }


@contextmanager
def settled(store: RunStore, search: Search, fork: bool) -> Iterator[RunStore]:
    """Hold a run while the block lasts: begun, or the one that is there to be gone on with.

    Parameters
    ----------
    store : RunStore
    search : Search
    fork : bool
        Where something differs: begin another run beside, with the parts that are still valid, or go on with
        the one that was begun so before.

    Yields
    ------
    RunStore
        The run to work in, its manifest written, with the keys that no result depends on as they are now.

    Raises
    ------
    StoreError
        What is there is of other code, data or configuration, or another driver holds it.

    Notes
    -----
    Nothing is written before the run is held. What a run is of never changes once it is written, so that a
    run at work can be looked at, and forked, by others.
    """
    contexts = [context_of(search, stack, lattice) for stack, lattice in search.searches]
    now = manifest_of(search, contexts)
    beside = (RunStore(f"{store.uri.rstrip('/')}-{k}") for k in range(2, FORKS) if fork)
    for own in chain([store], beside):
        found = _found(own, now)
        if not found:
            own.create()
            with own.held():
                found = _found(own, now)  # another driver may have begun here meanwhile
                if not found:
                    _write_down(own, now, contexts, store)
                    yield own
                    return
        if not fork:
            raise StoreError(_refusal(store, found))
    raise StoreError(f"{store.uri}: has {FORKS} forks, found no name for another; use --out")


def _found(store: RunStore, now: Mapping[str, Any]) -> list[str]:
    """Return what a run is of that is not asked for now; nothing where there is none."""
    if not store.exists(MANIFEST):
        return []
    with whole_manifest(store):
        return differences(store.manifest(), now)


def _write_down(own: RunStore, now: Mapping[str, Any], contexts: Sequence[Context], origin: RunStore) -> None:
    """Begin a run, a fork with its origin's parts; in one that is there, write what may differ."""
    if own.exists(MANIFEST):
        old = own.manifest()
        if old["pipeline"] != now["pipeline"]:
            own.write_manifest({**old, "pipeline": now["pipeline"]})
    elif own is origin:
        own.write_manifest(now)
    else:
        own.take_parts(origin, _still_valid(origin, contexts))
        own.write_manifest({**now, "forked_from": origin.uri})


def _refusal(store: RunStore, found: Sequence[str]) -> str:
    more = f" (and {len(found) - MOST_SHOWN} more)" if len(found) > MOST_SHOWN else ""
    return (
        f"{store.uri}: must be a run of the same code, data and configuration, found "
        f"{'; '.join(found[:MOST_SHOWN])}{more}; --fork begins a new run from what is still valid, "
        f"--out one elsewhere"
    )


@contextmanager
def whole_manifest(store: RunStore) -> Iterator[None]:
    """While a run's manifest is read, say in one line that something in it is not there.

    Raises
    ------
    StoreError
        The manifest lacks a fact, or has one of another kind.
    """
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise StoreError(
            f"{store.uri}/{MANIFEST}: must be as it was written, found {type(error).__name__} {error} in it; "
            f"restore it, or run again elsewhere with --out"
        ) from error


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what two manifests disagree in, a phrase each; empty when one run may go on as the other."""
    found = []
    if old.get("format") != new["format"]:
        return [f"format {old.get('format')} there, {new['format']} now"]
    before, after = (dict(_leaves(m["pipeline"], "")) for m in (old, new))
    found += [
        f"{key}: {_shown(before, key)} there, {_shown(after, key)} now"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key) and not _is_free(key)
    ]
    if old["bars"]["hash"] != new["bars"]["hash"]:
        found.append(
            f"data: {_bars(old['bars'])} there, {_bars(new['bars'])} now"
            if _bars(old["bars"]) != _bars(new["bars"])
            else f"data: other prices in {_bars(new['bars'])}"
        )
    known = {one["strategy"]: one for one in old["contexts"]}
    for one in new["contexts"]:
        last = known.get(one["strategy"])
        if last is None:
            continue
        if last["code"] != one["code"]:
            found.append(f"code of {one['strategy']} or what it imports: changed")
        for name, value in one["engine"].items():
            if last["engine"].get(name) != value:
                was = "changed" if name == "sources" else f"{last['engine'].get(name)} there, {value} now"
                found.append(f"engine {name}: {was}")
    return list(dict.fromkeys(found))


def _still_valid(store: RunStore, contexts: Sequence[Context]) -> list[str]:
    """Return the parts of a run whose rows may stand in a run of these contexts."""
    wanted = {context.digest[:12] for context in contexts}
    return [name for name in store.parts() if digest_in(name) in wanted]


def _is_free(key: str) -> bool:
    return any(key == name or key.startswith((f"{name}.", f"{name}[")) for name in FREE)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for k, item in enumerate(value):
            yield from _leaves(item, f"{path}[{k}]")
    else:
        yield path, value


def _shown(leaves: Mapping[str, Any], key: str) -> str:
    return repr(leaves[key]) if key in leaves else "nothing"


def _bars(bars: Mapping[str, Any]) -> str:
    return f"{', '.join(bars['symbols'])} {bars['first']} to {bars['last']}, {bars['n_bars']} bars"


def config_of(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a run's configuration as `parse_pipeline` takes it."""
    return {"pipeline": manifest["pipeline"]}
