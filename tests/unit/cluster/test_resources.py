"""`ContainerResourceManager` as the specification has it."""

import inspect

import pytest

from admf_ray.cluster.resources import ContainerResourceManager
from admf_ray.errors import ResourceError


def test_the_specification_s_defaults():
    manager = ContainerResourceManager()
    assert (manager.max_containers, manager.max_memory_gb, manager.active_containers) == (100, 16, {})
    assert list(inspect.signature(ContainerResourceManager).parameters)[:2] == [
        "max_containers", "max_memory_gb",
    ]  # fmt: skip


def test_count_and_four_fifths_of_the_memory_bound_what_is_created():
    manager = ContainerResourceManager(max_containers=3, max_memory_gb=10)
    manager.opened("a", 4.0)
    manager.opened("b", 3.9)
    assert manager._get_total_memory_usage() == pytest.approx(7.9)
    assert manager.can_create_container(), "7.9 < 10 x 0.8"
    manager.opened("b", 4.0)
    assert not manager.can_create_container(), "8.0 is not below 8.0"
    manager.closed("b")
    assert manager.can_create_container()
    manager.opened("b")
    manager.opened("c")
    assert not manager.can_create_container(), "three of three"


def test_concurrency_follows_measured_memory():
    manager = ContainerResourceManager(max_containers=100, max_memory_gb=10, cores=64)
    assert manager.optimize_batch_size() == 16, "half a gigabyte each before anything is measured"
    manager.opened("a", 2.0)
    assert manager.optimize_batch_size() == 1 + 3, "6 GB left hold three of 2 GB"
    manager.opened("b", 8.0)
    assert manager.optimize_batch_size() == 1, "never none"
    manager.closed("b")
    assert manager.optimize_batch_size() == 1, "one has been that large, so another may be"


@pytest.mark.parametrize(("most", "cores", "expected"), [(100, 3, 3), (2, 8, 2)])
def test_concurrency_is_bounded_by_cores_and_cap(most, cores, expected):
    assert ContainerResourceManager(most, 1_000, cores).optimize_batch_size() == expected


def test_closing_what_is_not_open_is_no_error():
    manager = ContainerResourceManager()
    manager.closed("nobody")
    assert manager.active_containers == {}


@pytest.mark.parametrize("bad", [(0, 16), (5, 0)])
def test_nothing_allowed_is_refused(bad):
    with pytest.raises(ResourceError, match="must allow a container and some memory"):
        ContainerResourceManager(*bad)
