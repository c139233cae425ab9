"""Benchmarks and scripts run as their first lines say, on the smallest sizes that they take."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small import PIPELINE

ROOT = Path(__file__).parents[2]
SMALL = {
    "analysis": ("--points 36 --bars 500", r"^  order +\d"),
    "analysis_tools": ("", r"^consistency: the selection rule +\d"),
    "calibration": ("--noise 4 --edges 1 --spikes 1 --seed 1", r"^  0 accepted in all, at most 0: PASS$"),
    "cluster": (
        "--points 5000 --rounds 1 --gib 0.02 --actors 2",
        r"^2 actors on 0\.02 GiB of bars: private memory \d+ MiB mapped",
    ),
    "experiments": (
        "--markets 3 --planted 1 --bars 700 --seed 1",
        r"^  ideal follower's Sharpe 6: effect \+\d\.\d\d, improves in 100%$",
    ),
    "overfitting": ("1000 --bars 500", r"^  PBO by robust score, 100 splits, 24 neighbours +\d"),
    "quickstart": ("", r"^together \d+% of the first run"),
    "search": ("--points 1000", r"^best: .*'strategy': 'ma_crossover'.*'sharpe': \d"),
    "startup": ("", r"^third process +imports \d"),
    "sweep": ("--points 1000 --minutes 4000", r"^  ma_crossover \+ borrow and interest +\d"),
}
LATER_PHASES = """\
  phase_2_analysis:
    tools: [walk_forward_consistency]
    experiments:
      - {name: trend, base_strategy: ma_crossover, modifications: {add_filter: trend_direction}}
  phase_3_test:
    data: {source: "sample:nasdaq", start: 2018, end: 2018}
    test_strategies: [{name: baseline_adaptive}]
"""


def printed(program: str, *words: str) -> str:
    """Run a program of the repository in a process of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, program, *words], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_benchmark_is_left_out():
    assert {file.stem for file in (ROOT / "benchmarks").glob("*.py")} == set(SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_runs_to_its_last_figure(name):
    words, line = SMALL[name]
    out = printed(f"benchmarks/{name}.py", *words.split())
    assert re.search(line, out, re.MULTILINE), out


@pytest.mark.slow
def test_the_script_chains_the_phases(tmp_path):
    (tmp_path / "p.yaml").write_text(PIPELINE + LATER_PHASES)
    out = printed("scripts/walk_forward.py", str(tmp_path / "p.yaml"), "--out", str(tmp_path / "run"))
    assert out.startswith("mined 8 points; out of sample:\n")
    assert re.search(r"^ *trend ", out, re.MULTILINE), out
    assert "\nThe first, baseline_adaptive, is refused because test p " in out
