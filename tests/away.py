"""A storage elsewhere, made of a folder: ``away://NAME`` is the file or folder NAME in it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.fs
import pytest

from admf_ray import storage


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder; what was copied from it before is forgotten."""
    folder = tmp_path / "storage elsewhere"
    folder.mkdir()
    plain = storage.opened

    def opened(uri: str) -> tuple[object, str]:
        if not uri.startswith("away://"):
            return plain(uri)
        return pa.fs.SubTreeFileSystem(str(folder), pa.fs.LocalFileSystem()), uri.removeprefix(
            "away://"
        ).partition("?")[0].lstrip("/")

    storage._copied.cache_clear()
    monkeypatch.setattr("admf_ray.storage.opened", opened)
    monkeypatch.setattr("admf_ray.config.yaml.opened", opened)
    return folder
