"""Calls in processes of their own, fresh ones where asked: watched, their answers back as plain data."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from admf_ray.cluster.session import Session
from admf_ray.components.user_files import import_components
from admf_ray.logs import get_logger
from admf_ray.market.sealing import Seal, close, closed_now

__all__ = ["Call", "run_suite", "two_nodes"]

log = get_logger(__name__)
LOOK_S = 0.5


@dataclass(frozen=True)
class Call:
    """One piece of work.

    Attributes
    ----------
    name : str
        Unique in its suite.
    function : callable
        Of a module, so that it pickles as its name; takes the argument and what all calls share.
    argument : object
        Small.
    fresh : bool
        In a new process; else one that has run others will do.
    node : str
        Ray's number of the node it must run on, in a process that runs nothing else; any where empty.
    """

    name: str
    function: Callable[[Any, Any], Any]
    argument: Any
    fresh: bool = True
    node: str = ""


class _Caller:
    """Runs calls in its own process."""

    def __init__(self, files: Sequence[str], seals: Sequence[Seal]) -> None:
        close(*seals)
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self._files = list(files)

    def up(self) -> None:
        """Be there: done as soon as the process stands, and has its core."""

    def run(self, function: Callable[[Any, Any], Any], argument: Any, shared: Any) -> Any:
        while self._files:  # a part of the first call, so that its time is counted
            import_components(self._files.pop(0))
        return function(argument, shared)


@dataclass
class _Running:
    """A call that was handed to a process, which may still wait for its core."""

    call: Call
    actor: Any
    up: Any
    begun: float | None = None

    def is_late(self, now: float, timeout_s: float) -> bool:
        """Tell whether a call takes too long, by what is seen now of its process."""
        if self.begun is None and ray.wait([self.up], timeout=0)[0]:
            self.begun = now
        return self.begun is not None and now - self.begun > timeout_s


def run_suite(
    calls: Sequence[Call],
    shared: Any,
    here: Session,
    *,
    files: Sequence[str] = (),
    timeout_s: float = 3_600.0,
    workers: int | None = None,
    on_done: Callable[[str, Any], None] | None = None,
) -> dict[str, Any]:
    """Run calls on the cluster and return their answers by name.

    Parameters
    ----------
    calls : sequence of Call
        Begun in their order: those that need no fresh process are cheapest behind those that do.
    shared : object
        Put into the object store once, mapped by every call.
    here : Session
    files : sequence of str
        Users' files with components, imported first.
    timeout_s : float
        For one call, from when its process runs, however long that waited for a core; then it is killed.
    workers : int, optional
        At most so many at a time; one a core by default.
    on_done : callable, optional
        Told each name and answer as it comes.

    Returns
    -------
    dict of str to object
        In the order of `calls`; a call that failed has the exception in place of its answer.
    """
    limit = max(min(here.cores, workers or here.cores), 1)
    store = ray.put(shared)
    waiting, answers = list(calls)[::-1], {}
    running: dict[Any, _Running] = {}
    idle: list[Any] = []
    while waiting or running:
        while waiting and len(running) < limit:
            call = waiting.pop()
            if call.fresh or call.node:
                _end(idle)  # they hold cores
            actor = idle.pop() if idle else _actor(call.node, files)
            up = actor.up.remote()  # before the call, which it must not wait for
            running[actor.run.remote(call.function, call.argument, store)] = _Running(call, actor, up)
        done, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_S)
        now = time.monotonic()
        late = [reference for reference, one in running.items() if one.is_late(now, timeout_s)]
        for reference in dict.fromkeys([*done, *late]):
            one = running.pop(reference)
            call, actor = one.call, one.actor
            answer = _answer(reference, timeout_s) if reference in done else TimeoutError(f"{timeout_s:g} s")
            answers[call.name] = answer
            if call.node or isinstance(answer, Exception):
                ray.kill(actor)
            else:
                idle.append(actor)
            if on_done is not None:
                on_done(call.name, answer)
    _end(idle)
    return {call.name: answers[call.name] for call in calls}


def _end(actors: list[Any]) -> None:
    while actors:
        ray.kill(actors.pop())


def two_nodes() -> tuple[str, ...]:
    """Return two nodes that have cores, by Ray's number; none where there are fewer."""
    found = sorted(str(n["NodeID"]) for n in ray.nodes() if n["Alive"] and n["Resources"].get("CPU", 0) >= 1)
    return tuple(found[:2]) if len(found) > 1 else ()


def _actor(node: str, files: Sequence[str]) -> Any:
    where = {"scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)} if node else {}
    return ray.remote(_Caller).options(num_cpus=1, max_restarts=0, **where).remote(list(files), closed_now())


def _answer(reference: Any, timeout_s: float) -> Any:
    try:
        return ray.get(reference, timeout=timeout_s)
    except ray.exceptions.RayTaskError as error:
        return error.cause
    except ray.exceptions.RayError as error:
        log.warning("a process was lost: %s", error)
        return error
