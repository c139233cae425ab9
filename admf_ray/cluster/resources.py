"""How many containers may live at once, by count and by measured memory."""

from __future__ import annotations

import math
import os

from admf_ray.errors import ResourceError

__all__ = ["ContainerResourceManager"]

HEADROOM = 0.8
ASSUMED_GB = 0.5  # of a container of which nothing was measured yet


class ContainerResourceManager:
    """Admits containers while there is room.

    Parameters
    ----------
    max_containers : int
        Cap over the whole cluster.
    max_memory_gb : float
        Memory that containers may take together, in gigabytes of 10^9 bytes.
    cores : int, optional
        Cores that containers may use; this machine's by default.

    Attributes
    ----------
    active_containers : dict of str to float
        Measured memory of each live container in gigabytes.

    Notes
    -----
    Belongs to one thread. Fed by what workers measure of themselves; it asks nobody.

    Examples
    --------
    >>> manager = ContainerResourceManager(max_containers=2, max_memory_gb=4)
    >>> manager.opened("a", 1.0)
    >>> manager.opened("b", 2.5)
    >>> manager.can_create_container()
    False
    """

    def __init__(
        self, max_containers: int = 100, max_memory_gb: float = 16, cores: int | None = None
    ) -> None:
        if max_containers < 1 or max_memory_gb <= 0:
            raise ResourceError(
                f"ContainerResourceManager: must allow a container and some memory, found {max_containers} "
                f"and {max_memory_gb} GB; raise them"
            )
        self.max_containers = max_containers
        self.max_memory_gb = max_memory_gb
        self.active_containers: dict[str, float] = {}
        self._cores = cores or os.cpu_count() or 1
        self._largest_gb = 0.0

    def opened(self, name: str, memory_gb: float = 0.0) -> None:
        """Take in a container, or a new measurement of one."""
        self.active_containers[name] = memory_gb
        self._largest_gb = max(self._largest_gb, memory_gb)

    def closed(self, name: str) -> None:
        """Let go of a container; one that is not there is no error."""
        self.active_containers.pop(name, None)

    def can_create_container(self) -> bool:
        """Tell whether one more container has room: by count, and below four fifths of the memory."""
        room = self._get_total_memory_usage() < self.max_memory_gb * HEADROOM
        return len(self.active_containers) < self.max_containers and room

    def optimize_batch_size(self) -> int:
        """Return how many containers to run at once, at least 1.

        Notes
        -----
        The cores, or as many as the memory left over holds at the largest size measured so far (half a
        gigabyte before anything was measured); never more than `max_containers`.
        """
        available_gb = self.max_memory_gb * HEADROOM - self._get_total_memory_usage()
        more = math.floor(available_gb / (self._largest_gb or ASSUMED_GB))
        return max(min(self._cores, self.max_containers, len(self.active_containers) + more), 1)

    def _get_total_memory_usage(self) -> float:
        """Return the measured memory of all live containers in gigabytes."""
        return sum(self.active_containers.values())
