"""One Ray for the whole test session, started by the first test that needs it."""

from __future__ import annotations

import fcntl
import gc
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
FOLDER = "ADMF_RAY_TEST_SESSION"
STARTS_WITHIN_S = 120
started: list[int] = []  # Ray's head, which ends with the session, not with whoever started it
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),  # workers import what is tested here, wherever another copy is installed
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_preload_python_modules": "admf_ray.cluster.worker",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

# no test fails because a machine is slow
settings.register_profile("timeless", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("timeless")


def pytest_configure(config):
    # the compiler leaves millions of objects that live on; looking through them was a tenth of the time
    gc.set_threshold(200_000, 50, 1_000)
    if hasattr(config, "workerinput"):
        return  # of pytest-xdist: has the controller's environment
    os.environ.update(ENVIRONMENT)
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="admf_ray_tests_")
    os.environ[f"{FOLDER}_OWNER"] = str(os.getpid())


def pytest_unconfigure(config):
    if hasattr(config, "workerinput") or FOLDER not in os.environ:
        return
    folder = Path(os.environ[FOLDER])
    if (folder / "pid").exists():
        os.kill(int((folder / "pid").read_text()), signal.SIGTERM)
    for head in started:
        os.waitpid(head, 0)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _no_components_of_other_tests():
    """Files that tests wrote may name their classes alike."""
    yield
    from admf_ray.components.registry import forget

    for module in [name for name in sys.modules if name.startswith("admf_ray_user_")]:
        forget(module)


@pytest.fixture(scope="session")
def ray_address():
    """Address of the session's Ray: 2 cores, no dashboard, asks for the token in the environment."""
    folder = Path(os.environ[FOLDER])
    address = folder / "address"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not address.exists():
            words = [sys.executable, "-m", "tests.head", str(address), os.environ[f"{FOLDER}_OWNER"]]
            into = (os.POSIX_SPAWN_OPEN, 1, str(folder / "log"), os.O_WRONLY | os.O_CREAT, 0o600)
            both = (os.POSIX_SPAWN_DUP2, 1, 2)
            head = os.posix_spawn(sys.executable, words, os.environ, file_actions=[into, both], setsid=True)
            started.append(head)
            (folder / "pid").write_text(str(head))
            end = time.monotonic() + STARTS_WITHIN_S
            while not address.exists():
                assert os.waitpid(head, os.WNOHANG) == (0, 0), (folder / "log").read_text()[-2000:]
                assert time.monotonic() < end, "Ray does not start"
                time.sleep(0.1)
    return address.read_text()
