"""The library's strategies and filters."""

from admf_ray.components.library import trend

__all__ = ["trend"]
