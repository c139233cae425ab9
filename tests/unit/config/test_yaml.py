import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_ray.config.scalars import parse_bytes, plain_scalar
from admf_ray.config.yaml import key_path, parse_text, read_yaml
from admf_ray.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e5", 1e5),
        ("1.5e-3", 0.0015),
        ("-7", -7),
        ("+7", 7),
        ("007", 7),
        ("0x1F", 31),
        ("0o17", 15),
        (".5", 0.5),
        ("5.", 5.0),
        ("12:30", "12:30"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("1_000", "1_000"),
        ("2014-01-02", "2014-01-02"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("[1, no, {a: 2}]", [1, "no", {"a": 2}]),
        ("1.2.3", "1.2.3"),
    ],
)
def test_core_schema(text, value):
    found = parse_text(text, "here")
    assert found == value
    assert type(found) is type(value)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_back(number):
    assert plain_scalar(repr(number)) == number


BAD = {
    "duplicate": ("a:\n  b: 1\n  c: 2\n  b: 3\n", "f.yaml:4 a.b: each key must stand once"),
    "tag": ("a: 1\nb: !!python/object/apply:os.system [ls]\n", "f.yaml:2: tags are not allowed"),
    "local tag": ("a: !x 1\n", "f.yaml:1: tags are not allowed, found '!x'"),
    "anchor": ("a: &x 1\nb: 2\n", "f.yaml:1: anchors and aliases are not allowed"),
    "merge": ("a: 1\nb:\n  <<: *x\n", "f.yaml:3: anchors and aliases are not allowed"),
    "nan": ("a:\n  - 1\n  - .nan\n", "f.yaml:3 a[1]: must be a finite number, found .nan"),
    "inf": ("a: -.inf\n", "f.yaml:1 a: must be a finite number"),
    "too large": ("a: 1e999\n", "f.yaml:1 a: must be a finite number"),
    "syntax": ("a: 1\nb: [1, 2\nc: 3\n", "f.yaml:3: must be valid YAML"),
    "tab": ("a:\n\tb: 1\n", "f.yaml:2: must be valid YAML"),
    "two documents": ("a: 1\n---\nb: 2\n", "f.yaml:2: must be valid YAML"),
    "empty": ("", "f.yaml: must hold a mapping of keys, found nothing"),
    "comment only": ("# nothing\n", "f.yaml: must hold a mapping of keys, found nothing"),
    "list": ("\n- 1\n", "f.yaml:2: must hold a mapping of keys, found a list"),
    "word": ("hello\n", "f.yaml:1: must hold a mapping of keys, found 'hello'"),
    "number key": ("a:\n  5: x\n", "f.yaml:2 a: keys must be words, found 5"),
    "null key": ("a: 1\n~: x\n", "f.yaml:2: keys must be words, found None"),
    "list key": ("? [1, 2]\n: x\n", "f.yaml:1: keys must be words, found a list or mapping"),
    "control": ("a: 1\nb: \x07\n", "f.yaml:2: must be printable text"),
    "deep": ("a: " + "[" * 1000 + "]" * 1000, "f.yaml:1: must nest at most 32 deep"),
    "bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "f.yaml:1: anchors and aliases are not allowed",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refused_in_one_line(case, tmp_path, monkeypatch):
    text, message = BAD[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml("f.yaml")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_not_utf8(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.yaml").write_bytes("a: 1\nb: Zürich\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"^f.yaml:2: must be UTF-8, found byte 0xfc; save"):
        read_yaml("f.yaml")
    (tmp_path / "f.yaml").write_bytes("a: 1\n".encode("utf-16"))
    with pytest.raises(ConfigError, match="must be UTF-8"):
        read_yaml("f.yaml")
    (tmp_path / "f.yaml").write_bytes("\ufeffa: Zürich\n".encode())
    assert read_yaml("f.yaml").value == {"a": "Zürich"}


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^none.yaml: must be a file, found none; paths are relative"):
        read_yaml("none.yaml")
    with pytest.raises(ConfigError, match="must be a file, found a folder"):
        read_yaml(tmp_path)
    (tmp_path / "f.yaml").write_text("a: '" + "x" * 1_100_000 + "'")
    with pytest.raises(ConfigError, match="must be at most 1,048,576 bytes, found more; split"):
        read_yaml("f.yaml")
    (tmp_path / "f.yaml").write_text("a: 1")
    assert read_yaml((tmp_path / "f.yaml").as_uri()).value == {"a": 1}


def test_lines_of_every_key(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.yaml").write_text("# c\nroot:\n  a:\n    - x: 1\n      risk.y: 2\n    - 3\n  b: {c: 4}\n")
    document = read_yaml("f.yaml")
    below = document.below("root")
    assert below.value == {"a": [{"x": 1, "risk.y": 2}, 3], "b": {"c": 4}}
    assert document.place("root.a[0].risk.y") == "f.yaml:5 root.a[0].risk.y"
    assert below.place("a[1]") == "f.yaml:6 a[1]"
    assert below.place("b.c") == "f.yaml:7 b.c"
    assert below.place("b.missing.deeper") == "f.yaml:7 b.missing.deeper"
    assert below.place("other") == "f.yaml:2 other"


def test_key_paths():
    assert key_path(["a", 0, "b", 1, 2]) == "a[0].b[1][2]"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 512 * 10**6),
        ("512mb", 512 * 10**6),
        ("1GiB", 2**30),
        ("1.5 KiB", 1536),
        ("2G", 2 * 10**9),
        (7, 7),
    ],
)
def test_sizes(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-5MB", "5XB", "0", "0.1B", True, "1e3MB", "5 5MB"])
def test_sizes_refused(text):
    with pytest.raises(ValueError, match="must be"):
        parse_bytes(text)
