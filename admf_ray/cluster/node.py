"""Whether a node gives the rows that the driver asks for: its files, package, code and processor."""

from __future__ import annotations

import os

from admf_ray.cluster.canary import canary
from admf_ray.cluster.jobs import Job, Shared
from admf_ray.engine.stack import Stack
from admf_ray.errors import ResourceError
from admf_ray.results.identity import code_digest, engine_facts
from admf_ray.storage import fetched

__all__ = ["check_code", "check_node"]


def check_node(shared: Shared) -> None:
    """Refuse a node that would compute something else, or write where the driver does not read.

    Raises
    ------
    ResourceError
        Says which node, and what it lacks.
    """
    node = os.uname().nodename
    if shared.store.is_local and not shared.store.exists("points"):
        raise ResourceError(
            f"{node}: must see the run at {shared.store.uri}, found nothing; choose an --out on a disk "
            f"that all nodes share, or on object storage"
        )
    for file in shared.files:
        if not fetched(file).is_file():
            raise ResourceError(
                f"{node}: must have {file}, found none; submit the run as a job with --working-dir, and name "
                f"files relative to it"
            )
    here = engine_facts()
    for job in shared.jobs:
        other = [name for name, value in job.context.engine.items() if here.get(name) != value]
        if other:
            raise ResourceError(
                f"{node}: must have the driver's package, found other {', '.join(other)}; install the same "
                f"wheel on every node"
            )
    found = canary()
    if found != shared.canary:
        raise ResourceError(
            f"{node}: must compute the driver's bits, found others ({found} for {shared.canary}); use "
            f"nodes with one kind of processor and the same package versions"
        )


def check_code(job: Job, stack: Stack) -> None:
    """Refuse a node whose components are not the driver's.

    Raises
    ------
    ResourceError
        Says which node, and which strategy.
    """
    if code_digest(*(cls for _, cls in stack.classes)) != job.context.code:
        raise ResourceError(
            f"{os.uname().nodename}: must have the driver's code of {stack.strategy.label()} and what it "
            f"imports, found other; bring the same files to every node"
        )
