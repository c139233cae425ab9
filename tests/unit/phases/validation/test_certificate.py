"""Whatever leaks from one test strategy to the next is caught and named; nothing else is."""

from pathlib import Path

import pytest
from inline import fresh

from admf_ray.components import library  # noqa: F401 - registers
from admf_ray.components.netted import Netted
from admf_ray.components.registry import find, registered
from admf_ray.components.user_files import import_components
from admf_ray.engine.stack import Stack
from admf_ray.market import Window
from admf_ray.market.synthetic import random_walk
from admf_ray.phases.validation.case import Member, TestCase
from admf_ray.phases.validation.certificate import after_others, alone, certified, in_company, in_tiles
from admf_ray.phases.validation.exam import Hall

WINDOW = Window("full", 60, 160)
LEAKS = {
    "leaks_class": "class attribute LeaksClass.count",
    "leaks_global": "module global SEEN",
    "leaks_default": "mutable default of LeaksDefault.on_bar",
    "leaks_random": "shared random generator RANDOM",
    "leaks_array": "array written to: BUFFER",
}


LEAKY = Path(__file__).parent / "leaky.py"


@pytest.fixture(autouse=True)
def _registered():
    """Users' components are forgotten after each test."""
    import_components(LEAKY)


@pytest.fixture(scope="module")
def hall():
    import_components(LEAKY)
    bars = random_walk(160, 4).bars
    found = Hall(bars, WINDOW, (), (), (WINDOW,), None, 0)
    alone(case_of("leaks_nothing"), found)  # loads the code that forked processes begin with
    return found


def case_of(name, **settings):
    stack = Stack(find(name, "strategy"))
    return TestCase(name, "fixed", Member.of(stack, stack.vector(settings)))


def certificate(case, others, hall):
    expected = fresh(alone, case, hall)["hashes"]
    runs = {
        "a fresh process": fresh(alone, case, hall),
        "after others": fresh(after_others, (case, others), hall),
        "shuffled order": fresh(in_company, ((*others, case), 3), hall)[case.name],
    }
    return certified(expected, runs)


@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_leak_is_caught_and_named(hall, name):
    case = case_of(name)
    found = certificate(case, tuple(case_of(name, every_bars=k) for k in (5, 9)), hall)
    assert found["a fresh process"] == "equal"
    assert "trades" in found["after others"]
    assert LEAKS[name] in found["after others"]
    assert found["verdict"].startswith("after others: other")


def test_what_keeps_to_itself_passes(hall):
    case = case_of("leaks_nothing")
    found = certificate(case, tuple(case_of(name) for name in LEAKS), hall)
    assert found == dict.fromkeys(("a fresh process", "after others", "shuffled order"), "equal") | {
        "verdict": "PASS"
    }


@pytest.mark.slow
def test_the_whole_library_passes(hall):
    names = [
        name
        for name, cls in registered("strategy").items()
        if cls is not Netted and cls.__module__.startswith("admf_ray.") and cls.fit is None
    ]
    cases = tuple(case_of(name) for name in names)
    assert len(cases) > 5
    for case in cases:
        expected = fresh(alone, case, hall)["hashes"]
        runs = {"after": fresh(after_others, (case, cases), hall)}
        if case.is_compiled:
            runs["tiles"] = fresh(in_tiles, (case, (case, case, case)), hall)
        assert certified(expected, runs)["verdict"] == "PASS", case.name


def test_tile_sizes_do_not_matter(hall):
    case = case_of("ma_crossover", fast=3, slow=9)
    others = tuple(case_of("ma_crossover", fast=k, slow=20) for k in range(2, 9))
    assert in_tiles((case, others), hall) == {"same": True}


def test_a_process_that_failed_is_no_pass():
    found = certified({"trades": "1"}, {"a fresh process": ValueError("lost")})
    assert found["verdict"] == "a fresh process: failed with ValueError: lost"
