"""A forked process that works for its parent and touches nothing of it."""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TextIO

from numba.core import event

from admf_ray.engine.board import COMPILING, told
from admf_ray.engine.failures import DoesNotCompile

__all__ = ["BROKEN", "LAST_WORDS", "fork", "live"]

LAST_WORDS, BROKEN = -1, -2
PR_SET_PDEATHSIG = 1
_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None


def fork() -> int:
    """Fork; 0 in the child, whose SIGINT stays blocked until it has settled."""
    with warnings.catch_warnings():
        # Python 3.12 warns of other threads' locks: those of importing and logging are reset by Python,
        # malloc's by libc, and the child takes no others that threads of a worker hold
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def live(
    parent: int, write: int, cells: Any, memory_bytes: int | None, work: Callable[[Any], None]
) -> NoReturn:
    """Do the work as a child process and leave without flushing or running anything of the parent's.

    Parameters
    ----------
    parent : int
        Process whose death ends this one.
    write : int
        Pipe for what is to be said, one JSON array (point, type, line) a line.
    cells : int64 array
        The board's.
    memory_bytes : int or None
        Most memory beyond what is there now.
    work : callable
        Takes what says (point, type, line).
    """
    code = 1
    try:

        def say(point: int, kind: str, line: str) -> None:
            text = json.dumps([point, kind, line]).encode() + b"\n"
            while text:
                text = text[os.write(write, text) :]

        try:
            _settle(parent)
            _listen(cells)
            if memory_bytes is not None:
                _limit_memory(memory_bytes)
            work(say)
            code = 0
        except BaseException as error:
            say(BROKEN if isinstance(error, DoesNotCompile) else LAST_WORDS, *told(error))
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(code)


def _settle(parent: int) -> None:
    """Leave the parent's signals, streams and process group."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it died before it could be tied to
    with suppress(PermissionError):
        os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # the parent's buffers hold what it has not yet written: flushed here it would appear twice
    sys.stdin = io.StringIO()
    sys.stdout, sys.stderr = _stream(1), _stream(2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(OSError):  # where the machine itself runs out of memory, this process goes first
        Path("/proc/self/oom_score_adj").write_text("1000")


def _stream(number: int) -> TextIO:
    try:
        return open(number, "w", buffering=1, errors="replace", closefd=False)
    except OSError:
        return io.StringIO()


def _limit_memory(memory_bytes: int) -> None:
    """Let allocations beyond the limit raise MemoryError.

    Notes
    -----
    RLIMIT_DATA counts private writable memory: heaps, numpy's arrays and stacks, but neither reserved
    address space (threads' arenas, LLVM), which RLIMIT_AS does, nor the shared results and mapped bars,
    which a watched resident size does. The allocation itself fails, so the point at work is known and
    nothing is killed. Without /proc there is no limit.
    """
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                limit = int(line.split()[1]) * 1024 + memory_bytes
                hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
                if hard == resource.RLIM_INFINITY or limit < hard:
                    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _listen(cells: Any) -> None:
    """Count the compilations under way, which the parent does not take for an endless loop."""

    class Count(event.Listener):
        def on_start(self, _: Any) -> None:
            cells[COMPILING] += 1

        def on_end(self, _: Any) -> None:
            cells[COMPILING] -= 1

    listen: Any = event.register
    listen("numba:compile", Count())
