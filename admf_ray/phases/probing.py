"""A strategy is shown not to see the future before it is searched."""

from __future__ import annotations

from admf_ray.cluster.jobs import Job
from admf_ray.engine.assembly import plain_handlers
from admf_ray.engine.board import OK
from admf_ray.engine.causality import assert_causal
from admf_ray.engine.conditions import Conditions
from admf_ray.engine.guard import Limits, guarded
from admf_ray.logs import get_logger
from admf_ray.market import Window
from admf_ray.phases.search import Search

__all__ = ["refuse_foresight"]

PROBED_BARS = 1_000

log = get_logger(__name__)


def refuse_foresight(search: Search, job: Job, limits: Limits) -> None:
    """Refuse a strategy that sees the future, shown at a point on the last bars of training.

    Parameters
    ----------
    search : Search
    job : Job
        Its points of the grid: the middle one, or where that does not run the next of a few.
    limits : Limits
        What a point may take; it runs in a process of its own first.

    Raises
    ------
    ComponentError
        It sees the future, or does not compile.

    Notes
    -----
    A point that raises, hangs or ends its process costs its own row only, so it does not end the run here.
    Where none of the few runs nothing is probed; their rows say why.
    """
    stack, span, last = job.names.build(), search.span, job.points.n_points - 1
    window = Window("full", max(span.start, span.stop - PROBED_BARS), span.stop)
    bars = search.bars.slice(0, span.stop)
    conditions = Conditions.of(bars, (window,))
    for place in dict.fromkeys((last // 2, last // 4, 3 * last // 4, 0, last)):
        row = job.points.rows(place, place + 1)
        tried = guarded(conditions, stack, row, limits)
        if tried.status[0] == OK:
            break
    else:
        why = ": ".join(tried.errors.get(0, ("no reason",)))
        log.warning("causality: %s is not probed, none of a few points runs (%s)", job.label, why)
        return
    report = assert_causal(
        bars, stack, row[0], window,
        handler_factory=None if job.compiled else plain_handlers(stack, row[0]),
    )  # fmt: skip
    log.info("causality: %d bars and %d decisions probed", report.n_bars, report.n_decisions)
