"""The scoped container: an island with its own components and bus, sharing only what is read-only."""

from admf_ray.engine.container.scoped import ScopedContainer

__all__ = ["ScopedContainer"]
