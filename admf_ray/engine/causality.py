"""The causality probe: no decision at bar t depends on anything after t, shown by changing what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from admf_ray.engine.events import FillEvent
from admf_ray.engine.probes.decisions import decision_bars, probe_decisions, probe_rerun, sampled
from admf_ray.engine.probes.findings import Finding
from admf_ray.engine.probes.memorised import probe_memorised
from admf_ray.engine.probes.prepared import probe_fit, probe_prepared, probe_repeat
from admf_ray.engine.probes.runs import Case, HandlerFactory
from admf_ray.engine.probes.scene import Scene
from admf_ray.engine.probes.warmup import probe_warmup
from admf_ray.engine.stack import Stack
from admf_ray.errors import ComponentError
from admf_ray.market import Bars, Window

__all__ = ["Finding", "Report", "assert_causal", "probe"]


FEW_BARS = 12


@dataclass(frozen=True)
class Report:
    """What was probed and what was found.

    Attributes
    ----------
    findings : tuple of Finding
    n_bars : int
        Bars in the window.
    n_boundaries : int
        Bars after which everything was changed, for prepared values, twice each.
    n_values : int
        Prepared values compared.
    n_decisions, n_fills : int
        Bars at which orders were sent, and fills; when 0, no decision could be compared.
    ready_bar : int
        First bar at which a decision is possible.
    declared_bars : int or None
        The strategy's `warmup_bars`.
    settled_bars : int or None
        Bars of history from which on decisions no longer change; None when they always do or there were none.
    """

    findings: tuple[Finding, ...]
    n_bars: int
    n_boundaries: int
    n_values: int
    n_decisions: int
    n_fills: int
    ready_bar: int
    declared_bars: int | None
    settled_bars: int | None

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def probe(
    bars: Bars,
    stack: Stack,
    row: NDArray[np.float64],
    window: Window | None = None,
    *,
    handler_factory: HandlerFactory | None = None,
    train: Window | None = None,
    every_bar_up_to: int = 5_000,
    sample_bars: int = 256,
    seed: int = 0,
) -> Report:
    """Probe one point of a stack for look-ahead, too short a warm-up and chance.

    Parameters
    ----------
    bars : Bars
    stack : Stack
    row : float64 array (n_columns,)
        The point, as `Stack.vector` makes it.
    window : Window, optional
        Bars traded; all of them by default. Bars before are history.
    handler_factory : callable, optional
        For a plain-Python strategy: ``handler_factory(bars)`` returns a fresh ``handler(t, s) -> weight``
        that sees these bars and no others.
    train : Window, optional
        Bars that `fit` may see. By default the first half of the window, and the rest is traded.
    every_bar_up_to : int
        Most bars of which every one is probed; of more, `sample_bars` and all decisions.
    sample_bars : int
    seed : int
        Of the changed values and the samples; the same seed gives the same report.

    Returns
    -------
    Report

    Raises
    ------
    ComponentError
        A plain-Python strategy without `handler_factory`, or a component that fails on the real bars.

    Notes
    -----
    Compiled rules see only scalars of bars t and t - 1, so their future is what `prepare` lets in, plus what
    the engine hands them: the first is compared bar by bar, the second by runs that are shown each price when
    it is due. Together they cover every bar. Whether bars are present is not changed: a symbol's end is
    known to the engine, which closes it there. Data that a strategy brings along (a file it reads) cannot be
    changed by a probe; arrays of prices that its functions hold are found by looking for them.

    Of data much longer than the window and its warm-up, every bar is probed on the last part that stands
    for all (`Scene.recent` says what shows that it does), and some bars, the first and the last of the
    window among them, on the whole besides: there every prepared value is compared back to the first bar of
    the data, and nothing has to be assumed. A strategy that needs the whole past is probed on the whole.

    Cost: two evaluations of the prepared values a bar, and some tens of replays; on the part, or on all bars
    where none stands for them.
    """
    window = Window("full", 0, bars.n_bars) if window is None else window
    if not stack.strategy.is_compiled() and handler_factory is None:
        raise ComponentError(
            f"{stack.strategy.label()}: has on_bar, so the probe needs its handler; give handler_factory"
        )
    if stack.strategy.fit is not None and train is None:
        middle = (window.start + window.stop) // 2
        train, window = Window("train", window.start, middle), Window(window.name, middle, window.stop)
    whole = Scene.of(Case(stack, row, train, handler_factory), bars, window, seed)
    decided = decision_bars(whole.real)
    every: list[int] = list(range(window.start, min(window.stop, bars.n_bars - 1)))
    if window.n_bars > every_bar_up_to:
        every = sorted({*sampled(every, sample_bars, seed), *(t for t in decided if t < bars.n_bars - 1)})
    # chance first: without determinism the other comparisons say nothing
    findings = probe_repeat(whole.prepared, bars) + probe_rerun(whole.case, bars, window, whole.real)
    settled = None
    if not findings:
        findings += probe_memorised(whole.prepared, whole.case, bars, window)
        findings += probe_fit(whole.prepared, bars, seed)
        recent = whole.recent()
        findings += _future(recent, every)
        if not findings and recent is not whole:
            findings = _future(whole, [*sampled(every, FEW_BARS, seed), every[0], every[-1]], few=True)
        if not findings:
            findings, settled = probe_warmup(
                recent.case, recent.bars, recent.window, recent.real, recent.ready, seed
            )
            findings = _placed(findings, recent)
    return Report(
        tuple(findings),
        window.n_bars,
        len(every),
        len(whole.prepared.names),
        len(decided),
        sum(isinstance(event, FillEvent) for event in whole.real),
        max(int(whole.ready.min()), window.start),
        stack.strategy.warmup_bars,
        settled,
    )


def _future(scene: Scene, boundaries: Sequence[int], few: bool = False) -> list[Finding]:
    """Change what follows each boundary, counted on the whole data, for prepared values, then decisions."""
    case, bars, own = scene.case, scene.bars, [t - scene.case.origin for t in boundaries]
    found = probe_prepared(scene.prepared, bars, own, scene.seed, scene.false)
    # decisions made from values that leak would only repeat the finding
    found = found or probe_decisions(case, bars, scene.window, scene.real, scene.seed, scene.false, few=few)
    return _placed(found, scene)


def _placed(findings: Sequence[Finding], scene: Scene) -> list[Finding]:
    """Return findings with their bars counted on the whole data."""
    return [replace(f, bar=f.bar + scene.case.origin) if f.bar >= 0 else f for f in findings]


def assert_causal(
    bars: Bars,
    stack: Stack,
    row: NDArray[np.float64],
    window: Window | None = None,
    *,
    handler_factory: HandlerFactory | None = None,
    train: Window | None = None,
    seed: int = 0,
) -> Report:
    """Probe a point and refuse it when anything is found; runs before a search.

    Parameters
    ----------
    bars, stack, row, window, handler_factory, train, seed
        As in `probe`.

    Returns
    -------
    Report
        Without findings.

    Raises
    ------
    ComponentError
        The first finding, and how many more there are.
    """
    report = probe(bars, stack, row, window, handler_factory=handler_factory, train=train, seed=seed)
    if report.findings:
        more = f" (and {len(report.findings) - 1} more)" if len(report.findings) > 1 else ""
        raise ComponentError(f"{report.findings[0]}{more}; run `admf-ray check` and mend it")
    return report
