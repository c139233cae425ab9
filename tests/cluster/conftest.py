"""One lab for all tests here: run them with ``-m cluster``, as root."""

from __future__ import annotations

import glob
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.lab import REPOSITORY, Lab, missing

LEFT = "/tmp/ray_ssh_*"  # where `ray up` keeps its connections, whatever TMPDIR says


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lacks = missing()
    if lacks:
        # hosts cannot be made without root and these programs; who asks for the marker is told which
        pytest.skip(f"needs {', '.join(lacks)}")
    before = set(glob.glob(LEFT))
    made = Lab(tmp_path_factory.mktemp("lab"))
    try:
        made.up()
        yield made
    finally:
        made.down()
        time.sleep(1)
        for one in set(glob.glob(LEFT)) - before:
            shutil.rmtree(one, ignore_errors=True)


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quickstart's run on this machine, without a cluster."""
    out = tmp_path_factory.mktemp("local") / "run"
    program = "from admf_ray.cli import main; main()"
    words = ["run", "configs/quickstart.yaml", "--workers", "1", "--quiet", "--out", str(out)]
    subprocess.run([sys.executable, "-c", program, *words], cwd=REPOSITORY, check=True, timeout=300)
    return out
