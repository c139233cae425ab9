"""From a run's folder to ``report.html``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from admf_ray.errors import StoreError
from admf_ray.files import written_whole
from admf_ray.logs import get_logger
from admf_ray.report.blocks import Prose, Section
from admf_ray.report.drift import drift
from admf_ray.report.experiments import experiments
from admf_ray.report.neighbourhood import neighbourhood
from admf_ray.report.overfitting import overfitting
from admf_ray.report.overview import overview
from admf_ray.report.page import page
from admf_ray.report.regimes import clusters, regimes
from admf_ray.report.tables import Tables
from admf_ray.report.validation import validation
from admf_ray.report.verdict import finalists, verdict
from admf_ray.report.walk_forward import walk_forward
from admf_ray.results.store import RunStore

__all__ = ["REPORT", "write_report"]

log = get_logger(__name__)

REPORT = "report.html"
SECTIONS: tuple[tuple[str, Callable[[Tables], Section | None]], ...] = (
    ("Verdict", verdict),
    ("What was run", overview),
    ("Plateaus and peaks", neighbourhood),
    ("Walk-forward", walk_forward),
    ("Experiments", experiments),
    ("Overfitting", overfitting),
    ("Regimes", regimes),
    ("Kinds of returns", clusters),
    ("Finalists", finalists),
    ("Validation", validation),
    ("Drift", drift),
)


def write_report(store: RunStore, out: str | Path | None = None) -> str:
    """Write the report on a run.

    Parameters
    ----------
    store : RunStore
    out : str or Path, optional
        A local file; ``report.html`` in the run's folder by default.

    Returns
    -------
    str
        Where it stands.

    Raises
    ------
    StoreError
        There is no run, or the file cannot be written.

    Notes
    -----
    A section stands there when its tables do. One whose table lacks a column says so in a line; the others
    are not touched by it; nor by values that nobody foresaw. Reading a run is no look at any data.
    """
    run = Tables(store)
    name = str(run.manifest.get("pipeline", {}).get("name", "run"))
    built = [_built(title, build, run) for title, build in SECTIONS]
    text = page(
        f"{name}: report",
        store.uri,
        [one for one in built if one is not None],
        f"admf_ray {run.manifest.get('admf_ray', '')}, run begun {run.manifest.get('created', '')}. "
        "Everything on this page is in the run's folder as Parquet and JSON.",
    )
    if out is None:
        store.write_bytes(REPORT, text.encode())
        return store.uri_of(REPORT)
    with written_whole(out) as file:
        file.write(text.encode())
    return str(out)


def _built(title: str, build: Callable[[Tables], Section | None], run: Tables) -> Section | None:
    try:
        return build(run)
    except StoreError as error:
        why = str(error)
        log.warning("report, %s: %s", title, why)
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # a hole rather than no page
        log.warning("report, %s: unexpected %s", title, error, exc_info=True)
        why = f"Unexpected {type(error).__name__}: {error}."
    return Section(build.__name__, title, "", [Prose(f"Not shown. {why}", "bad")])
