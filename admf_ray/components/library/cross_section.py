"""Strategies that compare symbols with each other."""

from __future__ import annotations

import numpy as np

from admf_ray.components.base import Strategy
from admf_ray.components.indicators import lag, roc
from admf_ray.components.library.sides import side
from admf_ray.components.registry import register
from admf_ray.components.tracing import indicator
from admf_ray.rules.compile import kernel
from admf_ray.rules.indicators import cross_rank
from admf_ray.space.parameters import Param

__all__ = ["CrossSectionalMomentum", "standing"]


@indicator(across=True)
@kernel
def standing(values, close, every_bars):
    """Place each symbol among all at every `every_bars`-th bar, and keep the place in between.

    Parameters
    ----------
    values : array (n_bars, n_symbols) of float64
        What is compared; the highest gets place 0.
    close : array (n_bars, n_symbols) of float64
        NaN where a symbol has no bar: it takes no place then.
    every_bars : int
        Counted from the first bar of the data.

    Returns
    -------
    array (n_bars, n_symbols) of float64
        Places from 0; equal values share the last of theirs, so a tie for k places wins none of them.

    Notes
    -----
    NaN for symbols that took no place at the last comparison, and for all of them where no two values
    differed: then nobody is ahead. O(s log s) per comparison of s symbols.

    Source: ranks as in Jegadeesh and Titman (1993); the ties are ours.
    """
    n_bars, n_symbols = values.shape
    out = np.full((n_bars, n_symbols), np.nan)
    n_times = (n_bars + every_bars - 1) // every_bars
    compared = np.full((n_times, n_symbols), np.nan)
    for i in range(n_times):
        for s in range(n_symbols):
            if not np.isnan(close[i * every_bars, s]):
                compared[i, s] = values[i * every_bars, s]
    ranks = cross_rank(compared)
    order = np.empty(n_symbols, np.int64)
    places = np.empty(n_symbols)
    for i in range(n_times):
        count = 0
        for s in range(n_symbols):
            if not np.isnan(ranks[i, s]):
                order[int(ranks[i, s])] = s
                count += 1
        if count < 2 or compared[i, order[0]] == compared[i, order[count - 1]]:
            continue
        places[:] = np.nan
        for place in range(count - 1, -1, -1):
            s = order[place]
            tied = place < count - 1 and compared[i, s] == compared[i, order[place + 1]]
            places[s] = places[order[place + 1]] if tied else place
        for t in range(i * every_bars, min((i + 1) * every_bars, n_bars)):
            out[t] = places
    return out


@register("cross_sectional_momentum")
class CrossSectionalMomentum(Strategy):
    """Long the `top` symbols of highest past return, short the `top` of lowest, for `rebalance_bars`.

    Notes
    -----
    The choice is made at every `rebalance_bars`-th bar of the data, the same bar for all symbols, and
    stands until the next; a window that begins in between begins with the standing one. A symbol
    without a bar there, or without enough past, is out until the next. A symbol among the highest and
    the lowest at once (fewer than 2 × `top` symbols) is not held when both sides may be traded. Weight 1
    is the symbol's share of capital, so `top` of n equal shares are invested.

    Source: Jegadeesh and Titman (1993), Returns to Buying Winners and Selling Losers, with a number of
    symbols instead of deciles and one portfolio at a time instead of overlapping ones.
    """

    lookback_bars = Param(126, 1, 10_000, "bars of the past return")
    skip_bars = Param(0, 0, 1_000, "latest bars left out of the past return")
    rebalance_bars = Param(21, 1, 10_000, "bars for which a choice is held")
    top = Param(1, 1, 10_000, "symbols held on each side")
    side = side()

    def prepare(bars, p):
        past = lag(roc(bars.close, p.lookback_bars), p.skip_bars)
        return {
            "from_best": standing(past, bars.close, p.rebalance_bars),
            "from_worst": standing(0.0 - past, bars.close, p.rebalance_bars),
        }

    def decide(now, p):
        weight = 0.0
        if p.side != 1.0 and now.from_best < p.top:
            weight = 1.0
        if p.side != 0.0 and now.from_worst < p.top:
            weight -= 1.0
        return weight
