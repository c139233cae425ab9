"""What a choice wants now is what its last filter lets through, never what the strategy alone states."""

import numpy as np
import pytest

from admf_ray.components import library  # noqa: F401 - registers
from admf_ray.components.registry import find
from admf_ray.engine.stack import Stack
from admf_ray.market import Window
from admf_ray.market.synthetic import random_walk
from admf_ray.phases.signal import signal
from admf_ray.phases.validation.case import Member, TestCase
from admf_ray.phases.validation.choice import choice_text
from admf_ray.phases.validation.netting import Setting, run_case, wanted_weights

DATA = {"training": {"source": "gone"}, "training_days": ["1900-01-01", "1900-12-31"]}
ALONE = Stack(find("rsi_reversion"))
VETOED = Stack(find("rsi_reversion"), (find("trend_direction"),))
POINT = {"length_bars": 5}


@pytest.fixture(scope="module")
def ends():
    """Bars, and by last bar what the strategy alone and what its filter want."""
    bars = random_walk(400, 5).bars
    setting = Setting(bars, Window("full", 0, bars.n_bars))
    alone, vetoed = (
        wanted_weights(Member.of(one, one.vector(POINT)), setting)[:, 0] for one in (ALONE, VETOED)
    )
    return bars, alone, vetoed


def wanted_now(tmp_path, case, bars):
    file = tmp_path / "choice.yaml"
    file.write_text(choice_text(case, (), {}, DATA))
    (one,), held = signal(file, bars)
    return one, held


def test_a_veto_is_no_weight_though_the_filter_never_said_a_word(tmp_path, ends):
    bars, alone, vetoed = ends
    case = TestCase("v", "filtered", Member.of(VETOED, VETOED.vector(POINT)))
    events = run_case(case, Setting(bars, Window("full", 0, bars.n_bars))).events
    first = next(event for event in events if type(event).__name__ == "SignalEvent")
    assert (first.source, first.weight, alone[first.bar]) == ("rsi_reversion", 1.0, 1.0)
    assert not vetoed[: first.bar + 1].any()
    one, held = wanted_now(tmp_path, case, bars.slice(0, first.bar + 1))
    stated = [event for event in held.events if type(event).__name__ == "SignalEvent"]
    assert [event.source for event in stated] == ["rsi_reversion"]
    assert (one.weight, one.position, one.orders) == (0.0, 0.0, ())


def test_what_the_filter_lets_through_is_wanted(tmp_path, ends):
    bars, alone, vetoed = ends
    case = TestCase("v", "filtered", Member.of(VETOED, VETOED.vector(POINT)))
    differs = np.flatnonzero(alone != vetoed)[[3, -1]]
    same = np.flatnonzero((alone == vetoed) & (vetoed != 0.0))[[0, -1]]
    for last in (*differs, *same):
        assert wanted_now(tmp_path, case, bars.slice(0, int(last) + 1))[0].weight == vetoed[last]


def test_what_several_want_together_is_the_netted_weight(tmp_path, ends):
    bars, alone, vetoed = ends
    both = tuple(Member.of(one, one.vector(POINT)) for one in (ALONE, VETOED))
    case = TestCase("e", "ensemble", both[0], both, (0.5, 0.5))
    last = int(np.flatnonzero(alone != vetoed)[3])
    assert (
        wanted_now(tmp_path, case, bars.slice(0, last + 1))[0].weight
        == 0.5 * alone[last] + 0.5 * vetoed[last]
    )
