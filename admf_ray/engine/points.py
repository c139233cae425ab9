"""Many points, each on its own: one that fails costs its own row only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.assembly import build_container, replay_in
from admf_ray.engine.board import TEARING, Board, Outcome
from admf_ray.engine.checkpoints import Checkpoints, Keeper
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.failures import DoesNotCompile
from admf_ray.engine.inputs import check_points, check_session
from admf_ray.engine.loop import Figures, sweep_into
from admf_ray.engine.outcome import curve_returns
from admf_ray.engine.stack import Stack

__all__ = ["checked", "run_on", "run_points"]

Floats = NDArray[np.float64]
Points = NDArray[np.intp]
UNIT_POINTS = 4_096
# what a strategy may raise; a KeyboardInterrupt is the user's
FAILURES = (Exception, SystemExit)


def run_points(
    conditions: Conditions,
    stack: Stack,
    rows: Floats,
    *,
    threads: int = 1,
    control: NDArray[np.int64] | None = None,
) -> Outcome:
    """Run points over all windows in this process.

    Parameters
    ----------
    conditions : Conditions
    stack : Stack
        Compiled strategies are swept, plain-Python ones replayed, each window in a container of its own.
    rows : float64 array (n_points, n_columns)
        Points, as `Stack.vector` makes them.
    threads : int
        Threads that share compiled points; the result does not depend on it.
    control : int64 array (2,), optional
        ``control[0] != 0`` set by anyone ends the run within a point; the rest stays `PENDING`.

    Raises
    ------
    DoesNotCompile
        A rule does not, so no point can run.
    ConfigError
        The points do not fit the stack or the bars.

    Notes
    -----
    A point's row is the same whichever points share the call. Endless loops and crashes are not caught
    here, see `guard.guarded`.
    """
    values = checked(conditions, stack, rows)
    board = Board(conditions, len(values), keeps_returns=not stack.strategy.is_compiled())
    if control is not None:
        board.control = control
    run_on(board, conditions, stack, values, np.arange(len(values)), threads)
    return board.outcome()


def checked(conditions: Conditions, stack: Stack, rows: Floats) -> Floats:
    """Return points as `check_points` does, refused where they do not fit the bars."""
    values = check_points(stack, rows)
    check_session(stack, values, conditions.bars)
    return values


def run_on(
    board: Board,
    conditions: Conditions,
    stack: Stack,
    values: Floats,
    chosen: Points,
    threads: int = 1,
    kept: Checkpoints | None = None,
) -> None:
    """Run some of the checked points, results to the board; plain-Python ones `kept` at intervals."""
    compiled = stack.strategy.is_compiled()
    for unit in _units(conditions, stack, values, chosen):
        if board.control[0] != 0:
            return
        if compiled:
            _isolated(board, unit, lambda points: _sweep(board, conditions, stack, values, points, threads))
        else:
            board.at_work(unit)
            _isolated(board, unit, lambda points: _replay(board, conditions, stack, values, points, kept))


def _units(conditions: Conditions, stack: Stack, values: Floats, chosen: Points) -> Iterator[Points]:
    """Yield points that are prepared together; what is done when a process dies is done in whole units."""
    if not stack.strategy.is_compiled():
        yield from chosen[:, None]
    elif stack.strategy.fit is not None:
        # learns once for each distinct set of its own parameters
        _, inverse = np.unique(values[chosen, stack.spans[0]], axis=0, return_inverse=True)
        order = np.argsort(inverse.ravel(), kind="stable")
        edges = np.flatnonzero(np.diff(inverse.ravel()[order])) + 1
        yield from np.split(chosen[order], edges)
    else:
        size = len(chosen) if conditions.warmup == "history" else UNIT_POINTS
        for begin in range(0, len(chosen), max(size, 1)):
            yield chosen[begin : begin + size]


def _isolated(board: Board, points: Points, run: Callable[[Points], None]) -> None:
    """Run points together; when that fails, in halves, until those that fail are alone."""
    error: BaseException
    try:
        return run(points)
    except DoesNotCompile:
        raise
    except FAILURES as raised:
        error = raised
    left = board.open(points)
    if len(left) < 2:
        return board.failed(left, error)
    if board.control[0] != 0:
        return None
    del error  # it holds all that was under way
    half = len(left) // 2
    _isolated(board, left[:half], run)
    return _isolated(board, left[half:], run)


def _sweep(
    board: Board, conditions: Conditions, stack: Stack, values: Floats, points: Points, threads: int
) -> None:
    parts = conditions.parts(stack.strategy.fit is not None)
    for part in parts:
        sweep_into(
            board, board.open(points), part, stack, values,
            threads=threads, tail=conditions.tail, last=part is parts[-1],
        )  # fmt: skip


def _replay(
    board: Board,
    conditions: Conditions,
    stack: Stack,
    values: Floats,
    points: Points,
    kept: Checkpoints | None,
) -> None:
    """Replay one point, each window in a fresh container."""
    row = values[points[0]]
    cash = float(stack.part_values(row)[-1].initial_cash)
    parts = conditions.parts(stack.strategy.fit is not None)
    runs = [(part, w) for part in parts for w in range(len(part.windows))]
    keepers: list[Keeper | None] = []
    for part, w in runs:
        window, train = part.windows[w], part.trains[w]
        keeper = None if kept is None else kept.keeper(part.bars, stack, row, window, train)
        with build_container(f"{stack.strategy.label()}_{window.name}", part.bars, stack, row) as box:
            box.initialize_scope()
            result = replay_in(
                box, stack, row, window, train, part.market, part.labels, part.n_regimes, keeper
            )
            metrics = np.array([[[result.metrics[name] for name in conditions.metrics]]])
            last = len(keepers) == len(runs) - 1
            figures = Figures(metrics, result.slice_sums[None, None], None)
            if window.name == "full":
                returns = curve_returns(result.equity, cash)[None]
                figures = figures._replace(split=result.regime_sums[None], returns=returns)
            # before the container is torn down: a teardown that hangs does not take the row with it
            board.keep(points, part.columns[w : w + 1], figures, last)
            keepers.append(keeper)
            board.cells[TEARING] = 1
        board.cells[TEARING] = 0
    for keeper in keepers:  # now only: until then they have the windows already done
        if keeper is not None:
            keeper.drop()
