"""The compile cache: named by everything numba freezes, so an edit never runs old code."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from admf_ray.errors import ComponentError
from admf_ray.rules.compile import cached, digest, kernel, rule

LIMIT = 3.0


def make(text: str, **names):
    space = dict(names)
    exec(textwrap.dedent(text), space)
    return space["f"]


BASE = """
    def helper(x): return x * LIMIT
    def f(x): return helper(x) + 1.0
"""


def test_equal_code_has_an_equal_digest():
    assert digest(make(BASE, LIMIT=2.0)) == digest(make(BASE, LIMIT=2.0))


@pytest.mark.parametrize(
    "other",
    [
        make(BASE, LIMIT=2.5),
        make(BASE.replace("+ 1.0", "+ 2.0"), LIMIT=2.0),
        make(BASE.replace("x * LIMIT", "x - LIMIT"), LIMIT=2.0),
        make(BASE.replace("def f(x)", "def f(x, y=3)"), LIMIT=2.0),
        rule(make(BASE, LIMIT=2.0)),
    ],
    ids=["global", "constant", "helper", "default", "options"],
)
def test_an_edit_changes_the_digest(other):
    assert digest(make(BASE, LIMIT=2.0)) != digest(other)


def test_a_comment_does_not_change_the_digest():
    assert digest(make(BASE, LIMIT=2.0)) == digest(make("# said\n" + textwrap.dedent(BASE), LIMIT=2.0))


def test_helpers_two_calls_away_count():
    def chain(constant):
        inner = make(f"def f(x): return x + {constant}")
        middle = make("def f(x): return inner(x)", inner=inner)
        return make("def f(x): return middle(x)", middle=middle)

    assert digest(chain(1.0)) != digest(chain(2.0))


def test_what_cannot_be_frozen_is_refused_by_name():
    function = make("def f(x): return opened", opened=object())
    with pytest.raises(ComponentError, match=r"uses opened.*found a object"):
        digest(function)


def test_kernels_compute_through_the_cache():
    @kernel
    def doubled(x):
        return x * 2.0

    assert cached(doubled)(np.arange(3.0)).tolist() == [0.0, 2.0, 4.0]
    assert cached(doubled) is cached(doubled)


PROGRAM = """
import sys
import numpy as np
from admf_ray.components.user_files import import_components
from admf_ray.engine.stack import Stack
from admf_ray.engine.sweep import sweep
from admf_ray.market import Window
from admf_ray.market.synthetic import random_walk

bars = random_walk(n_bars=300, seed=3).bars
(cls,) = import_components(sys.argv[1])
stack = Stack(cls)
result = sweep(bars, stack, stack.vector()[None], [Window("full", 0, 300)])
assert result.metric("trades")[0] > 0
print(repr(result.metric("final_equity")[0]))
"""

STRATEGY = """
from admf_ray import Param, Strategy, register
from admf_ray.components.indicators import sma
from {neighbour} import level


@register("edited")
class Edited(Strategy):
    "Long while the close is above its mean by a level."

    length = Param(10, low=2, high=100)

    def prepare(bars, p):
        return {{"close": bars.close, "mean": sma(bars.close, p.length)}}

    def decide(now, p):
        return 1.0 if now.close > level(now.mean) else 0.0
"""

NEIGHBOUR = """
from numba import njit

FACTOR = {factor}


@njit
def level(mean):
    return mean * FACTOR
"""


def run(folder, environment):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "strategy.py")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_editing_a_module_a_strategy_imports_never_runs_old_code(tmp_path):
    """Equal sizes and times of the edited file, so that only content can tell."""
    (tmp_path / "strategy.py").write_text(STRATEGY.format(neighbour="neighbour"))
    path = tmp_path / "neighbour.py"
    warm = {**os.environ, "ADMF_RAY_CACHE_DIR": str(tmp_path / "warm"), "PYTHONDONTWRITEBYTECODE": "1"}
    results = {}
    for factor in ("1.000", "0.990"):
        path.write_text(NEIGHBOUR.format(factor=factor))
        os.utime(path, (1_700_000_000, 1_700_000_000))
        results[factor] = run(tmp_path, warm)
    fresh = {**warm, "ADMF_RAY_CACHE_DIR": str(tmp_path / "fresh")}
    assert results["0.990"] == run(tmp_path, fresh)
    assert results["1.000"] != results["0.990"]


def test_a_file_that_moves_runs_without_the_old_one(tmp_path):
    warm = {**os.environ, "ADMF_RAY_CACHE_DIR": str(tmp_path / "warm")}
    results = []
    for name in ("old", "new"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "strategy.py").write_text(STRATEGY.format(neighbour="neighbour"))
        (folder / "neighbour.py").write_text(NEIGHBOUR.format(factor="1.000"))
        results.append(run(folder, warm))
    assert results[0] == results[1]
