import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_ray.errors import ConfigError
from admf_ray.space.coordinates import At, Coordinates
from admf_ray.space.proposals import Proposals
from admf_ray.space.sampling import draw
from admf_ray.space.tpe import TpeGuide
from tests.unit.space.test_sampling import admissible, grids, space, to

# two strategies with axes of their own, falling and unordered values, words, a constraint
MIXED = space(
    {
        "fast": to(300),
        "slow": {"start": 100, "stop": 1, "step": -1},
        "side": ["long", "short", "both"],
        "stop": [0.3, 0.1],
    },
    {"fast": to(120), "stop": {"start": 0.5, "stop": 0.1, "step": -0.1}},
    constraints=["fast < 110 or fast > 200"],
)
SMALL = space({"fast": to(3), "side": ["long", "both"]}, {"fast": to(9)}, constraints=["fast != 2"])


def score(one, at):
    """Best at fast = 250, slow = 20, short; failed with the other strategy."""
    point = one.lattices[at.lattice].point(at.point)
    if at.lattice:
        return -np.inf
    return -abs(point["fast"] - 250) / 10 - abs(point["slow"] - 20) / 10 - 5 * (point["side"] != "short")


def searched(one, proposer, sizes):
    generations = []
    for n in sizes:
        asked = proposer.ask(n)
        proposer.tell([score(one, at) for at in asked])
        generations.append(asked)
    return generations


def proposers(one, seed):
    return {"random": Proposals(one, seed), "tpe": Proposals(one, seed, TpeGuide(one, seed))}


@pytest.mark.parametrize("kind", ["random", "tpe"])
def test_generations_are_new_admissible_and_end_with_the_space(kind):
    proposer = proposers(SMALL, 3)[kind]
    generations = [proposer.ask(5)]
    for _ in range(3):
        proposer.tell([-float(at.point) for at in generations[-1]])
        generations.append(proposer.ask(5))
    every = [at for one in generations for at in one]
    assert [len(one) for one in generations] == [5, 5, 2, 0]
    assert sorted(every) == [(k, i) for k, part in enumerate(admissible(SMALL)) for i in part]


@pytest.mark.parametrize("kind", ["random", "tpe"])
def test_a_replayed_history_goes_on_as_if_never_interrupted(kind):
    whole = searched(MIXED, proposers(MIXED, 7)[kind], [12] * 4)
    resumed = proposers(MIXED, 7)[kind]
    for asked in whole[:2]:
        assert resumed.ask(12) == asked
        resumed.tell([score(MIXED, at) for at in asked])
    assert searched(MIXED, resumed, [12] * 2) == whole[2:]
    other = searched(MIXED, proposers(MIXED, 8)[kind], [12] * 4)
    assert other != whole


def test_a_guide_learns():
    middle = {}
    for kind in ("random", "tpe"):
        first, *_, last = searched(MIXED, proposers(MIXED, 1)[kind], [16] * 5)
        middle[kind] = [np.median([score(MIXED, at) for at in asked]) for asked in (first, last)]
    assert middle["tpe"][0] == middle["random"][0] < -10
    assert middle["tpe"][1] > middle["random"][1] + 5


class Stubborn:
    """Proposes inadmissible and known points, one good one among them."""

    def __init__(self, *proposed):
        self.proposed, self.heard = list(proposed), []

    def propose(self):
        return (len(self.proposed), self.proposed.pop(0)) if self.proposed else None

    def refuse(self, token, *, known):
        self.heard.append((token, known))

    def learn(self, token, at, score):
        self.heard.append((token, at, score))


def test_what_a_guide_may_not_propose_is_replaced():
    good, wrong = At(1, 0), At(0, 3)
    guide = Stubborn(good, good, wrong, *[wrong] * 8)
    proposer = Proposals(SMALL, 0, guide)
    asked = proposer.ask(3)
    assert asked[0] == good
    assert {wrong, good}.isdisjoint(asked[1:])
    assert guide.heard == [(10, True), *((token, False) for token in range(9, 0, -1))][:10]
    proposer.tell([3.0, 2.0, 1.0])
    assert guide.heard[10:] == [(11, good, 3.0), (None, asked[1], 2.0), (None, asked[2], 1.0)]
    rest = proposer.ask(20)
    assert len({*asked, *rest}) == len(asked) + len(rest) == sum(part.size for part in admissible(SMALL))


def test_what_is_told_decides_what_is_asked():
    def last(scored):
        proposer = Proposals(MIXED, 5, TpeGuide(MIXED, 5))
        for _ in range(3):
            asked = proposer.ask(16)
            proposer.tell([scored(at) for at in asked])
        return proposer.ask(16)

    assert last(lambda at: score(MIXED, at)) != last(lambda at: -score(MIXED, at))


def test_random_proposals_are_the_sample():
    proposer = Proposals(MIXED, 11)
    asked = [at for one in searched(MIXED, proposer, [7, 1, 22]) for at in one]
    sample = draw(MIXED, 30, 11)
    assert sorted(asked) == [(k, i) for k, part in enumerate(sample) for i in part]


def test_told_wrongly():
    proposer = Proposals(MIXED, 0)
    proposer.ask(3)
    with pytest.raises(ValueError, match="3 points await"):
        proposer.ask(3)
    for wrong in ([1.0, 2.0], [1.0, 2.0, np.nan]):
        with pytest.raises(ValueError, match="3 scores must be told, no NaN"):
            proposer.tell(wrong)


@settings(max_examples=50)
@given(st.lists(grids, min_size=1, max_size=2))
def test_coordinates_and_points_are_one_to_one(parameters):
    one = space(*parameters)
    coordinates = Coordinates(one)
    for number, lattice in enumerate(one.lattices):
        for point in range(lattice.size):
            chosen = coordinates.chosen(At(number, point))
            assert coordinates.at(number, chosen) == (number, point)


def test_near_ranks_are_near_values():
    coordinates = Coordinates(MIXED)
    one = coordinates.chosen(At(0, 1))
    assert MIXED.lattices[0].point(1) == {"fast": 1, "slow": 100, "side": "long", "stop": 0.1}
    assert one == {"0:s0.fast": 0, "0:s0.slow": 0, "0:s0.side": "long", "0:s0.stop": 0}
    assert coordinates.chosen(At(0, 0))["0:s0.stop"] == 1
    assert coordinates.chosen(At(0, 6 * 99))["0:s0.slow"] == 99


def test_without_optuna_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"found it missing; pip install 'admf-ray\[optuna\]'$"):
        TpeGuide(MIXED, 0)
