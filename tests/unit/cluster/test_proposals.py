import numpy as np
import pytest

from admf_ray.cluster.proposals import TuneGuide
from admf_ray.errors import ConfigError
from admf_ray.space.proposals import Proposals
from tests.unit.space.test_proposals import MIXED, SMALL, score, searched

optuna_search = pytest.importorskip("ray.tune.search.optuna")
tune_search = pytest.importorskip("ray.tune.search")


class Recording(tune_search.Searcher):
    """Proposes what it was given and remembers what it heard."""

    def __init__(self, *proposed):
        super().__init__()
        self.proposed, self.heard = list(proposed), []

    def set_search_properties(self, metric, mode, config, **spec):
        self.told = metric, mode, list(config)
        return True

    def suggest(self, trial_id):
        return self.proposed.pop(0) if self.proposed else self.FINISHED

    def on_trial_complete(self, trial_id, result=None, error=False):
        self.heard.append((trial_id, result, error))


def test_a_searcher_is_asked_and_told_in_order():
    own = {"strategy": "1:s1", "1:s1.fast": 4}
    forbidden, other = {"strategy": "1:s1", "1:s1.fast": 1}, own | {"1:s1.fast": 6}
    searcher = Recording(own, own, forbidden, other)
    proposer = Proposals(SMALL, 0, TuneGuide(searcher, SMALL))
    assert searcher.told == ("score", "max", ["strategy", "0:s0.fast", "0:s0.side", "1:s1.fast"])
    asked = proposer.ask(3)
    assert asked[:2] == [(1, 4), (1, 6)]
    proposer.tell([0.5, -np.inf, 9.0])
    assert searcher.heard == [
        ("00000001", None, True),
        ("00000002", None, True),
        ("00000000", {"score": 0.5}, False),
        ("00000003", None, True),
    ]


def test_tunes_optuna_learns_and_repeats():
    def proposer():
        return Proposals(MIXED, 2, TuneGuide(optuna_search.OptunaSearch(seed=2), MIXED))

    generations = searched(MIXED, proposer(), [16] * 4)
    assert searched(MIXED, proposer(), [16] * 4) == generations
    first, *_, last = ([score(MIXED, at) for at in asked] for asked in generations)
    assert max(last) > max(first)
    assert len({at for asked in generations for at in asked}) == 64


def test_a_searcher_with_a_space_of_its_own_is_refused():
    class Plain(tune_search.Searcher):
        pass

    with pytest.raises(ConfigError, match="Plain must take its space, metric and mode from the search"):
        TuneGuide(Plain(), MIXED)


def test_what_is_no_searcher_is_refused():
    with pytest.raises(
        ConfigError, match=r"must be a ray\.tune\.search\.Searcher, .* found BasicVariantGenerator"
    ):
        TuneGuide(tune_search.BasicVariantGenerator(), SMALL)
