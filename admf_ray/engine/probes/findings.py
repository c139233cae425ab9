"""What a probe found, one line each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from admf_ray.market import Bars

__all__ = ["Finding", "day_of", "finding_at"]


@dataclass(frozen=True)
class Finding:
    """One way in which a component breaks causality, warm-up or determinism.

    Attributes
    ----------
    component : str
        Registered name.
    what : str
        Which part of it, such as ``prepare 'slow'``, ``on_bar`` or ``fill``.
    bar : int
        Index in the bars of the first instance; -1 when it belongs to no bar.
    date : str
        That bar's local date.
    detail : str
        What was changed and what came of it.
    """

    component: str
    what: str
    bar: int
    date: str
    detail: str

    def __str__(self) -> str:
        where = f" at bar {self.bar} ({self.date})" if self.bar >= 0 else ""
        return f"{self.component}: {self.what}{where}: {self.detail}"


def day_of(bars: Bars, t: int) -> str:
    """Return the local date of a bar."""
    return date.fromordinal(719_163 + int(bars.day[t])).isoformat()


def finding_at(bars: Bars, component: str, what: str, t: int, detail: str) -> Finding:
    """Return a finding with its bar's date."""
    return Finding(component, what, t, day_of(bars, t) if 0 <= t < bars.n_bars else "", detail)
