"""What is shown while a run is under way."""

import io

from rich.console import Console

from admf_ray.cli.progress import Shown
from admf_ray.phases.progress import Progress

DONE = Progress(8, 8, 0, 4.0, 0.0, 1.0, 2**20, 1)


def shown(terminal, silent=False):
    """What is said of a run whose search and analysis end."""
    said = io.StringIO()
    with Shown(Console(file=said, force_terminal=terminal, width=100), silent) as one:
        for phase in ("mining", "analysis"):
            one.phase(phase)
            one.progress(DONE)
        tasks = [(task.description, task.total) for task in one._bar.tasks]
    return said.getvalue(), tasks


def test_a_phase_that_goes_on_after_its_backtests_is_seen_to():
    _, tasks = shown(terminal=True)
    assert tasks == [("analysis", None)]


def test_without_a_terminal_it_is_said_once():
    said, _ = shown(terminal=False)
    first, second, third = said.splitlines()
    assert first == third == "8/8 points, 4/s, best robust 1.00, 1 at work with 1 MiB"
    assert second == "analysis begins"


def test_silence():
    assert shown(terminal=False, silent=True)[0] == ""
