"""Where the results of points are written, row by row, and which points are at work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.conditions import Conditions
from admf_ray.engine.loop import Figures
from admf_ray.errors import ADMFError, ComponentError

__all__ = ["CRASHED", "FAILED", "OK", "OOM", "PENDING", "STATUSES", "TIMEOUT", "Board", "Outcome", "told"]

STATUSES = ("ok", "failed", "timeout", "crashed", "oom")
OK, FAILED, TIMEOUT, CRASHED, OOM = (np.uint8(code) for code in range(len(STATUSES)))
PENDING = np.uint8(255)
COUNT, RUNNING, BEATS, COMPILING, DONE, TEARING, N_CELLS = range(7)
LONGEST = 500

Floats = NDArray[np.float64]
Points = NDArray[np.intp]


class Outcome(NamedTuple):
    """What points gave.

    Attributes
    ----------
    values : float64 array (n_points, n_windows, n_metrics)
        NaN where the status is not ok.
    slice_sums : float64 array (n_points, n_slices, 2)
        Sum and sum of squares of per-bar returns in each slice of the window ``full``.
    regime_sums : float64 array (n_points, n_regimes + 1, 4)
        Of the window ``full``; no rows without labels.
    status : uint8 array (n_points,)
        Index into `STATUSES`; `PENDING` where a stop came first.
    errors : dict of int to (str, str)
        Type of the error and one line, for each point that is not ok.
    returns : float64 array (n_points, n_bars)
        Per bar of the window ``full``, of plain-Python strategies; (n_points, 0) of compiled ones.
    """

    values: Floats
    slice_sums: Floats
    regime_sums: Floats
    status: NDArray[np.uint8]
    errors: dict[int, tuple[str, str]]
    returns: Floats


class Board:
    """Results of points and the points at work; its arrays may lie in memory that processes share.

    Parameters
    ----------
    conditions : Conditions
    n_points : int
    make : callable
        ``make(shape, dtype)`` returns an array of zeros.
    report : callable, optional
        Told (point, type, line) of each failure before its status says so; kept in `errors` by default.
    keeps_returns : bool
        Whether the returns of the window ``full`` are kept too: of plain-Python strategies.

    Attributes
    ----------
    control : int64 array (2,)
        What compiled loops look at: ``[0]`` stops them, ``[1]`` is the point at work within `crew`.
    crew : int64 array (n_points,)
        The points at work, the first ``cells[COUNT]`` of them.
    cells : int64 array (N_CELLS,)
        COUNT; RUNNING: whether ``control[1]`` tells which of them; BEATS: rises with any progress;
        COMPILING: compilations under way; DONE: the work came to its end; TEARING: a container is torn down.

    Notes
    -----
    Statistics over all points need every point's returns. A compiled point is swept again for them in
    microseconds; a plain-Python one would have to be replayed, which for all of them takes as long as the
    search did, so what its replay has at hand is kept.
    """

    def __init__(
        self,
        conditions: Conditions,
        n_points: int,
        make: Callable[[tuple[int, ...], Any], NDArray[Any]] = np.zeros,
        report: Callable[[int, str, str], None] | None = None,
        *,
        keeps_returns: bool = False,
    ) -> None:
        n, c = n_points, conditions
        kept_bars = c.windows[c.full].n_bars if keeps_returns and c.full >= 0 else 0
        self.full = c.full
        self.values: Floats = make((n, len(c.windows), len(c.metrics)), np.float64)
        self.slice_sums: Floats = make((n, c.n_slices, 2), np.float64)
        self.regime_sums: Floats = make((n, c.n_regime_rows, 4), np.float64)
        self.returns: Floats = make((n, kept_bars), np.float64)
        self.status: NDArray[np.uint8] = make((n,), np.uint8)
        self.control: NDArray[np.int64] = make((2,), np.int64)
        self.crew: NDArray[np.int64] = make((n,), np.int64)
        self.cells: NDArray[np.int64] = make((N_CELLS,), np.int64)
        self.status[:] = PENDING
        self.errors: dict[int, tuple[str, str]] = {}
        self.report = self.note if report is None else report

    def note(self, point: int, kind: str, line: str) -> None:
        """Keep what is said of a point that is not ok."""
        self.errors[point] = kind, line

    def at_work(self, points: Points, running: bool = False) -> None:
        """Say which points are at work; `running`: one after the other, ``control[1]`` tells which."""
        cells = self.cells
        cells[COUNT] = 0
        self.control[1] = 0
        self.crew[: len(points)] = points
        cells[RUNNING] = running
        cells[BEATS] += 1
        cells[COUNT] = len(points)

    def beat(self) -> None:
        """Say that work goes on."""
        self.cells[BEATS] += 1

    def suspects(self) -> Points:
        """Return the points that may be to blame when work ends by itself, none to many."""
        count = int(self.cells[COUNT])
        if count and self.cells[RUNNING]:
            return self.crew[self.control[1] : self.control[1] + 1].copy()
        return self.crew[:count].copy()

    def open(self, points: Points) -> Points:
        """Return those of the points that are neither done nor failed."""
        return points[self.status[points] == PENDING]

    def keep(self, points: Points, columns: Points, figures: Figures, last: bool) -> None:
        """Write points' figures in some windows; `last`: they are done."""
        self.values[np.ix_(points, columns)] = figures.metrics
        place = np.flatnonzero(columns == self.full)
        if len(place):
            self.slice_sums[points] = figures.slices[:, place[0], : self.slice_sums.shape[1]]
        if figures.split is not None:
            self.regime_sums[points] = figures.split
        if figures.returns is not None:
            self.returns[points] = figures.returns
        if last:
            self.status[points] = OK
        self.cells[BEATS] += 1

    def failed(self, points: Points, error: BaseException) -> None:
        """Write that points failed with an error."""
        kind, line = told(error)
        for point in points:
            self.report(int(point), kind, line)
        self.status[points] = OOM if kind == "MemoryError" else FAILED

    def outcome(self) -> Outcome:
        """Return what is on the board, figures of unfinished points cleared."""
        bad = np.flatnonzero(self.status != OK)
        for figures in (self.values, self.slice_sums, self.regime_sums, self.returns):
            figures[bad] = np.nan
        errors = {point: said for point, said in sorted(self.errors.items()) if self.status[point] != OK}
        return Outcome(self.values, self.slice_sums, self.regime_sums, self.status, errors, self.returns)


def told(error: BaseException) -> tuple[str, str]:
    """Return the type of an error, or of what a user's code raised, and one line."""
    cause = error.__cause__
    kind = type(cause if isinstance(error, ComponentError) and cause is not None else error).__name__
    try:
        text = str(error)
    except Exception:  # a user's class may fail at this too
        text = ""
    if not isinstance(error, ADMFError):
        text = f"raised {type(error).__name__}{f': {text}' if text else ''}"
    return kind, " ".join(text.split())[:LONGEST]
