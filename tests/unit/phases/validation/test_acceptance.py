"""The acceptance rule, the order of finalists, and what the verdict says."""

import numpy as np
import pytest

from admf_ray.config.validation import FinalSelection
from admf_ray.phases.validation.acceptance import first_accepted, judge, power, threshold
from admf_ray.phases.validation.evidence import Evidence, ordered, survival


def excess(sharpe, n=252, seed=0):
    """Returns whose annual Sharpe ratio is the one stated."""
    noise = np.random.default_rng(seed).standard_normal(n)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    return 0.01 * (noise + sharpe / np.sqrt(252))


def test_both_gates_must_be_passed_and_each_refusal_says_its_figures():
    passed = judge(excess(3.5), 0.01, 252.0, 2, 1, True)
    assert passed.accepted
    assert passed.reasons == ()
    assert passed.excess_sharpe == pytest.approx(3.5)
    weak = judge(excess(1.5), 0.01, 252.0, 2, 1, True)
    assert not weak.accepted
    assert weak.test_p == pytest.approx(0.067, abs=0.01)
    assert weak.reasons[0].endswith("is above 0.0125 (0.05 / (2 x 2 finalists x 1 look))")
    lucky = judge(excess(3.5), 0.2, 252.0, 2, 1, True)
    assert lucky.reasons == ("training p 0.200 over all trials is above 0.05",)
    leaky = judge(excess(3.5), 0.01, 252.0, 2, 1, False)
    assert leaky.reasons == ("a run could not be repeated bit for bit",)
    idle = judge(np.zeros(252), 0.01, 252.0, 2, 1, True)
    assert (idle.accepted, idle.test_p) == (False, 1.0)


def test_more_finalists_and_more_looks_ask_for_more():
    assert [threshold(1, 1), threshold(3, 1), threshold(3, 2)] == pytest.approx([0.025, 0.05 / 6, 0.05 / 12])
    p = judge(excess(2.2), 0.01, 252.0, 1, 1, True)
    assert p.accepted
    assert not judge(excess(2.2), 0.01, 252.0, 1, 2, True).accepted


def test_the_first_that_passes_wins_not_the_best():
    yes = judge(excess(2.5), 0.01, 252.0, 1, 1, True)
    better = judge(excess(5.0), 0.01, 252.0, 1, 1, True)
    no = judge(excess(0.0), 0.01, 252.0, 1, 1, True)
    assert better.test_p < yes.test_p
    assert first_accepted(["a", "b", "c"], [no, yes, better]) == "b"
    assert first_accepted(["a"], [no]) is None


def test_the_rate_of_false_acceptance_is_what_the_threshold_says():
    passed = 0
    for seed in range(4000):
        noise = 0.01 * np.random.default_rng(seed).standard_t(4, 252)
        passed += judge(noise, 0.0, 252.0, 1, 1, True).accepted
    assert 0.018 * 4000 < passed < 0.033 * 4000


def test_order_is_by_rank_of_each_kind_of_evidence():
    sure = Evidence(1.0, 0.8, 0.9, 0.5, 1.2)
    high = Evidence(0.2, 0.4, 0.1, -1.0, 3.0)
    none = Evidence(-np.inf, np.nan, 0.0, np.nan, np.nan)
    names = ["none", "high", "sure"]
    assert ordered(names, [none, high, sure], FinalSelection()) == ["sure", "high", "none"]
    by_objective = FinalSelection(prefer_robust_over_performance=False)
    assert ordered(names[1:], [high, sure], by_objective) == ["high", "sure"]
    assert ordered(["b", "a"], [sure, sure], FinalSelection()) == ["b", "a"]


def test_survival_asks_for_profit_and_half_of_the_unperturbed_score():
    assert survival(np.array([1.0, 0.5, 0.49, -1.0])) == pytest.approx(1 / 3)
    assert survival(np.array([-1.0, -0.4, -0.1])) == 0.0
    assert np.isnan(survival(np.array([1.0])))
    assert survival(np.array([-0.1, -0.1, -0.15, -0.3, -np.inf]), maximize=False) == 0.5


def test_power_is_known_before_and_falls_with_the_threshold():
    assert power(1.5, 1.0, 0.05) == pytest.approx(0.44, abs=0.005)
    assert power(1.5, 1.0, 0.05 / 6) < 0.2 < power(1.5, 4.0, 0.05 / 6)
