"""Numbers and digests: equal for equal work, other for any other."""

import importlib
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from admf_ray.components.library.trend import MaCrossover
from admf_ray.components.user_files import import_components
from admf_ray.errors import ComponentError
from admf_ray.results.identity import code_digest, distinct, engine_facts, point_ids, sources_digest
from tests.sources import edited

SALT = "5" * 32
FLOATS = st.floats(allow_nan=False, width=64)


@given(arrays(np.float64, (6, 3), elements=FLOATS), st.permutations(range(6)))
def test_a_rows_number_depends_on_the_row_alone(rows, order):
    ids = point_ids(rows, SALT)
    assert (ids >= 0).all()
    np.testing.assert_array_equal(point_ids(rows[order], SALT), ids[order])
    np.testing.assert_array_equal(point_ids(rows[2:3], SALT), ids[2:3])


def test_a_million_points_have_a_million_numbers():
    rows = np.stack(np.meshgrid(np.arange(1000.0), np.arange(1000.0)), axis=2).reshape(-1, 2)
    ids = point_ids(rows, SALT)
    assert len(np.unique(ids)) == len(rows)
    assert (point_ids(rows[:9], "6" * 32) != ids[:9]).all()
    assert (point_ids(rows[:9, ::-1].copy() + 1000.0, SALT) != ids[:9]).all()
    np.testing.assert_array_equal(point_ids(np.array([[-0.0]]), SALT), point_ids(np.array([[0.0]]), SALT))


STRATEGY = """
from admf_ray import Strategy
import {helper}
class Mine(Strategy):
    "Holds."
    def decide(now):
        return {helper}.WEIGHT
"""


def test_the_digest_follows_what_a_users_file_imports(tmp_path, monkeypatch):
    helper = f"helper_{tmp_path.name.replace('-', '_')}"
    monkeypatch.syspath_prepend(tmp_path)

    def digest(weight, text=STRATEGY):
        (tmp_path / f"{helper}.py").write_text(f"WEIGHT = {weight}\n")
        (tmp_path / "mine.py").write_text(text.format(helper=helper))
        sys.modules.pop(helper, None)
        importlib.invalidate_caches()
        (cls,) = import_components(tmp_path / "mine.py")
        return code_digest(cls)

    first = digest(1.0)
    assert digest(1.0) == first
    assert digest(0.5) != first
    assert digest(1.0, STRATEGY.replace('"Holds."', '"Holds on."')) != first


def test_a_moved_file_has_the_same_digest(tmp_path):
    text = STRATEGY.replace("import {helper}\n", "").replace("{helper}.WEIGHT", "1.0")
    digests = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "still.py").write_text(text)
        (cls,) = import_components(tmp_path / folder / "still.py")
        digests.append(code_digest(cls))
        from admf_ray.components.registry import forget

        forget(cls.__module__)
    assert digests[0] == digests[1]


def test_library_and_engine_have_digests_of_their_own():
    assert code_digest(MaCrossover) != code_digest(
        type("Other", (MaCrossover,), {"__module__": MaCrossover.__module__})
    )
    assert set(engine_facts()) == {"sources", "python", "numpy", "numba", "llvmlite"}


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("rules/metrics.py", True),
        ("results/schema.py", True),
        ("components/library/trend.py", False),  # by class
        ("results/frames.py", False),
    ],
)
def test_the_engine_is_what_can_move_a_bit_of_a_row(file, counts):
    before = engine_facts()
    assert engine_facts() == before
    with edited(file):
        assert (engine_facts() != before) == counts
    assert engine_facts() == before


def test_sources_that_are_not_there_are_an_error():
    assert sources_digest("rules") != sources_digest("rules", "errors.py") != sources_digest("errors.py")
    with pytest.raises(FileNotFoundError):
        sources_digest("rules", "nowhere.py")


def test_a_class_without_a_file_cannot_be_named():
    typed = type("Typed", (), {"__module__": "admf_ray_nowhere"})
    with pytest.raises(ComponentError, match="Typed"):
        code_digest(typed)


def test_distinct_numbers_are_ascending():
    assert distinct(np.array([3, -1, 3, 2, -1])).tolist() == [-1, 2, 3]
    assert distinct(np.empty(0, dtype=np.int64)).size == 0
