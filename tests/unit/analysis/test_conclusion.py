import numpy as np
import pytest

from admf_ray.analysis.conclusion import conclude, holm, p_told


def test_holm_by_hand():
    found = holm([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(found, [0.03, 0.06, 0.06, 0.02], rtol=1e-12)
    assert holm([]).size == 0
    assert holm([0.02]).tolist() == [0.02]


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_holm_equals_its_definition(n):
    p_values = np.random.default_rng(n).choice([0.0, 0.01, 0.02, 0.5, 1.0, 0.3], n) ** 1.5
    order, running = np.argsort(p_values, kind="stable"), 0.0
    expected = np.empty(n)
    for rank, place in enumerate(order):
        running = max(running, min((n - rank) * p_values[place], 1.0))
        expected[place] = running
    np.testing.assert_allclose(holm(p_values), expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(
    ("trades", "better", "worse", "word"),
    [
        (10, 0.025, 0.98, "improves"),
        (10, 0.0251, 0.98, "no evidence"),
        (10, 0.98, 0.01, "harms"),
        (0, 0.001, 0.999, "no trades"),
        (10, 1.0, 1.0, "no evidence"),
    ],
)
def test_words_follow_the_numbers(trades, better, worse, word):
    assert conclude(trades, better, worse) == word


@pytest.mark.parametrize("digits", [3, 4])
def test_no_sentence_says_that_p_is_0(digits):
    for p in (0.0, 1e-9, 0.0004, 0.001, 0.03, 1.0):
        said = p_told(p, digits)
        assert float(said.removeprefix("below ")) > 0
        assert ("below" in said) == (p < 0.5 * 10**-digits)
