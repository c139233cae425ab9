"""The library's indicators as strategies call them: on traced columns or on arrays."""

from __future__ import annotations

from admf_ray.components.tracing import indicator
from admf_ray.rules import indicators as kernels

__all__ = [*kernels.__all__]

globals().update(
    {name: indicator(getattr(kernels, name), across=name == "cross_rank") for name in kernels.__all__}
)
