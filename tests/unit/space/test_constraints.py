import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admf_ray.errors import ConfigError
from admf_ray.space.constraints import evaluate, evaluate_array
from admf_ray.space.expressions import known_names, names_in

numbers = st.sampled_from(["a", "b", "risk.c", "1", "2.5", "0"])


def grown(inner):
    arithmetic = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner)
    return arithmetic.map(lambda t: f"({t[0]} {t[1]} {t[2]})") | inner.map(lambda x: f"(-{x})")


calculated = st.recursive(numbers, grown, max_leaves=4)
compared = st.tuples(calculated, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), calculated).map(
    " ".join
)
chained = st.tuples(compared, st.sampled_from(["<", ">="]), calculated).map(" ".join)
worded = st.sampled_from(["side == 'long'", "side != 'both'", "side == a", "side < 'm'"])
expressions = st.recursive(
    compared | chained | worded,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({' '.join(t)})")
        | inner.map(lambda x: f"not ({x})")
    ),
    max_leaves=4,
)
points = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.integers(-3, 3),
            "b": st.integers(-3, 3),
            "risk.c": st.sampled_from([0.0, 0.1, 0.5, -2.0]),
            "side": st.sampled_from(["long", "short", "both"]),
        }
    ),
    min_size=1,
    max_size=8,
)


def columns(rows):
    found = {name: np.array([float(r[name]) for r in rows]) for name in ("a", "b", "risk.c")}
    return found | {"side": np.array([r["side"] for r in rows])}


@settings(max_examples=400)
@given(expressions, points)
def test_blocks_equal_points(text, rows):
    try:
        expected = [evaluate(text, row) for row in rows]
    except ConfigError:
        with pytest.raises(ConfigError, match="cannot be computed"):
            evaluate_array(text, columns(rows))
        return
    assert evaluate_array(text, columns(rows)).tolist() == expected


def test_later_parts_are_looked_at_where_needed():
    a, b = np.array([4.0, 4.0, 4.0]), np.array([0.0, 1.0, 4.0])
    assert evaluate_array("b != 0 and a / b > 2", {"a": a, "b": b}).tolist() == [False, True, False]
    assert evaluate_array("b == 0 or a / b > 2", {"a": a, "b": b}).tolist() == [True, True, False]
    with pytest.raises(ConfigError, match="division by zero"):
        evaluate_array("a / b > 2", {"a": a, "b": b})


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("__import__('os').system('ls')", "found Call"),
        ("fast.__class__()", "found Call"),
        ("[x for x in y]", "found ListComp"),
        ("(lambda: 1)()", "found Call"),
        ("fast ** 9 ** 9", "found BinOp"),
        ("fast << 5", "found BinOp"),
        ("fast[0]", "found Subscript"),
        ("fast is slow", "found Compare"),
        ("f'{fast}'", "found JoinedStr"),
        ("(1).__class__ < 2", "found Attribute"),
        ("fast := 5", "not an expression"),
        ("fast <", "not an expression"),
        ("", "not an expression"),
        ("a\0b", "not an expression"),
        ("1j < 2", "found Constant"),
        ("x < " + "1 + " * 200 + "1", "must be at most 500 characters"),
        ("-" * 300 + "1 < 2", "must nest at most 50 deep"),
    ],
)
def test_unsafe_or_malformed(text, rule):
    for check in (lambda: evaluate(text, {"fast": 1, "slow": 2}), lambda: names_in(text)):
        with pytest.raises(ConfigError, match=rule) as caught:
            check()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["'x' * 999999999 == 'y'", "'%9999999d' % 5 == 'x'", "side + 'a' == 'b'", "-side == 1"]
)
def test_words_are_never_calculated_with(text):
    with pytest.raises(ConfigError, match="words cannot be calculated with"):
        evaluate(text, {"side": "long"})
    with pytest.raises(ConfigError, match="words cannot be calculated with"):
        evaluate_array(text, {"side": np.array(["long"])})


def test_names():
    assert names_in("a < b and volatility.level > a") == ("a", "b", "volatility.level")
    with pytest.raises(ConfigError, match=r"no parameter 'fst'; did you mean 'fast'\?"):
        known_names("fst < slow", ["fast", "slow"])
