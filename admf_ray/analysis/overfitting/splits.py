"""Halves of the bars: every way to choose half of the slices, and Sharpe ratios over a choice."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import DataError
from admf_ray.rules.compile import cached, kernel
from admf_ray.rules.metrics import NOISE

__all__ = ["Halves", "best_of_each", "check_sums", "half_masks", "ranks_of", "sharpes_over"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class Halves(NamedTuple):
    """The order in which splits are counted.

    A split joins a subset of the first half of the slices with one of the second. Subsets ascend by
    size, then by bits, so the subsets that complete a given one are neighbours, and the complement of
    split t is split ``n_splits - 1 - t``.

    Attributes
    ----------
    subsets : int64 array (2^(n_slices/2),)
        Bits of the slices in each subset, ascending by size.
    begins : int64 array (n_slices/2 + 2,)
        Where the subsets of each size begin.
    n_splits : int
    """

    subsets: Indices
    begins: Indices
    n_splits: int

    @classmethod
    def of(cls, n_slices: int) -> Halves:
        """Return the order for an even number of slices."""
        half = n_slices // 2
        subsets = sorted(range(2**half), key=lambda bits: (bits.bit_count(), bits))
        begins = np.cumsum([0, *(math.comb(half, size) for size in range(half + 1))])
        return cls(np.array(subsets), begins, math.comb(n_slices, half))


def check_sums(sums: Floats) -> Floats:
    """Return slice sums as one contiguous array, or say what is wrong with them.

    Raises
    ------
    DataError
        The number of slices is odd or below 2, or a sum is not finite.
    """
    if sums.ndim != 3 or sums.shape[1] < 2 or sums.shape[1] % 2 or sums.shape[2] != 2:
        raise DataError(
            f"slice sums: must have shape (n_points, even n_slices, 2), found {sums.shape}; "
            "leave out the remainder in front"
        )
    whole = np.ascontiguousarray(sums)
    bad = np.flatnonzero(~np.isfinite(whole).all(axis=(1, 2)))
    if bad.size:
        raise DataError(
            f"slice sums: must be finite, found NaN or inf for point {bad[0]}; leave out failed points"
        )
    return whole


def half_masks(n_slices: int) -> NDArray[np.bool_]:
    """Return the slices of each split's in-sample half, (n_splits, n_slices), in the order of `Halves`."""
    order, half = Halves.of(n_slices), n_slices // 2
    rows = [
        low | high << half
        for low in order.subsets.tolist()
        for high in order.subsets.tolist()
        if low.bit_count() + high.bit_count() == half
    ]
    return (np.array(rows)[:, None] >> np.arange(n_slices)) & 1 == 1


@kernel
def _sharpe(s1: float, s2: float, n: float) -> float:
    """Mean over the n - 1 standard deviation from power sums; 0 where the variance is rounding noise."""
    mean = s1 / n
    variance = (s2 - s1 * mean) / (n - 1.0)
    return mean / math.sqrt(variance) if variance > NOISE * s2 / n else 0.0


@kernel
def _subset_sums(own: Floats, first: int, subsets: Indices, table: Floats, out: Floats) -> None:
    """Sum one point's slices from `first` on over every subset; `table` is scratch by bits."""
    for part in range(2):
        table[0] = 0.0
        for bits in range(1, subsets.size):
            lowest, place = bits & -bits, 0
            while lowest >> place != 1:
                place += 1
            table[bits] = table[bits ^ lowest] + own[first + place, part]
        for i in range(subsets.size):
            out[part, i] = table[subsets[i]]


@kernel
def _over_splits(
    own: Floats, n_bars: float, subsets: Indices, begins: Indices, table: Floats, low: Floats, high: Floats,
    out: Floats,
) -> None:  # fmt: skip
    """Write one point's Sharpe ratio over the in-sample half of every split."""
    half = begins.size - 2
    _subset_sums(own, 0, subsets, table, low)
    _subset_sums(own, half, subsets, table, high)
    t = 0
    for size in range(half + 1):
        a, b = begins[half - size], begins[half - size + 1]
        h1, h2 = high[0, a:b], high[1, a:b]
        for i in range(begins[size], begins[size + 1]):
            l1, l2, to = low[0, i], low[1, i], out[t : t + b - a]
            for j in range(b - a):
                to[j] = _sharpe(l1 + h1[j], l2 + h2[j], n_bars)
            t += b - a


@kernel
def _best(
    sums: Floats, n_bars: float, subsets: Indices, begins: Indices, first: int, stop: int, best: Floats,
    which: Indices,
) -> None:  # fmt: skip
    """Raise each split's best Sharpe ratio by points `first` to `stop`; the first of equals stays."""
    table = np.empty(subsets.size)
    low, high = np.empty((2, subsets.size)), np.empty((2, subsets.size))
    own = np.empty(best.size)
    for i in range(first, stop):
        _over_splits(sums[i], n_bars, subsets, begins, table, low, high, own)
        for t in range(own.size):
            better = own[t] > best[t]
            best[t] = own[t] if better else best[t]
            which[t] = i if better else which[t]


@kernel
def _ranks(
    sums: Floats, n_bars: float, subsets: Indices, begins: Indices, first: int, stop: int, target: Floats,
    below: Indices, equal: Indices,
) -> None:  # fmt: skip
    """Count the points `first` to `stop` below and at each split's target, out of sample."""
    table = np.empty(subsets.size)
    low, high = np.empty((2, subsets.size)), np.empty((2, subsets.size))
    own = np.empty(target.size)
    for i in range(first, stop):
        _over_splits(sums[i], n_bars, subsets, begins, table, low, high, own)
        for t in range(own.size):
            below[t] += own[t] < target[t]
            equal[t] += own[t] == target[t]


@kernel
def _over_masks(
    sums: Floats, n_bars: float, masks: NDArray[np.bool_], first: int, stop: int, out: Floats
) -> None:
    for i in range(first, stop):
        for t in range(len(masks)):
            s1 = s2 = 0.0
            for j in range(masks.shape[1]):
                if masks[t, j]:
                    s1 += sums[i, j, 0]
                    s2 += sums[i, j, 1]
            out[i, t] = _sharpe(s1, s2, n_bars)


def best_of_each(sums: Floats, slice_bars: int, threads: int) -> tuple[Floats, Indices]:
    """Return each split's best in-sample Sharpe ratio, and the point that has it (the first of equals)."""
    order, n_bars = Halves.of(sums.shape[1]), slice_bars * sums.shape[1] / 2.0
    edges = _edges(len(sums), threads)
    best = np.full((len(edges) - 1, order.n_splits), -np.inf)
    which = np.zeros(best.shape, dtype=np.int64)
    run = cached(_best)

    def part(k: int) -> None:
        run(sums, n_bars, order.subsets, order.begins, edges[k], edges[k + 1], best[k], which[k])

    _share(part, len(edges) - 1, threads)
    winner, splits = best.argmax(axis=0), np.arange(order.n_splits)
    return best[winner, splits], which[winner, splits]


def ranks_of(sums: Floats, slice_bars: int, chosen: Indices, threads: int) -> tuple[Floats, Floats]:
    """Return the chosen points' out-of-sample Sharpe ratios and mid-ranks, worst 1, (n_splits,) each."""
    order, n_bars = Halves.of(sums.shape[1]), slice_bars * sums.shape[1] / 2.0
    size = order.subsets.size
    scratch, low, high, own = (
        np.empty(size),
        np.empty((2, size)),
        np.empty((2, size)),
        np.empty(order.n_splits),
    )
    outside = np.empty(order.n_splits)
    for point in np.unique(chosen):
        cached(_over_splits)(sums[point], n_bars, order.subsets, order.begins, scratch, low, high, own)
        outside[chosen == point] = own[::-1][chosen == point]
    edges = _edges(len(sums), threads)
    counts = np.zeros((len(edges) - 1, 2, order.n_splits), dtype=np.int64)
    target = outside[::-1].copy()
    run = cached(_ranks)

    def part(k: int) -> None:
        run(
            sums, n_bars, order.subsets, order.begins, edges[k], edges[k + 1],
            target, counts[k, 0], counts[k, 1],
        )  # fmt: skip

    _share(part, len(edges) - 1, threads)
    below, equal = counts.sum(axis=0)[:, ::-1]
    return outside, below + (equal + 1) / 2.0


def sharpes_over(sums: Floats, slice_bars: int, masks: NDArray[np.bool_], threads: int) -> Floats:
    """Return every point's Sharpe ratio over the slices of each mask, (n_points, n_masks)."""
    out = np.empty((len(sums), len(masks)))
    edges, n_bars = _edges(len(sums), threads), slice_bars * sums.shape[1] / 2.0
    run = cached(_over_masks)
    _share(lambda k: run(sums, n_bars, masks, edges[k], edges[k + 1], out), len(edges) - 1, threads)
    return out


def _edges(n_points: int, threads: int) -> list[int]:
    return np.unique(np.linspace(0, n_points, threads + 1).astype(np.int64)).tolist()


def _share(part: Callable[[int], Any], n_parts: int, threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, range(n_parts)))
