"""Test data stay closed while phases 1 and 2 work."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from admf_ray.config.schema import PipelineConfig
from admf_ray.market.sealing import overlap, sealed

__all__ = ["closed"]


def closed(config: PipelineConfig) -> AbstractContextManager[None]:
    """Keep the test data closed while the block lasts: loading them raises."""
    if config.phase_3_test is None:
        return nullcontext()
    data = config.phase_3_test.data
    same = overlap(data.source, config.phase_1_mining.data.source)
    return sealed(data.source, data.span[0] if same else None)
