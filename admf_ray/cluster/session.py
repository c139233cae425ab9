"""Joining a Ray cluster, or starting Ray on this machine for as long as the block lasts."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import psutil

from admf_ray.errors import ResourceError
from admf_ray.logs import get_logger

__all__ = ["Keeping", "Session", "give_way", "kept_open", "refuse_address", "session"]

log = get_logger(__name__)

ANSWER_S = 5.0
PORTS = 1 << 16
DASHBOARD = "/ray/dashboard/dashboard.py"
LOWEST = 19  # priority, on every system that has fork
# Set before Ray starts, unless the user has set them; each says why.
LOCAL = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing leaves the machine unasked
    # Tune gives its actors an environment of their own, which workers started ahead would not have: they
    # would only take the cores from those that are used
    "RAY_prestart_worker_first_driver": "0",
    # Ray's own 15 lets its dashboard, which goes on starting for seconds, take the cores from the search
    "RAY_worker_niceness": "0",
}
TUNE = {
    "RAY_AIR_NEW_OUTPUT": "0",  # the progress shown is ours
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # the first Ctrl-C lets running tiles finish
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # a user's relative paths mean the driver's folder
}
FIRST_WORKER_S = 600.0  # a cloud starts a host and installs the package in some minutes
LOOK_EVERY_S = 2.0


class Session(NamedTuple):
    """A Ray cluster at hand.

    Attributes
    ----------
    address : str
        ``local``, or where it was joined.
    dashboard : str
        URL, or empty.
    cores : int
        That trials may use.
    node_cores : int
        Fewest cores of a node that has any.
    nodes : int
        Nodes that have cores.
    memory_bytes : int
        That Ray gives to actors, over nodes that have cores.
    node_memory_bytes : int
        Most of it on one node.
    """

    address: str
    dashboard: str
    cores: int
    node_cores: int
    nodes: int
    memory_bytes: int
    node_memory_bytes: int

    @property
    def joined(self) -> bool:
        """Whether it is a cluster that others started, which may grow."""
        return self.address not in ("local", "running")


@contextmanager
def kept_open() -> Iterator[None]:
    """Within the block, a session that was opened stays open for the next who asks.

    Notes
    -----
    Starting Ray costs seconds; a run that works in several rounds, or phases, pays them once. Blocks may be
    nested: the outermost counts.
    """
    global _kept
    if _kept is not None:
        yield
        return
    with ExitStack() as stack:
        _kept = _Kept(stack)
        try:
            yield
        finally:
            _kept = None


class Keeping:
    """Base of those who ask for sessions in several calls: a block of one keeps Ray from call to call.

    Notes
    -----
    ``with one:`` is `kept_open`: the first call that needs Ray starts it, and the block's end ends it, also
    after an error. Without a block each call ends what it started.
    """

    def __enter__(self) -> Self:
        """Begin the block."""
        block = kept_open()
        block.__enter__()
        self.__dict__.setdefault("_blocks", []).append(block)
        return self

    def __exit__(self, *raised: Any) -> None:
        """End Ray, where the block started it."""
        self.__dict__["_blocks"].pop().__exit__(*raised)


@contextmanager
def session(
    address: str | None = None, cores: int | None = None, dashboard: bool = True
) -> Iterator[Session]:
    """Join the cluster at an address (or ``RAY_ADDRESS``), or start Ray here.

    Parameters
    ----------
    address : str, optional
        ``auto``, ``host:port``, or ``local``.
    cores : int, optional
        Of a Ray started here; all by default.
    dashboard : bool
        Of a Ray started here.

    Yields
    ------
    Session

    Raises
    ------
    ResourceError
        ``ray://`` addresses, a cluster that does not answer, or one without cores.

    Notes
    -----
    A Ray that runs in this process already is used as it is and left running. One that is started here asks
    for a token that only this process and its workers know, since Ray executes what any client sends; a
    program that imports Ray by itself decides by itself, as Ray reads its environment when it is imported.
    """
    if _kept is None:
        with _opened(address, cores, dashboard) as here:
            yield here
        return
    if _kept.here is None:
        _kept.here = _kept.stack.enter_context(_opened(address, cores, dashboard))
    yield _kept.here


@dataclass
class _Kept:
    stack: ExitStack
    here: Session | None = None


_kept: _Kept | None = None


@contextmanager
def _opened(address: str | None, cores: int | None, dashboard: bool) -> Iterator[Session]:
    for name, value in TUNE.items():
        os.environ.setdefault(name, value)
    place = address or os.environ.get("RAY_ADDRESS") or "local"
    _prepare(place)
    import ray

    if ray.is_initialized():
        yield _described(ray, "running")
        return
    refuse_address(place)
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if place == "local":
        options |= {"include_dashboard": dashboard, "num_cpus": cores}
    try:
        try:
            found = ray.init(address=place, **options)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise _unanswered(place, text) from error
        log.info("Ray at %s, dashboard %s", place, found.dashboard_url or "off")
        if place == "local":
            give_way(DASHBOARD)
        if place != "local":
            _wait_for_cores(ray, place)
        yield _described(ray, place)
    finally:
        ray.shutdown()


def give_way(program: str) -> None:
    """Let child processes that run a program, and all that these started, wait for others.

    Parameters
    ----------
    program : str
        What the program's path ends with. Paths that are part of a longer argument do not count: the
        raylet, whose children the workers are, is told the dashboard's too.

    Notes
    -----
    Ray's dashboard goes on starting for seconds after Ray is there, with the cores that the search wants.
    """
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it has ended
            if any(word.endswith(program) and " " not in word for word in child.cmdline()):
                for one in (child, *child.children(recursive=True)):
                    one.nice(LOWEST)


def refuse_address(place: str) -> None:
    """Refuse an address at which nobody listens: Ray would go on asking for minutes.

    Parameters
    ----------
    place : str
        ``auto``, ``local`` or ``host:port``.

    Raises
    ------
    ResourceError
        It is another, or nobody listens there.
    """
    if place.startswith("ray://"):
        raise ResourceError(
            f"--address {place}: must not be a Ray Client address, whose driver runs elsewhere; submit the "
            f"run as a job (`ray job submit`), or use auto on the head node"
        )
    host, _, port = place.rpartition(":")
    if place not in ("auto", "local") and not (host and port.isdigit() and int(port) < PORTS):
        raise ResourceError(f"--address {place}: must be auto, local or HOST:PORT, found another; correct it")
    if host:
        try:
            socket.create_connection((host.strip("[]"), int(port)), ANSWER_S).close()
        except OSError as error:
            raise _unanswered(place, f"{error.strerror or error}") from error


def _unanswered(place: str, found: str) -> ResourceError:
    return ResourceError(
        f"--address {place}: must be a Ray cluster that answers, found: {found}; start one, or leave it out"
    )


def _prepare(place: str) -> None:
    """Set what Ray reads when it is imported and started; it stays set, as Ray remembers it."""
    if place != "local":
        return
    for name, value in LOCAL.items():
        os.environ.setdefault(name, value)
    if "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))


def _working(ray: Any) -> list[dict[str, float]]:
    """Return the resources of each node that runs trials."""
    alive = (node["Resources"] for node in ray.nodes() if node["Alive"])
    return [node for node in alive if node.get("CPU", 0) >= 1]


def _wait_for_cores(ray: Any, place: str) -> None:
    """Ask for a first worker where a cluster has none yet, as after `ray up`, and wait for it."""
    if _working(ray):
        return
    from ray.autoscaler.sdk import request_resources

    log.warning("Ray at %s has no worker yet; waiting up to %.0f s for one", place, FIRST_WORKER_S)
    request_resources(num_cpus=1)
    try:
        until = time.monotonic() + FIRST_WORKER_S
        while not _working(ray) and time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)
    finally:
        request_resources(num_cpus=0)


def _described(ray: Any, place: str) -> Session:
    nodes = _working(ray)
    cores = [int(node["CPU"]) for node in nodes]
    if not cores:
        raise ResourceError(
            f"--address {place}: must have a node that runs trials, found none with a core; start workers "
            f"(heads have num_cpus: 0)"
        )
    from ray._private.worker import (
        get_dashboard_url,  # the context of init is gone when Ray was running already
    )

    address = get_dashboard_url() or ""
    return Session(
        place,
        f"http://{address}" if address else "",
        sum(cores),
        min(cores),
        len(cores),
        int(sum(node.get("memory", 0) for node in nodes)),
        int(max(node.get("memory", 0) for node in nodes)),
    )
