"""Whether the best of all trials beats luck in training: superior predictive ability over every one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.bootstrap import block_length
from admf_ray.analysis.overfitting.excess import matched_excess
from admf_ray.analysis.overfitting.superior import Superior, superior_ability
from admf_ray.engine.assembly import build_container, replay_in
from admf_ray.engine.paths import curve_returns
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import sweep
from admf_ray.phases.mined import Mined
from admf_ray.phases.search import Search

__all__ = ["training_skill"]

Floats = NDArray[np.float64]
CHUNK_POINTS = 512


def training_skill(search: Search, mined: Mined, further: Floats, seed: int, n_draws: int = 1000) -> Superior:
    """Test all trials of phase 1 and the finalists together.

    Parameters
    ----------
    search : Search
    mined : Mined
    further : float64 array (n_bars, n)
        Exposure-matched excess of the finalists over the training span.
    seed : int
    n_draws : int

    Notes
    -----
    Every point and every neighbour counts; its returns are run again, since they are not stored. Blocks as
    the finalists' returns suggest. Failed points have no returns and count as 0.
    """
    n_bars = search.span.n_bars
    block = block_length(further) if further.size else 1.0

    def chunks() -> Iterator[Floats]:
        for one in mined.searched:
            for begin in range(0, len(one.points), CHUNK_POINTS):
                rows = one.points.rows(begin, min(begin + CHUNK_POINTS, len(one.points)))
                yield np.nan_to_num(_excess(search, one.stack, rows), nan=0.0)
        if further.size:
            yield further

    return superior_ability(chunks(), n_bars, block_bars=block, seed=seed, n_draws=n_draws)


def _excess(search: Search, stack: Stack, rows: Floats) -> Floats:
    """Return exposure-matched excess of points over the training span, (n_bars, n)."""
    span, market = search.span, search.conditions.market
    benchmark = market.benchmark[span.start : span.stop]
    if stack.strategy.is_compiled():
        found = sweep(search.bars, stack, rows, [span], market=market, slices=span.n_bars)
        return matched_excess(found.returns.T, found.metric("mean_exposure"), benchmark)
    columns = []
    for row in rows:
        with build_container("skill", search.bars, stack, row) as box:
            box.initialize_scope()
            result = replay_in(box, stack, row, span, span)
        cash = float(stack.part_values(row)[-1].initial_cash)
        exposure = result.metrics["mean_exposure"]
        columns.append(matched_excess(curve_returns(result.equity, cash), exposure, benchmark))
    return np.stack(columns, axis=1)
