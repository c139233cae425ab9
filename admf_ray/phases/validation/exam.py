"""What one test strategy goes through on some bars: its run, windows, neighbours, perturbed prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.analysis.overfitting.excess import held_through, matched_excess
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.inputs import market_arrays
from admf_ray.engine.outcome import ReplayResult, curve_returns
from admf_ray.engine.paths import returns_of
from admf_ray.engine.sweep import SweepResult, sweep
from admf_ray.market import Bars, Window
from admf_ray.phases.validation.case import TestCase
from admf_ray.phases.validation.netting import HANDLER, Held, Setting, hashes, run_case
from admf_ray.results.identity import digest_of, engine_facts, sources_digest

__all__ = ["Exam", "Hall", "examine"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SOURCES = "phases/validation"  # what an answer is made by, besides the engine
NOISE_FRAC = 0.1  # of the bars' own volatility
NOISE_DRAWS = 5
DELAY_BARS = 1


@dataclass(frozen=True)
class Hall:
    """What all test strategies are examined on.

    Attributes
    ----------
    bars : Bars
        With all history before the windows.
    full : Window
    windows : tuple of Window
        Parts of it, each run from a fresh account.
    quarters : tuple of Window
        The calendar quarters of ``full``, in which neighbours' returns are judged without a second run.
    trains : tuple of Window
        What a strategy with `fit` learns from, for ``full`` and for each of the windows.
    labels : int64 array (n_bars,) or None
    n_regimes : int
    handler : str
        Registered data handler.
    """

    bars: Bars
    full: Window
    windows: tuple[Window, ...]
    quarters: tuple[Window, ...]
    trains: tuple[Window, ...]
    labels: Ints | None
    n_regimes: int
    handler: str = HANDLER

    def train_of(self, window: Window) -> Window:
        """Return what a strategy with `fit` learns from for a window."""
        return dict(zip((self.full, *self.windows), self.trains, strict=True))[window]

    def excess(self, answer: Mapping[str, Any]) -> Floats:
        """Return an answer's returns over ``full`` less its mean exposure times the benchmark's."""
        held = held_through(market_arrays(self.bars).benchmark, self.full.start, self.full.stop)
        return matched_excess(np.array(answer["returns"]), answer["metrics"]["mean_exposure"], held)

    def setting(self, window: Window | None = None, delay_bars: int = 0) -> Setting:
        """Return how a test strategy runs here, over ``full`` or another window."""
        own = self.full if window is None else window
        return Setting(
            self.bars, own, self.labels, self.n_regimes, delay_bars, self.train_of(own), handler=self.handler
        )

    @property
    def identity(self) -> str:
        """32 hexadecimal digits of all that an answer depends on besides the test strategy."""
        windows = [(one.name, one.start, one.stop) for one in (self.full, *self.windows, *self.trains)]
        quarters = [(one.start, one.stop) for one in self.quarters]
        labels = None if self.labels is None else digest_of(self.labels.tolist())
        made_by = [dict(engine_facts()), sources_digest(SOURCES)]
        return digest_of([self.bars.content_hash, windows, quarters, labels, self.n_regimes, made_by])


@dataclass(frozen=True)
class Exam:
    """One test strategy's part.

    Attributes
    ----------
    case : TestCase
    neighbours : tuple of TestCase
    perturbed : bool
        Whether prices and execution are perturbed too.
    seed : int
    """

    case: TestCase
    neighbours: tuple[TestCase, ...]
    perturbed: bool
    seed: int

    @property
    def identity(self) -> str:
        """32 hexadecimal digits."""
        near = [one.identity for one in self.neighbours]
        return digest_of([self.case.identity, near, self.perturbed, self.seed])


def examine(exam: Exam, hall: Hall) -> dict[str, Any]:
    """Return what a test strategy did, as plain data.

    Returns
    -------
    dict
        ``metrics``, ``returns`` (per bar of ``full``), ``trades`` (count), ``hashes``, ``verified`` (how, by
        window), ``windows`` (figures by name, and whether it ended in a position), ``neighbours`` (figures
        and quarters of each, the test strategy itself first), ``noise`` and ``delay`` (figures).

    Notes
    -----
    Every run has a container of its own. A compiled point is swept too: its replay must have the sweep's
    bits in every window. What cannot be swept runs twice.
    """
    case = exam.case
    held = run_case(case, hall.setting())
    returns = _returns(held.result, case)
    every = (case, *exam.neighbours)
    swept = _swept(every, hall) if all(one.is_compiled for one in every) else None
    curves = _curves(every, swept, hall)
    out: dict[str, Any] = {
        "case": case.name,
        "metrics": held.result.metrics,
        "returns": returns.tolist(),
        "trades": len(held.result.trades),
        "hashes": hashes(held),
        "verified": {hall.full.name: _verified(held, case, hall, hall.full, swept)},
        "windows": {},
        "neighbours": [
            {
                "told": one.told(),
                "metrics": metrics,
                "quarters": [
                    _judged(own[w.start - hall.full.start : w.stop - hall.full.start], hall)
                    for w in hall.quarters
                ],
            }
            for one, (metrics, own) in zip(every, curves, strict=True)
        ],
    }
    for window in hall.windows:
        own_run = run_case(case, hall.setting(window))
        out["windows"][window.name] = {
            **own_run.result.metrics,
            "open_at_end": bool((own_run.result.positions[-1] != 0.0).any()),
        }
        out["verified"][window.name] = _verified(own_run, case, hall, window, swept)
    if exam.perturbed:
        out["noise"] = [
            run_case(case, replace(hall, bars=noisy(hall.bars, exam.seed + k)).setting()).result.metrics
            for k in range(NOISE_DRAWS)
        ]
        out["delay"] = run_case(case, hall.setting(delay_bars=DELAY_BARS)).result.metrics
    return out


def noisy(bars: Bars, seed: int) -> Bars:
    """Return bars whose prices are all moved a little, each bar as a whole.

    Notes
    -----
    Open, high, low and close of a bar are multiplied by the same log-normal factor whose spread is a tenth
    of that of the symbol's close-to-close returns: bars keep their shape, returns get noise of 14 % of
    their own spread.
    """
    rng = np.random.default_rng(seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        moves = np.diff(np.log(bars.close), axis=0)
    spread = np.nanstd(moves, axis=0) if len(moves) else np.zeros(bars.n_symbols)
    factor = np.exp(NOISE_FRAC * spread * rng.standard_normal(bars.close.shape))
    return replace(bars, **{name: getattr(bars, name) * factor for name in ("open", "high", "low", "close")})


def _returns(result: ReplayResult, case: TestCase) -> Floats:
    cash = float(case.account.stack.part_values(case.account.vector)[-1].initial_cash)
    return curve_returns(result.equity, cash)


def _swept(cases: tuple[TestCase, ...], hall: Hall) -> SweepResult:
    """Return the sweep of single points over all windows."""
    stack = cases[0].account.stack
    rows = np.array([one.account.row for one in cases])
    return sweep(
        hall.bars, stack, rows, (hall.full, *hall.windows), tail=True, trains=hall.trains,
        labels=hall.labels, n_regimes=hall.n_regimes,
    )  # fmt: skip


def _curves(
    cases: tuple[TestCase, ...], swept: SweepResult | None, hall: Hall
) -> list[tuple[dict[str, float], Floats]]:
    """Return each one's figures and per-bar returns over ``full``."""
    if swept is not None:
        stack, rows = cases[0].account.stack, np.array([one.account.row for one in cases])
        conditions = Conditions.of(hall.bars, [hall.full], hall.trains[:1])
        curves = np.concatenate(list(returns_of(conditions, stack, rows)))
        figures = swept.values[:, 0].tolist()
        return [
            (dict(zip(swept.metrics, row, strict=True)), own)
            for row, own in zip(figures, curves, strict=True)
        ]
    found = []
    for one in cases:
        result = run_case(one, hall.setting()).result
        found.append((result.metrics, _returns(result, one)))
    return found


def _verified(held: Held, case: TestCase, hall: Hall, window: Window, swept: SweepResult | None) -> str:
    """Return how a run was verified, or ``differs``."""
    if swept is not None:
        place = swept.windows.index(window.name)
        figures = np.array([held.result.metrics[name] for name in swept.metrics])
        same = _same(figures, swept.values[0, place])
        return "replay = sweep" if same else "differs"
    again = run_case(case, hall.setting(window))
    return "replay = replay" if hashes(again) == hashes(held) else "differs"


def _same(one: Floats, other: Floats) -> bool:
    return bool(((one == other) | (np.isnan(one) & np.isnan(other))).all())


def _judged(returns: Floats, hall: Hall) -> dict[str, float]:
    """Return figures of some bars of a longer run."""
    growth = np.cumprod(1.0 + returns)
    peak = np.maximum.accumulate(np.concatenate([[1.0], growth]))[1:]
    spread = float(returns.std(ddof=1)) if returns.size > 1 else 0.0
    root = float(np.sqrt(hall.bars.bars_per_year))
    return {
        "sharpe": float(returns.mean()) / spread * root if spread > 0 else 0.0,
        "total_return": float(growth[-1] - 1.0),
        "volatility": spread * root,
        "max_drawdown": float((growth / peak - 1.0).min()),
    }
