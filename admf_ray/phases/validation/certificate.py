"""The certificate: a test strategy gives the same bits wherever and after whatever it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from admf_ray.engine.sweep import sweep
from admf_ray.phases.validation.case import TestCase
from admf_ray.phases.validation.exam import Hall
from admf_ray.phases.validation.leaks import changed, state_of
from admf_ray.phases.validation.netting import hashes, run_case

__all__ = ["after_others", "alone", "certified", "in_company", "in_tiles"]

TILES = (1, 3, 1_000)


def alone(case: TestCase, hall: Hall) -> dict[str, Any]:
    """Run a test strategy in this process and return its hashes."""
    return {"hashes": _hashes(case, hall)}


def after_others(argument: tuple[TestCase, tuple[TestCase, ...]], hall: Hall) -> dict[str, Any]:
    """Run a test strategy after many others in the same process.

    Returns
    -------
    dict
        ``hashes``, and ``suspects``: what the others left behind.
    """
    case, others = argument
    classes = [cls for one in (case, *others) for part in one.parts for _, cls in part.stack.classes]
    before = state_of(classes)
    for other in others:
        run_case(other, hall.setting())
    suspects = changed(before, state_of(classes))
    return {"hashes": _hashes(case, hall), "suspects": list(suspects)}


def in_company(argument: tuple[tuple[TestCase, ...], int], hall: Hall) -> dict[str, Any]:
    """Run all test strategies in one process, in shuffled order, and return each one's hashes."""
    cases, seed = argument
    order = np.random.default_rng(seed).permutation(len(cases))
    return {cases[int(k)].name: {"hashes": _hashes(cases[int(k)], hall)} for k in order}


def in_tiles(argument: tuple[TestCase, tuple[TestCase, ...]], hall: Hall) -> dict[str, Any]:
    """Sweep a point among its neighbours in tiles of several sizes; equal bits or not."""
    case, others = argument
    stack = case.account.stack
    rows = np.array([one.account.row for one in (*others, case)])
    found = []
    for size in TILES:
        begin = (len(rows) - 1) // size * size  # the tile that holds the last row
        swept = sweep(
            hall.bars, stack, rows[begin : begin + size], [hall.full], tail=True, trains=hall.trains[:1],
            labels=hall.labels, n_regimes=hall.n_regimes,
        )  # fmt: skip
        found.append(
            swept.values[-1].tobytes() + swept.slice_sums[-1].tobytes() + swept.regime_sums[-1].tobytes()
        )
    return {"same": all(one == found[0] for one in found)}


def certified(expected: Mapping[str, str], runs: Mapping[str, Any]) -> dict[str, str]:
    """Return a certificate: how each run compares, and the verdict.

    Parameters
    ----------
    expected : mapping
        Hashes of trades, equity and events, of the test itself.
    runs : mapping of str to dict
        What the functions above returned, or an exception.

    Returns
    -------
    dict of str to str
        ``equal`` or what differs for each run, and ``verdict``: ``PASS``, or the first that differs.
    """
    found = {name: _compared(expected, run) for name, run in runs.items()}
    bad = [f"{name}: {word}" for name, word in found.items() if word != "equal"]
    return {**found, "verdict": bad[0] if bad else "PASS"}


def _compared(expected: Mapping[str, str], run: Any) -> str:
    if isinstance(run, Exception):
        return f"failed with {type(run).__name__}: {run}"
    if "same" in run:
        return "equal" if run["same"] else "figures differ between tile sizes"
    parts = [name for name, value in expected.items() if run["hashes"][name] != value]
    if not parts:
        return "equal"
    suspects: Sequence[str] = run.get("suspects", ())
    named = f"; left behind: {', '.join(suspects)}" if suspects else ""
    return f"other {', '.join(parts)}{named}"


def _hashes(case: TestCase, hall: Hall) -> dict[str, str]:
    return hashes(run_case(case, hall.setting()))
