"""The finalists once more: what phase 3 stored of them must come out again, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admf_ray.errors import ConfigError
from admf_ray.phases.opened import Run
from admf_ray.phases.validation.executor import TestExecutor
from admf_ray.phases.validation.written import VERDICT
from admf_ray.phases.verify import Verified

__all__ = ["compare_answers", "repeat_finalists"]


def repeat_finalists(run: Run, **settings: Any) -> list[Verified]:
    """Run a run's finalists on their test data again and compare every window; no further look.

    Parameters
    ----------
    run : Run
    **settings
        As `TestExecutor`'s.

    Raises
    ------
    ConfigError
        The run has not been validated.
    """
    if not run.store.exists(VERDICT):
        raise ConfigError(
            f"{run.store.uri}: must be validated before its finalists are verified, found no verdict; run "
            f"the pipeline to its end"
        )
    executor = TestExecutor(run.config, out=run.store.uri, **settings)
    return [one for pair in executor.repeat().items() for one in compare_answers(pair[0], *pair[1])]


def compare_answers(name: str, stored: Mapping[str, Any], now: Any) -> list[Verified]:
    """Return how a test strategy's answers agree, window by window."""
    if isinstance(now, Exception):
        return [Verified(name, 0, "full", (f"failed now: {now}",))]
    found = [
        Verified(
            name,
            0,
            "full",
            (*_differs(stored["metrics"], now["metrics"]), *_differs(stored["hashes"], now["hashes"])),
        )
    ]
    for window, figures in stored["windows"].items():
        found.append(Verified(name, 0, window, _differs(figures, now["windows"][window])))
    return found


def _differs(stored: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"{key}: {value!r} stored, {now[key]!r} replayed"
        for key, value in stored.items()
        if value != now[key] and not (value != value and now[key] != now[key])
    )
