"""Running sums of a window's returns, taken in bar by bar in one pass; `metrics` makes figures of them.

Returns are simple and per bar; see `metrics` for the conventions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from admf_ray.rules.compile import kernel, rule

__all__ = ["BLOCK", "Moments", "measure", "rest", "start"]

# Bars taken in at a time: fits the first-level cache.
BLOCK = 1024


class Moments(NamedTuple):
    """Running sums over a window; ``s`` within the slice, ``t`` over finished slices.

    Attributes
    ----------
    s1, s2, s3, s4, t1, t2, t3, t4 : float
        Sums of powers of the per-bar return.
    down1, down2 : float
        Sum and sum of squares of negative returns.
    cross : float
        Sum of return times benchmark return.
    exposure : float
        Sum of net exposure (signed position value over equity) at each close.
    peak, trough : float
        Highest equity so far and the lowest since.
    deepest, since, longest : float
        Worst finished drawdown (<= 0), last bar at the peak, most bars below a peak.
    """

    s1: float
    s2: float
    s3: float
    s4: float
    t1: float
    t2: float
    t3: float
    t4: float
    down1: float
    down2: float
    cross: float
    exposure: float
    peak: float
    trough: float
    deepest: float
    since: float
    longest: float


@rule
def start(cash):
    """Sums before the first bar of a window."""
    return Moments(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, cash, cash, 0.0, 0.0, 0.0)


@kernel
def measure(m, equity, net, places, benchmark, end, cuts, j, sums, returns, exposures):
    """Take in a run of bars; bars left out were flat and changed nothing.

    Parameters
    ----------
    m : Moments
    equity : float64 (n + 1,)
        Equity before the run, then at each close.
    net : float64 (n,)
        Signed position value at each close.
    places : int64 (at least n,)
        Index of each bar.
    benchmark : float64 (n_bars,)
        Buy-and-hold return of every bar of the data.
    end : int
        The run stops before this bar.
    cuts : int64 (n_slices + 1,)
        Slice boundaries.
    j : int
        Slice at work.
    sums : float64 (n_slices, 2)
        Sum and sum of squares of the returns of each slice that ends in the run; written.
    returns, exposures : float64 (at least n,)
        Scratch; `returns` holds the run's returns afterwards.

    Returns
    -------
    Moments, int, int
        The bars closed with a position, and the slice now at work.

    Notes
    -----
    The divisions stand in a loop of their own, which the compiler vectorises. Sums are added in bar
    order, so they are the same however the bars are split into runs.
    """
    n = net.size
    active = 0
    for i in range(n):
        r = equity[i + 1] / equity[i] - 1.0
        returns[i] = r if equity[i] > 0.0 else 0.0
        x = net[i] / equity[i + 1]
        exposures[i] = x if equity[i + 1] > 0.0 else 0.0
        active += net[i] != 0.0
    s1, s2, s3, s4 = m.s1, m.s2, m.s3, m.s4
    t1, t2, t3, t4 = m.t1, m.t2, m.t3, m.t4
    down1, down2, cross, exposure = m.down1, m.down2, m.cross, m.exposure
    peak, trough, deepest = m.peak, m.trough, m.deepest
    since, longest = m.since, m.longest
    begin = 0
    while j < len(cuts) - 1:
        stop = begin + np.searchsorted(places[begin:n], cuts[j + 1])
        # from 0 on: an index that may be negative costs a branch
        own, shown, at = returns[begin:stop], exposures[begin:stop], places[begin:stop]
        values = equity[begin + 1 : stop + 1]
        for i in range(own.size):
            r = own[i]
            square = r * r
            s1 += r
            s2 += square
            s3 += square * r
            s4 += square * square
            low = min(r, 0.0)
            down1 += low
            down2 += low * low
            cross += r * benchmark[np.uint64(at[i])]
            exposure += shown[i]
            value = values[i]
            if value >= peak:
                if trough < peak:
                    deepest = min(deepest, trough / peak - 1.0)
                    longest = max(longest, at[i] - 1.0 - since)
                peak = value
                trough = value
                since = float(at[i])
            elif value < trough:
                if trough == peak:
                    since = at[i] - 1.0
                trough = value
        begin = stop
        if cuts[j + 1] > end:
            break
        sums[j, 0], sums[j, 1] = s1, s2
        t1, t2, t3, t4 = t1 + s1, t2 + s2, t3 + s3, t4 + s4
        s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0
        j += 1
    m = Moments(
        s1,
        s2,
        s3,
        s4,
        t1,
        t2,
        t3,
        t4,
        down1,
        down2,
        cross,
        exposure,
        peak,
        trough,
        deepest,
        since,
        longest,
    )
    return m, active, j


@rule
def rest(m, end):
    """End the drawdown that is still open before bar `end`."""
    deepest, longest = m.deepest, m.longest
    if m.trough < m.peak:
        deepest = min(deepest, m.trough / m.peak - 1.0)
        longest = max(longest, end - 1.0 - m.since)
    return Moments(
        m.s1,
        m.s2,
        m.s3,
        m.s4,
        m.t1,
        m.t2,
        m.t3,
        m.t4,
        m.down1,
        m.down2,
        m.cross,
        m.exposure,
        m.peak,
        m.trough,
        deepest,
        m.since,
        longest,
    )
