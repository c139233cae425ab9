"""The package as another version of it would be: one of its sources reads differently."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import admf_ray
from admf_ray.results.identity import engine_facts, sources_digest


@contextmanager
def edited(file: str) -> Iterator[None]:
    """Read a source of the package, named from its root, with a line more while the block lasts."""
    target, read = Path(admf_ray.__file__).parent / file, Path.read_bytes
    assert target.is_file()

    def more(self: Path) -> bytes:
        return read(self) + b"# edited\n" * (self == target)

    for one in (engine_facts, sources_digest):
        one.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", more)
        yield
    for one in (engine_facts, sources_digest):
        one.cache_clear()
