"""What commands load before they can answer."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from admf_ray.cli import COMMANDS, cli
from tests.searching import ROOT, pipeline

HEAVY = ("pandas", "ray", "sklearn", "statsmodels", "plotly")
ASKED = """
import sys
from admf_ray.cli import main
try:
    main()
except SystemExit as end:
    print("ended", end.code)
print("loaded", *sorted(set({heavy}) & set(sys.modules)))
"""


def asked(*words, heavy=HEAVY):
    """Run a command in a process of its own; returns how it ended, what heavy it loaded and its errors."""
    program = (sys.executable, "-c", ASKED.format(heavy=heavy), *words)
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    *_, ended, loaded = done.stdout.splitlines()
    return ended.removeprefix("ended "), loaded.split()[1:], done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_each_command_says(name):
    command = cli.get_command(None, name)
    assert COMMANDS[name][1] == command.get_short_help_str(1_000)


def test_the_list_loads_no_command():
    ended, loaded, _ = asked("--help", heavy=(*HEAVY, "numpy"))
    assert (ended, loaded) == ("0", [])


def test_too_large_a_grid_is_refused_before_anything_heavy_is_loaded(tmp_path):
    axes = {name: {"start": 1, "stop": 10**6, "step": 1} for name in ("fast", "slow")}
    body = pipeline(tmp_path, {"wide": {"parameters": axes}}, files=(tmp_path / "wide.py",))
    (tmp_path / "wide.py").write_text(
        "from admf_ray import Param, Strategy, register\n\n\n"
        '@register("wide")\nclass Wide(Strategy):\n    """Has many values."""\n\n'
        "    fast = Param(1, 1, 10**6)\n    slow = Param(1, 1, 10**6)\n\n"
        "    def decide(now, p):\n        return 1.0\n"
    )
    file = tmp_path / "trillion.yaml"
    file.write_text(yaml.safe_dump(body))
    ended, loaded, said = asked("plan", str(file))
    assert "max_points: the grid and its neighbours must be at most" in said
    assert "found 1,000,0" in said
    assert (ended, loaded) == ("2", [])


def test_a_worker_of_compiled_tiles_needs_no_tables():
    words = f"import sys, admf_ray.cluster.tilework\nprint(*set({HEAVY}) & set(sys.modules))"
    done = subprocess.run((sys.executable, "-c", words), cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
