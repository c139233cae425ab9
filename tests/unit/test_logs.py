"""Logging is quiet, and each record names container and point."""

import logging
import subprocess
import sys
import threading

import pytest

from admf_ray import logs


@pytest.fixture(autouse=True)
def _quiet_again():
    yield
    logs.configure(0)


def test_the_library_alone_prints_nothing():
    code = "from admf_ray import logs; logs.get_logger('admf_ray.x').error('loud')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, check=True)
    assert done.stdout + done.stderr == b""


@pytest.mark.parametrize(
    ("verbosity", "shown"), [(0, []), (1, ["info", "error"]), (2, ["debug", "info", "error"])]
)
def test_verbosity(capsys, verbosity, shown):
    logs.configure(2)
    logs.configure(verbosity)
    log = logs.get_logger("admf_ray.x")
    for level in ("debug", "info", "error"):
        getattr(log, level)(level)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[-1] for line in lines] == shown


def test_records_carry_container_and_point(caplog):
    log = logs.get_logger("admf_ray.x")
    with caplog.at_level(logging.INFO, logger="admf_ray"):
        log.info("outside")
        with logs.identity(point="fast=5"):
            with logs.identity(container="c#1"):
                log.info("inside %s", 1, extra={"more": 2})
            log.info("after")
    found = [(r.container, r.point, r.getMessage()) for r in caplog.records]
    assert found == [("-", "-", "outside"), ("c#1", "fast=5", "inside 1"), ("-", "fast=5", "after")]
    assert caplog.records[1].more == 2


def test_the_console_names_them_also_for_records_of_plain_loggers(capsys):
    logs.configure(1)
    with logs.identity(container="c#1", point="p"):
        logging.getLogger("admf_ray.user").info("hello")
    assert capsys.readouterr().err == "INFO admf_ray.user [c#1 p] hello\n"


def test_threads_do_not_mix_their_identities(caplog):
    log = logs.get_logger("admf_ray.x")
    meet = threading.Barrier(2)

    def work(name):
        with logs.identity(container=name):
            meet.wait(10)
            log.error(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((r.container, r.getMessage()) for r in caplog.records) == [("a", "a"), ("b", "b")]


def test_an_identity_ends_with_its_block_also_after_an_error(caplog):
    with pytest.raises(ZeroDivisionError), logs.identity(container="c"):
        raise ZeroDivisionError
    logs.get_logger("admf_ray.x").error("later")
    assert caplog.records[-1].container == "-"
