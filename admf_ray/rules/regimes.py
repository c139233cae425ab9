"""Sums by market regime, streamed as `measure` streams its figures; used by sweep and replay."""

from __future__ import annotations

from admf_ray.rules.compile import kernel

__all__ = ["REGIME_SUMS", "split"]

REGIME_SUMS = ("return", "squared_return", "pnl", "active_bars")


@kernel
def split(equity, net, places, returns, regimes, sums):
    """Add a run of bars to the sums of the regimes they belong to.

    Parameters
    ----------
    equity : float64 (n + 1,)
        Equity before the run, then at each close.
    net : float64 (n,)
        Signed position value at each close.
    places : int64 (at least n,)
        Index of each bar.
    returns : float64 (at least n,)
        As `measure` leaves them.
    regimes : int64 (n_bars,)
        Row of `sums` that each bar of the data belongs to.
    sums : float64 (n_regimes + 1, 4)
        REGIME_SUMS of each regime; added to in place.

    Notes
    -----
    Added in bar order, so the sums are the same however the bars are split into runs. While the regime
    stays, its sums stay in registers.
    """
    n = net.size
    i = 0
    while i < n:
        row = regimes[places[i]]
        total, squares, pnl, active = sums[row, 0], sums[row, 1], sums[row, 2], sums[row, 3]
        while i < n and regimes[places[i]] == row:
            r = returns[i]
            total += r
            squares += r * r
            pnl += equity[i + 1] - equity[i]
            active += net[i] != 0.0
            i += 1
        sums[row, 0], sums[row, 1], sums[row, 2], sums[row, 3] = total, squares, pnl, active
