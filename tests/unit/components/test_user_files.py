"""Users' own files: imported when named, and what is wrong with them is one line."""

import pytest

from admf_ray.components.registry import find
from admf_ray.components.user_files import import_components
from admf_ray.errors import ADMFError, ComponentError

GOOD = """
from admf_ray import Strategy

class Mine_{n}(Strategy):
    "Always long."
    def decide(p):
        return 1.0
"""


def test_a_class_is_found_under_its_own_name(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(GOOD.format(n=1))
    (cls,) = import_components(file)
    assert find("Mine_1", "strategy") is cls


def test_a_file_read_again_takes_the_place_of_the_first(tmp_path):
    file = tmp_path / "again.py"
    file.write_text(GOOD.format(n=2))
    (first,) = import_components(file)
    file.write_text(GOOD.format(n=2).replace("1.0", "0.5 * 1"))
    (second,) = import_components(file)
    assert find("Mine_2") is second is not first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "must define a component, found none"),
        ("import nothing_of_the_kind\n", r":1: does not import, ModuleNotFoundError"),
        ("\n\n1/0\n", r":3: does not import, ZeroDivisionError"),
        ("def broken(:\n", r":1: does not import, SyntaxError"),
        (
            "from admf_ray import Strategy\nclass A(Strategy):\n  'x'\n  def decide(noww, p): return 1.0\n",
            "did you mean 'now'",
        ),
        (
            "from admf_ray import Strategy, register\n@register('x')\nclass NoDoc(Strategy):\n  pass\n",
            "docstring",
        ),
        (
            "from admf_ray import Strategy, register\n@register('ma_crossover')\nclass B(Strategy):\n  'x'\n",
            "the name is taken",
        ),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, text, message):
    file = tmp_path / "bad.py"
    file.write_text(text)
    with pytest.raises(ADMFError, match=message) as caught:
        import_components(file)
    assert "\n" not in str(caught.value)


def test_a_file_must_exist():
    with pytest.raises(ComponentError, match="existing Python file"):
        import_components("nowhere.py")
