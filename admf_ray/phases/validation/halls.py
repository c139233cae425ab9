"""Where test strategies are examined: on training data as phase 1 had them, and on test data behind them."""

from __future__ import annotations

from admf_ray.phases.search import Search
from admf_ray.phases.validation.exam import Hall
from admf_ray.phases.validation.quarters import quarters_of
from admf_ray.phases.validation.sealed import Sealed

__all__ = ["test_hall", "training_hall"]


def training_hall(search: Search) -> Hall:
    """Return the training span and its walk-forward windows."""
    conditions = search.conditions
    return Hall(
        search.bars,
        search.span,
        conditions.windows[1:],
        quarters_of(search.bars, search.span),
        conditions.trains,
        conditions.labels,
        conditions.n_regimes,
        "HistoricalDataHandler",
    )


def test_hall(search: Search, sealed: Sealed, quarterly: bool) -> Hall:
    """Return the test period, and its calendar quarters as windows where they are asked for.

    Notes
    -----
    A strategy with `fit` learns from the whole training span and from nothing later; regimes are labelled by
    the classifier fitted there.
    """
    bars, window = sealed.bars, sealed.window
    quarters = quarters_of(bars, window)
    windows = quarters if quarterly else ()
    labels = None if search.classifier is None else search.classifier.labels(bars)
    return Hall(
        bars,
        window,
        windows,
        quarters,
        (search.span,) * (1 + len(windows)),
        labels,
        search.conditions.n_regimes,
    )


test_hall.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test
