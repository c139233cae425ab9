from __future__ import annotations

import sys

import pytest

from admf_ray import cli

FILE = '''
"""Mine."""
import numpy as np
from admf_ray.components.base import Strategy
from admf_ray.components.registry import register
from admf_ray.components.tracing import indicator


@indicator
def tomorrow(close):
    return np.append(close[1:], np.nan)


@register("knows_tomorrow")
class Mine(Strategy):
    """Knows tomorrow."""

    def prepare(bars, p):
        return {"close": bars.close, "next": tomorrow(bars.close)}

    def decide(now, p):
        return 1.0 if now.next > now.close else 0.0


class Handler(Strategy):
    """Long on alternate tens of bars."""

    def on_bar(self, view):
        return float(view.bar // 10 % 2)
'''


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["admf-ray", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code


def test_a_file_with_a_look_ahead_exits_with_1(tmp_path, monkeypatch, capsys):
    file = tmp_path / "cheats.py"
    file.write_text(FILE)
    assert run(monkeypatch, "check", file, "--bars", 200) == 1
    out = capsys.readouterr().out
    assert "FOUND knows_tomorrow: prepare 'next' at bar" in out
    assert "by indicator tomorrow" in out
    assert "Handler: PASS" in out


def test_a_library_strategy_passes(monkeypatch, capsys):
    assert (
        run(monkeypatch, "check", "ma_crossover", "--set", "fast=5", "--set", "slow=20", "--bars", 300) == 0
    )
    out = capsys.readouterr().out
    assert "ma_crossover: PASS" in out
    assert "2 prepared values" in out


@pytest.mark.parametrize(
    "words",
    [("no_such",), ("nothing.py",), ("ma_crossover", "--set", "fsat=5"), ("ma_crossover", "--bars", "1")],
)
def test_usage_errors_are_one_line(words, monkeypatch, capsys):
    assert run(monkeypatch, "check", *words) == 2
    assert capsys.readouterr().err.count("\n") == 1
