"""What an address names is fetched once, alone and under its own name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from admf_ray.errors import StoreError
from admf_ray.storage import fetched

pytest_plugins = ["tests.away"]


def test_a_path_and_a_file_address_are_not_copied(tmp_path):
    (tmp_path / "a b").write_text("x")
    assert fetched(f"{tmp_path}/a b") == fetched(f"file://{tmp_path}/a%20b") == tmp_path / "a b"
    assert fetched(f"file://{tmp_path}/nowhere") == tmp_path / "nowhere"


def test_a_file_elsewhere_is_copied_once_alone(away):
    (away / "mine.py").write_text("first")
    (away / "neighbour.py").write_text("")
    copy = fetched("away://mine.py")
    (away / "mine.py").write_text("second")
    assert fetched("away://mine.py") == copy
    assert copy.read_text() == "first"
    assert away not in copy.parents
    assert os.listdir(copy.parent) == ["mine.py"]


def test_of_a_folder_elsewhere_the_files_in_it_are_copied(away):
    (away / "many" / "deeper").mkdir(parents=True)
    for name in ("b", "a", "deeper/c"):
        (away / "many" / name).write_text(name)
    copy = fetched("away://many")
    assert copy.name == "many"
    assert {one.name: one.read_text() for one in copy.iterdir()} == {"a": "a", "b": "b"}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("away://nowhere", "must be a file or folder, found nothing there; correct the address"),
        ("away://closed", "must be a folder, or a storage address that answers"),
        ("away://x/*.csv", "must name one file or folder, found a glob; name the folder"),
        ("file:///x/*.csv", "must name one file or folder, found a glob; name the folder"),
        ("file://relative/x", "found Unsupported hostname"),
        ("nowhere://x", "found Unrecognized filesystem type"),
    ],
)
def test_what_cannot_be_fetched_is_one_line_with_the_address(away, monkeypatch, address, said):
    (away / "closed").write_text("x")

    def full(source, target, **_):
        raise OSError(f"Cannot write {target}:\nno space left")

    monkeypatch.setattr("pyarrow.fs.copy_files", full)
    with pytest.raises(StoreError) as caught:
        fetched(address)
    text = str(caught.value)
    assert text.startswith(f"{address}: ")
    assert said in text
    assert "\n" not in text
    assert "/admf_ray_" not in text


ENDS = """
import os, sys, pyarrow.fs as fs
from admf_ray import storage
storage.opened = lambda uri: (fs.SubTreeFileSystem(sys.argv[1], fs.LocalFileSystem()), "x")
copy = storage.fetched("away://x")
child = os.fork()
if not child:
    sys.exit(0)  # as a process ends, with all that is done at its end
os.waitpid(child, 0)
print(copy, copy.read_text())
"""


def test_the_copy_ends_with_its_process_and_not_with_a_forked_one(tmp_path):
    (tmp_path / "x").write_text("whole")
    done = subprocess.run(
        [sys.executable, "-c", ENDS, str(tmp_path)], capture_output=True, text=True, check=True
    )
    copy, text = done.stdout.split()
    assert text == "whole"
    assert not Path(copy).parent.exists()
