"""What each overfitting statistic costs for 10,000 and 100,000 points.

Run ``python benchmarks/overfitting.py [--bars 2500] [--threads 2] [points ...]``.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.bootstrap import block_length, interval
from admf_ray.analysis.overfitting.break_even import break_even
from admf_ray.analysis.overfitting.excess import shape
from admf_ray.analysis.overfitting.pbo import by_robust_score, pbo, pbo_of_selection
from admf_ray.analysis.overfitting.random_entry import random_entry
from admf_ray.analysis.overfitting.significance import deflated_sharpe
from admf_ray.analysis.overfitting.superior import superior_ability
from admf_ray.analysis.overfitting.trials import distinct_sample, effective_trials
from admf_ray.analysis.sharpe_difference import sharpe_difference

CHUNK_POINTS = 1000
N_SLICES = 16


def chunks(n_points: int, n_bars: int) -> Iterator[NDArray[np.float64]]:
    """Noise made anew a chunk at a time: making it is not what is measured."""
    random = np.random.default_rng(0)
    base = 0.01 * random.standard_normal((n_bars + CHUNK_POINTS, CHUNK_POINTS))
    for k in range(0, n_points, CHUNK_POINTS):
        yield base[k // CHUNK_POINTS :][:n_bars]


def slice_sums(n_points: int, width: int) -> NDArray[np.float64]:
    random = np.random.default_rng(1)
    s1 = 0.01 * np.sqrt(width) * random.standard_normal((n_points, N_SLICES))
    return np.stack([s1, 1e-4 * random.chisquare(width, s1.shape)], axis=-1)


def square_neighbours(n_points: int, radius: int = 2) -> NDArray[np.int64]:
    """The 24 neighbours of each point of a square lattice."""
    side = int(np.ceil(np.sqrt(n_points)))
    x, y = np.divmod(np.arange(n_points), side)
    near = []
    for dx in range(-radius, radius + 1):
        for dy in range(-radius, radius + 1):
            if dx or dy:
                a, b = x + dx, y + dy
                inside = (a >= 0) & (b >= 0) & (b < side) & (a * side + b < n_points)
                near.append(np.where(inside, a * side + b, -1))
    return np.column_stack(near)


def show(label: str, work: Callable[[], Any]) -> None:
    begin = time.perf_counter()
    work()
    print(f"  {label:44} {time.perf_counter() - begin:8.2f} s", flush=True)


def of_a_search(n_points: int, n_bars: int, threads: int) -> None:
    """Print the seconds of what is computed over all points."""
    width = n_bars // N_SLICES
    print(f"{n_points:,} points, {n_bars} bars, {threads} threads")
    sums, near = slice_sums(n_points, width), square_neighbours(n_points)
    select = by_robust_score(lambda begin, end: near[begin:end], n_points)
    show("PBO, 12,870 splits", lambda: pbo(sums, width, threads=threads))
    show(
        "PBO by robust score, 100 splits, 24 neighbours",
        lambda: pbo_of_selection(
            sums, width, select, n_points=n_points, n_splits=100, seed=0, threads=threads
        ),
    )
    show(
        "reality check and SPA, 1,000 draws",
        lambda: superior_ability(lambda: chunks(n_points, n_bars), n_bars, block_bars=5.0, seed=0),
    )
    show("distinct sample of 2,000", lambda: distinct_sample(sums, 2000, seed=0))
    sample = np.concatenate(list(chunks(2000, n_bars)), axis=1)
    show("effective N of 2,000", lambda: effective_trials(sample))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("points", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--bars", type=int, default=2500)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    n_bars, threads = chosen.bars, chosen.threads
    width = n_bars // N_SLICES
    one, other = next(chunks(1, n_bars))[:, :2].T.copy()
    held = np.repeat(np.random.default_rng(2).integers(0, 2, n_bars // 5 + 1), 5)[:n_bars] * 1.0
    few, near = slice_sums(50, width), square_neighbours(50)
    print("once (compiling, or loading what was compiled)")
    show("all kernels", lambda: (pbo(few, width), random_entry(held, one, 1e-4, seed=0, n_shifts=2)))
    select = by_robust_score(lambda begin, end: near[begin:end], 50)
    pbo_of_selection(few, width, select, n_points=50, n_splits=2, seed=0)
    sharpe_difference(one, other, seed=0, n_draws=2)
    print(f"per candidate or hypothesis, {n_bars} bars")
    show("block length", lambda: block_length(one))
    show("PSR, DSR", lambda: deflated_sharpe(shape(one), 100, 0.02))
    show("interval of a Sharpe ratio, 2,000 draws", lambda: interval(one, lambda r: shape(r).sharpe, seed=0))
    show("Sharpe difference, 5,000 draws", lambda: sharpe_difference(one, other, seed=0))
    show("random entry, 1,000 shifts", lambda: random_entry(held, one, 1e-4, seed=0))
    show("break-even, runs not counted", lambda: break_even(lambda c: 50 - c, first=1, highest=1e3))
    for n_points in chosen.points:
        of_a_search(n_points, n_bars, threads)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"most memory {peak:.2f} GiB")


if __name__ == "__main__":
    main()
