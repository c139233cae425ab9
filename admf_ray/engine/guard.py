"""Points in a process of their own, watched: whatever a strategy does costs its own point only."""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.board import (
    BEATS,
    COMPILING,
    CRASHED,
    DONE,
    OOM,
    PENDING,
    TEARING,
    TIMEOUT,
    Board,
    Outcome,
)
from admf_ray.engine.checkpoints import Checkpoints
from admf_ray.engine.child import BROKEN, LAST_WORDS, fork, live
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.failures import DoesNotCompile
from admf_ray.engine.points import checked, run_on
from admf_ray.engine.stack import Stack
from admf_ray.logs import get_logger

__all__ = ["Limits", "guarded"]

Floats = NDArray[np.float64]
Points = NDArray[np.intp]
LOOK_S = 0.25
PARTS = 16  # of points prepared together, to find the one that hangs in few timeouts

log = get_logger(__name__)


@dataclass(frozen=True)
class Limits:
    """What a point may use.

    Attributes
    ----------
    point_timeout_s : float
        Seconds at work on one point, compilation apart.
    teardown_timeout_s : float
        Seconds in which a container must be torn down; then its process is killed, and a row that was
        complete stays.
    memory_bytes : int or None
        Memory beyond what the process has before the points; no limit where None.
    fresh_process : bool
        A process for each point (``isolation_level: process``).
    checkpoint_every_s : float
        Seconds between two checkpoints of a plain-Python replay, where a folder for them is given.
    """

    point_timeout_s: float = 60.0
    teardown_timeout_s: float = 30.0
    memory_bytes: int | None = None
    fresh_process: bool = False
    checkpoint_every_s: float = 30.0


def guarded(
    conditions: Conditions,
    stack: Stack,
    rows: Floats,
    limits: Limits,
    *,
    threads: int = 1,
    checkpoints: str | Path | None = None,
) -> Outcome:
    """Run points as `run_points` does, in forked processes that may hang, grow or die.

    Parameters
    ----------
    conditions : Conditions
    stack : Stack
    rows : float64 array (n_points, n_columns)
    limits : Limits
    threads : int
        Threads that share compiled points. When their process dies, the rest runs on one.
    checkpoints : str or Path, optional
        Folder in which plain-Python replays are kept at intervals and found by a later run; see
        `Checkpoints`. Points that do not end well leave their files there.

    Returns
    -------
    Outcome
        Its arrays are shared memory, given back with them.

    Raises
    ------
    DoesNotCompile
        A rule does not, so no point can run.
    ConfigError
        The points do not fit the stack or the bars.

    Notes
    -----
    Results are written to memory shared with the child, so what was done before it died stays. The child
    starts with the parent's kernels and bars (some ms), dies with the thread that called, and takes what
    it started with it. A point that crashed or ran out of memory in company runs once more alone before
    its row says so: what an earlier point left behind must not cost it. Needs fork: not on Windows.
    """
    values = checked(conditions, stack, rows)
    kept = Checkpoints(checkpoints, limits.checkpoint_every_s) if checkpoints is not None else None
    for part in conditions.parts(stack.strategy.fit is not None):  # before the fork, so children share them
        if kept is not None:
            part.bars.content_hash  # noqa: B018 - cached
    board = Board(conditions, len(values), _shared, keeps_returns=not stack.strategy.is_compiled())
    everything = np.arange(len(values))
    waiting: deque[Points] = deque(everything[:, None] if limits.fresh_process else [everything])
    label = stack.strategy.label()
    while waiting:
        points = waiting.popleft()
        if not len(points):
            continue
        watch = _Watch(board, limits)
        watch.run(partial(_work, board, conditions, stack, values, points, threads, kept))
        if watch.broken:
            raise DoesNotCompile(watch.broken)
        left = board.open(points)
        if watch.died:
            then = _blamed(board, watch, left, len(points), label, limits)
            threads = 1
        else:
            again = points[board.status[points] == OOM] if len(points) > 1 else points[:0]
            board.status[again] = PENDING
            then = [*again[:, None], left]
        waiting.extendleft(reversed(then))
    return board.outcome()


def _work(
    board: Board,
    conditions: Conditions,
    stack: Stack,
    values: Floats,
    points: Points,
    threads: int,
    kept: Checkpoints | None,
    say: Callable[[int, str, str], None],
) -> None:
    """Run points in the child; the first of several that lacks memory ends it."""

    def report(point: int, kind: str, line: str) -> None:
        say(point, kind, line)
        if kind == "MemoryError" and len(points) > 1:
            board.control[0] = 1

    board.report = report
    run_on(board, conditions, stack, values, points, threads, kept)
    board.cells[DONE] = 1


def _blamed(
    board: Board, watch: _Watch, left: Points, started: int, label: str, limits: Limits
) -> list[Points]:
    """Charge the point whose process died where it is known; returns what is to run next, in order."""
    known = watch.suspects[np.isin(watch.suspects, left)]
    if watch.moved or not len(left):
        return [left]
    if len(known) == 1 and watch.timed_out:
        charged = int(known[0])
    elif started == 1:
        charged = int(left[0])
    else:
        known = known if len(known) else left
        return [*np.array_split(known, min(PARTS, len(known))), np.setdiff1d(left, known)]
    if watch.timed_out:
        status, kind = TIMEOUT, "TimeoutError"
        line = (
            f"{label}: must be done within {limits.point_timeout_s:g} s a point, found it still at work; "
            "mend it or raise point_timeout_s"
        )
    else:
        status, kind = CRASHED, watch.kind
        line = f"{label}: must not end its process, found {watch.how}; mend it"
    board.note(charged, kind, line)
    board.status[charged] = status
    log.warning("point %d: %s", charged, line)
    return [left[left != charged]]


class _Watch:
    """One child from its fork to its end.

    Attributes
    ----------
    died, timed_out, moved : bool
        It ended otherwise than by finishing; by the watch; the watch was late, it had just moved on.
    suspects : int array
        Points then at work.
    kind, how : str
        Its end: signal, exit code or last words.
    broken : str
        What did not compile.
    """

    def __init__(self, board: Board, limits: Limits) -> None:
        self.board, self.limits = board, limits
        self.died = self.timed_out = self.moved = False
        self.suspects: Points = np.empty(0, dtype=np.intp)
        self.kind = self.how = self.broken = ""
        self._rest = b""
        self._status: int | None = None

    def run(self, work: Callable[[Any], None]) -> None:
        """Fork, watch, reap; an exception here (Ctrl-C) kills the child and goes on."""
        board = self.board
        board.control[:], board.cells[:] = 0, 0
        read, write = os.pipe()
        child = 0
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            parent = os.getpid()
            child = fork()
            if child == 0:
                live(parent, write, board.cells, self.limits.memory_bytes, work)
            os.close(write)
            write = -1
            os.set_blocking(read, False)
            with suppress(OSError):  # it may be gone, or have done so itself
                os.setpgid(child, child)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self._follow(child, read)
        finally:
            if child and self._status is None:
                self._kill(child)
            os.close(read)
            if write >= 0:
                os.close(write)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        self._conclude()

    def _follow(self, child: int, read: int) -> None:
        poller = select.poll()
        poller.register(read, select.POLLIN)
        pause_s = min(self.limits.point_timeout_s / 8, LOOK_S)
        key, since = self._key(), time.monotonic()
        while self._status is None:
            if poller.poll(pause_s * 1e3):
                if self._listen(read):
                    continue
                self._kill(child)  # the pipe's end: it is gone, or has closed what is not its own
                break
            found, status = _reaped(child, os.WNOHANG)
            if found:  # something it started still holds the pipe
                self._status = status
                self._kill_group(child)
            now, last = self._key(), key
            if now != last or self.board.cells[COMPILING] > 0:
                key, since = now, time.monotonic()
            elif time.monotonic() - since > self._allowed_s():
                self._kill(child)
                self.timed_out = True
                self.moved = self._key() != now
        while self._listen(read):
            pass

    def _allowed_s(self) -> float:
        """Return how long the work may stand still: at a point, or while its container is torn down."""
        tearing = self.board.cells[TEARING] > 0
        return self.limits.teardown_timeout_s if tearing else self.limits.point_timeout_s

    def _key(self) -> tuple[int, ...]:
        """Return what changes as work goes on: the point, or any progress while several are prepared."""
        board = self.board
        suspects = board.suspects()
        if len(suspects) == 1:
            return (int(suspects[0]),)
        return int(board.control[1]), int(board.cells[BEATS])

    def _listen(self, read: int) -> bool:
        """Take what the child says; False when there is nothing."""
        try:
            data = os.read(read, 1 << 16)
        except BlockingIOError:
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            point, kind, text = json.loads(line)
            if point == BROKEN:
                self.broken = text
            elif point == LAST_WORDS:
                self.kind, self.how = kind, text
            else:
                self.board.note(point, kind, text)
        return bool(data)

    def _kill(self, child: int) -> None:
        self._kill_group(child)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        self._status = _reaped(child, 0)[1]

    def _kill_group(self, child: int) -> None:
        """End what the child started too."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)

    def _conclude(self) -> None:
        code = os.waitstatus_to_exitcode(self._status or 0)
        self.died = not self.board.cells[DONE]
        self.suspects = self.board.suspects()
        if self.died and not self.how:
            self.kind = signal.Signals(-code).name if code < 0 else f"exit {code}"
            self.how = f"signal {self.kind}" if code < 0 else f"exit code {code}"


def _reaped(child: int, options: int) -> tuple[bool, int]:
    """Wait for a child; (whether it ended, its status), status 1 << 8 where another one reaped it."""
    try:
        pid, status = os.waitpid(child, options)
    except ChildProcessError:
        return True, 1 << 8
    return pid == child, status


def _shared(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return an array of zeros that stays the same memory after a fork; freed with its last view."""
    count = prod(shape)
    if count == 0:
        return np.zeros(shape, dtype)
    return np.frombuffer(mmap.mmap(-1, count * np.dtype(dtype).itemsize), dtype).reshape(shape)
