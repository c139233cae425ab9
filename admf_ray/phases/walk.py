"""The walk-forward curves of what each training window chose, and what they prove."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.walk_forward import Piece, efficiency, newey_west_t, pieces, rank_correlation
from admf_ray.engine.outcome import Stage, curve_returns
from admf_ray.engine.replay import Replay
from admf_ray.market import Window
from admf_ray.phases.mined import Mined

__all__ = ["Walked", "walk"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Walked:
    """Out-of-sample results of the windows together.

    Attributes
    ----------
    pieces : tuple of Piece
        Which window each bar is taken from.
    returns, exposure : float64 arrays (n_bars,)
        Per-bar returns of the walk-forward curve, bars in order, each once; and what stood in the market at
        each close, signed, over equity.
    continuous : float64 array (n_bars,)
        Growth of the continuous account at the same bars' closes, 1 before the first; NaN with
        ``warmup: none``.
    stitched_return : float
        Total return of that curve.
    continuous_return : float
        Total return of one account that follows the same points without a break; NaN with
        ``warmup: none``, where indicators start anew with each window.
    efficiency, oos_t, rank_correlation : float
        See `analysis.walk_forward`.
    profitable_frac : float
        Share of test windows with a return above 0; those without trades count as not.
    """

    pieces: tuple[Piece, ...]
    returns: Floats
    exposure: Floats
    continuous: Floats
    stitched_return: float
    continuous_return: float
    efficiency: float
    oos_t: float
    rank_correlation: float
    profitable_frac: float

    @property
    def bars(self) -> NDArray[np.int64]:
        """Which bars the curves stand at, int64 (n_bars,)."""
        return np.concatenate([np.arange(piece.start, piece.stop) for piece in self.pieces])

    @property
    def difference(self) -> float:
        """What the joins make of it: the continuous account's return less the curve's."""
        return self.continuous_return - self.stitched_return

    def summary(self) -> dict[str, float]:
        """Return the figures by name."""
        return {
            "stitched_return": self.stitched_return,
            "continuous_return": self.continuous_return,
            "difference": self.difference,
            "efficiency": self.efficiency,
            "profitable_frac": self.profitable_frac,
            "oos_t": self.oos_t,
            "rank_correlation": self.rank_correlation,
        }


def walk(found: Mined) -> Walked | None:
    """Replay what each training window chose over its test bars.

    Returns
    -------
    Walked or None
        None without walk-forward windows.

    Notes
    -----
    Each bar's return is taken from the latest window whose test part covers it, from a fresh account at
    that window's first bar. Where another piece follows, what is held is sold at the last close, with
    costs; at the end it is marked. Bars that no test part covers are in no piece; the continuous account
    goes on there with the point it has.
    """
    if not found.folds:
        return None
    runs = pieces([(fold.test.start, fold.test.stop) for fold in found.folds])
    curves = [_piece(found, piece, piece is not runs[-1]) for piece in runs]
    returns, exposure = (np.concatenate(side) for side in zip(*curves, strict=True))
    chosen = found.chosen
    sides = [
        (
            np.array([found.value(at, window.name, "total_return") for at, window in both]),
            np.array([float(window.n_bars) for _, window in both]),
        )
        for both in (
            list(zip(chosen, (fold.train for fold in found.folds), strict=True)),
            list(zip(chosen, (fold.test for fold in found.folds), strict=True)),
        )
    ]
    growth = _continuous(found, runs)
    bars = np.concatenate([np.arange(piece.start, piece.stop) for piece in runs])
    return Walked(
        tuple(runs),
        returns,
        exposure,
        growth[bars - runs[0].start],
        float(np.prod(1.0 + returns) - 1.0),
        float(growth[-1] - 1.0),
        efficiency(*sides[0], *sides[1]),
        newey_west_t(returns),
        _rank_correlation(found),
        float((sides[1][0] > 0).mean()),
    )


def _rank_correlation(found: Mined) -> float:
    """Return the median over windows of the points' rank correlation, a window's scores at a time."""
    each = [
        rank_correlation(
            found.scores(fold.train.name, "objective")[:, None],
            found.scores(fold.test.name, "objective")[:, None],
        )
        for fold in found.folds
    ]
    known = [one for one in each if one == one]
    return float(np.median(known)) if known else float("nan")


def _piece(found: Mined, piece: Piece, joined: bool) -> tuple[Floats, Floats]:
    """Return per-bar returns of one window's piece, the liquidation in its last one, and its exposure."""
    fold = found.folds[piece.window]
    stage = _stage(found, piece)
    # the account opens with the window, so that what it holds where its piece begins is known
    begin = fold.test.start
    if found.warmup == "none":
        learns = stage.stack.strategy.fit is not None
        offset = min(begin, fold.train.start) if learns else begin
    else:
        offset = 0
    train = Window(fold.train.name, fold.train.start - offset, fold.train.stop - offset)
    bars = found.bars.slice(offset, piece.stop) if offset else found.bars
    window = Window(fold.test.name, begin - offset, piece.stop - offset)
    run = Replay(bars, stage.stack, stage.row, window, train=train, liquidate=joined).run()
    cash = float(stage.stack.part_values(stage.row)[-1].initial_cash)
    exposure = np.where(run.equity > 0, 1.0 - run.cash / np.where(run.equity > 0, run.equity, 1.0), 0.0)
    own = slice(piece.start - begin, None)
    return curve_returns(run.equity, cash)[own], exposure[own]


def _continuous(found: Mined, runs: list[Piece]) -> Floats:
    """Return the growth, bar by bar, of one account that follows the windows' points."""
    if found.warmup == "none":
        return np.full(runs[-1].stop - runs[0].start, np.nan)
    first, *rest = (_stage(found, piece) for piece in runs)
    then, last = [], first
    for stage in rest:
        # choosing the same point again is no change, unless it learns anew
        if stage.stack is not last.stack or (stage.row != last.row).any() or stage.stack.strategy.fit:
            then.append(stage)
            last = stage
    window = Window("walk_forward", first.start, runs[-1].stop)
    run = Replay(found.bars, first.stack, first.row, window, train=first.train, then=then).run()
    return run.equity / float(first.stack.part_values(first.row)[-1].initial_cash)


def _stage(found: Mined, piece: Piece) -> Stage:
    at = found.chosen[piece.window]
    one = found.searched[at.strategy]
    return Stage(piece.start, one.stack, one.row(at.point), found.folds[piece.window].train)
