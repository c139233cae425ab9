"""The result does not know how it was computed."""

import pytest

from tests.searching import bits, pipeline, search, stored, traded
from tests.serial import serial


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("bits")


@pytest.fixture(scope="module")
def alone(place):
    with serial():
        search(pipeline(place), place / "alone")
    return bits(stored(place / "alone"))


def test_ray(place, alone, ray_address):
    a = search(pipeline(place), place / "one", address=ray_address, workers=1)
    b = search(pipeline(place, execution={"tile_points": 30}), place / "two", address=ray_address, workers=2)
    assert bits(stored(place / "one")) == alone
    assert bits(stored(place / "two")) == alone
