"""How a run's progress is shown: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from admf_ray.cluster.session import Session
from admf_ray.phases.pipeline import Phase
from admf_ray.phases.progress import Progress

__all__ = ["Shown"]

LINE_EVERY_S = 10.0


class Shown:
    """Shows progress while its block lasts; nothing at all when silent."""

    def __init__(self, console: Console, silent: bool) -> None:
        self._console, self._silent = console, silent
        self._last_s, self._joined = 0.0, False
        self._bar = Bar(
            BarColumn(bar_width=20),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=silent or not console.is_terminal,
        )
        self._phase: Phase = "mining"
        self._task = self._bar.add_task("preparing", total=None)

    def __enter__(self) -> Shown:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def phase(self, name: Phase) -> None:
        """Say which phase begins; what it does beside backtests may take a minute and has no other sign."""
        if self._silent:
            return
        self._phase = name
        self._wait("preparing" if name == "mining" else "")
        if name != "mining" and not self._console.is_terminal:
            self._console.print(f"{name} begins")

    def session(self, here: Session) -> None:
        """Say where the work is done, once."""
        if self._silent or self._joined:
            return
        self._joined = True
        board = f", dashboard {here.dashboard}" if here.dashboard else ""
        nodes = f"{here.nodes} node" + ("s" if here.nodes > 1 else "")
        cores = f"{here.cores} core" + ("s" if here.cores > 1 else "")
        self._console.print(f"Ray: {here.address}, {nodes}, {cores}{board}", soft_wrap=True)
        self._wait("starting workers")

    def progress(self, now: Progress) -> None:
        """Show how far it is."""
        if self._silent:
            return
        text = described(now)
        if self._console.is_terminal:
            text = f"{self._phase}: {text}"
            self._bar.update(self._task, completed=now.done, total=now.total, description=text)
            if now.done == now.total:
                self._wait("")
        elif time.monotonic() - self._last_s > LINE_EVERY_S or now.done == now.total:
            self._last_s = time.monotonic()
            self._console.print(text, soft_wrap=True)

    def _wait(self, what: str) -> None:
        """Show that something is under way of which nobody knows how long it takes."""
        self._bar.remove_task(self._task)
        self._task = self._bar.add_task(": ".join(filter(None, (self._phase, what))), total=None)


def described(now: Progress) -> str:
    """Return progress as one line."""
    parts = [f"{now.done:,}/{now.total:,} points", f"{now.per_s:,.0f}/s"]
    if now.failed:
        parts.append(f"{now.failed:,} failed")
    if math.isfinite(now.best):
        parts.append(f"best robust {now.best:.2f}")
    if now.done < now.total and math.isfinite(now.left_s):
        parts.append(f"{_duration(now.left_s)} left")
    parts.append(f"{now.workers} at work with {now.memory_bytes / 2**20:,.0f} MiB")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"
