"""What goes wrong in a user's code is one line that says where and why."""

import textwrap

import pytest

from admf_ray import backtest
from admf_ray.components.registry import forget, registered
from admf_ray.components.user_files import import_components
from admf_ray.errors import ComponentError

HEAD = """\
import numpy as np
from admf_ray import Param, Strategy
from admf_ray.components.indicators import sma


class Faulty(Strategy):
    "Faulty."

    n = Param(20, low=2, high=100)

"""
PREPARE = "def prepare(bars, p): return {'a': sma(bars.close, p.n)}\n"
FIT = "fields = ('s',)\ndef prepare(bars, p, fitted): return {'s': bars.close}\ndef decide(now): return 1.0\n"

CASES = {
    "no such value": (
        PREPARE + "def decide(now):\n    return now.b",
        r"^faulty.py:13 Faulty: does not compile, now has no 'b'; ",
    ),
    "no such parameter": (
        PREPARE + "def decide(p):\n    return p.m",
        r"^faulty.py:13 Faulty: does not compile, p has no 'm'; ",
    ),
    "no such number of what is held": (
        "def decide(held):\n    return held.weight",
        r"^faulty.py:12 Faulty: does not compile, held has no 'weight', it has qty, average, bars; ",
    ),
    "what is held as a number": (
        "def decide(held):\n    return 1.0 if held > 0 else 0.0",
        r"^faulty.py:12 Faulty: does not compile, there is no gt\(held \(qty, average, bars\), ",
    ),
    "no such name": ("def decide():\n    return nowhere", "name 'nowhere' is not defined"),
    "a word for a weight": (
        PREPARE + "def decide(now):\n    return 'long' if now.a > 1 else 'short'",
        "a weight must be a number, found unicode_type",
    ),
    "two weights": ("def decide():\n    return 1.0, 2.0", "a weight must be a number"),
    "a list in a rule": ("def decide():\n    x = [1.0]\n    return x[0]", r"^faulty.py:12 .*makes a list"),
    "an import in a rule": ("def decide():\n    import math\n    return math.pi", r"IMPORT_NAME"),
    "memory not declared": ("def decide(memory):\n    return 1.0, (1.0,)", r"found \(\); write e.g. memory"),
    "memory by name": (
        "memory = {'left': 0.0}\ndef decide(memory):\n    return 1.0, memory",
        "Faulty.memory",
    ),
    "memory too long": (
        "memory = (0.0,)\ndef decide(memory):\n    return 1.0, (1.0, 2.0)",
        "wrong tuple length",
    ),
    "memory forgotten": ("memory = (0.0,)\ndef decide(memory):\n    return 1.0", "does not compile"),
    "self": ("def decide(self, now):\n    return 1.0", "found 'self'; leave it out"),
    "prepare raises": (
        "def prepare(bars, p):\n    return {}['x']\ndef decide(): return 1.0",
        r"^faulty.py:12 Faulty.prepare: raised KeyError: 'x'; mend it",
    ),
    "a value named like a keyword": (
        "def prepare(bars, p): return {'for': bars.close}\ndef decide(): return 1.0",
        "found 'for'; choose a plain word",
    ),
    "fit raises": (
        FIT + "def fit(train, p):\n    return 1 / 0",
        r"^faulty.py:15 Faulty.fit: raised ZeroDivision",
    ),
    "fit cannot be frozen": (
        FIT + "def fit(train, p): return lambda x: x",
        "must return what can be pickled",
    ),
    "handler raises": (
        "def on_bar(self, bar):\n    return bar.close[10**9]",
        r"^faulty.py:12 Faulty.on_bar: raised IndexError: .* at bar \d+ \(2018-01-02T21:00\)",
    ),
    "handler names a stranger": ("def on_bar(self, bar): return {'NASDAC': 1.0}", "did you mean 'NASDAQ'"),
    "handler gives a word": (
        "def on_bar(self, bar): return {'NASDAQ': 'x'}",
        "must be numbers or None, found str",
    ),
}


@pytest.fixture(autouse=True)
def no_names_left():
    yield
    for module in {cls.__module__ for cls in registered().values() if "_faulty_" in cls.__module__}:
        forget(module)


@pytest.mark.parametrize(("body", "line"), CASES.values(), ids=CASES)
def test_one_line_says_where_and_why(tmp_path, body, line):
    file = tmp_path / "faulty.py"
    file.write_text(HEAD + textwrap.indent(body, "    ") + "\n")
    with pytest.raises(ComponentError, match=line) as caught:
        backtest(import_components(file)[0], data="sample:nasdaq", start="2018")
    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value)
