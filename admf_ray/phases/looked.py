"""Single backtests are looks too: written down by the content of the bars they ran on."""

from __future__ import annotations

from pathlib import Path

from admf_ray.phases.backtest import Backtest
from admf_ray.phases.validation.sealed import recorded_look
from admf_ray.results.identity import digest_of
from admf_ray.results.ledger import Ledger, results_root
from admf_ray.results.store import RunStore

__all__ = ["looked_at", "roots_of"]


def roots_of(root: str, choice: Path | None = None) -> list[str]:
    """Return the results roots whose ledgers a backtest is written to.

    Parameters
    ----------
    root : str
        The results root that was asked for.
    choice : Path, optional
        Where a choice was backtested: its file. The root of the run it stands in is another.
    """
    if choice is None or not RunStore(str(choice.resolve().parent)).exists("run.json"):
        return [root]
    own = results_root(str(choice.resolve().parent))
    return [root] if str(Path(root).resolve()) == own else [root, own]


def looked_at(found: Backtest, root: str) -> list[str]:
    """Write a backtest down as a look at its bars and return what the user must know of it.

    Parameters
    ----------
    found : Backtest
    root : str
        A results root, folder or storage address; where there is none, no run of it has test data and
        nothing is written.

    Returns
    -------
    list of str
        A line where a run has these bars as its test data.

    Notes
    -----
    What bars will be test data is not known before phase 3 opens them, so every backtest is written down;
    those on bars that no run tests are never read.
    """
    if found.bars is None or not RunStore(root).exists():
        return []
    identity = digest_of([found.strategy, found.parameters])
    others = recorded_look(found.bars, found.result.window, Ledger(root), "admf-ray backtest", identity)
    runs = sorted({one.run for one in others if one.facts.get("kind") == "validation"})
    if not runs:
        return []
    return [f"these bars are test data of {', '.join(runs)}: this backtest is recorded as a look at them"]
