"""A file is whole or not there."""

import os

import pytest

from admf_ray.errors import StoreError
from admf_ray.files import usable_folder, written_whole


def test_it_appears_at_the_end_and_replaces_the_old_one(tmp_path):
    path = tmp_path / "new" / "file"
    for content in (b"first", b"second"):
        before = path.read_bytes() if path.exists() else None
        with written_whole(path) as file:
            file.write(content)
            file.flush()
            assert (path.read_bytes() if path.exists() else None) == before
        assert path.read_bytes() == content
    assert [one.name for one in path.parent.iterdir()] == ["file"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail():
        with written_whole(path) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_its_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    with written_whole(tmp_path / "whole"):
        pass
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "folder").mkdir()

    def write():
        with written_whole(tmp_path / "folder") as file:
            file.write(b"x")

    with pytest.raises(StoreError, match=r"folder: must be writable, found .*; choose another place"):
        write()
    assert os.listdir(tmp_path) == ["folder"]


def test_a_folder_is_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (".", "..", tmp_path):
        with pytest.raises(StoreError, match="must be writable, found a folder"), written_whole(place):
            pass
    assert not list(tmp_path.iterdir())


def test_a_folder_is_asked_for_before_the_work(tmp_path):
    assert usable_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert not list(tmp_path.iterdir()), "what is refused later leaves no empty folders"
    assert usable_folder(tmp_path) == tmp_path
    assert tmp_path.is_dir()
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    for bad in (tmp_path / "file", tmp_path / "file" / "below", "/dev/null", "/proc/none"):
        with pytest.raises(StoreError, match="must be a folder to write to"):
            usable_folder(bad)
