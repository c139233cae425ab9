"""Whether the best of all trials beats luck in training: superior predictive ability over every one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.bootstrap import block_length
from admf_ray.analysis.overfitting.excess import matched_excess
from admf_ray.analysis.overfitting.superior import Superior, superior_ability
from admf_ray.engine.paths import returns_of
from admf_ray.phases.mined import Mined
from admf_ray.phases.search import Search

__all__ = ["training_skill"]

Floats = NDArray[np.float64]


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
    the finalists' returns suggest. Failed points have no returns and are left out.
    """
    n_bars, span = search.span.n_bars, search.span
    benchmark = search.conditions.market.benchmark[span.start : span.stop]
    block = block_length(further) if further.size else 1.0

    def chunks() -> Iterator[Floats]:
        for one in mined.searched:
            exposure = one.figure("mean_exposure", "full")
            good = np.flatnonzero(~np.isnan(exposure))
            begin = 0
            for returns in returns_of(search.conditions, one.stack, one.points.rows()[good]):
                held = exposure[good[begin : begin + len(returns)]]
                yield matched_excess(returns.T, held, benchmark)
                begin += len(returns)
        if further.size:
            yield further

    return superior_ability(chunks(), n_bars, block_bars=block, seed=seed, n_draws=n_draws)
