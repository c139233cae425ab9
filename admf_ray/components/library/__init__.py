"""The library's strategies and filters."""

from admf_ray.components.library import basic, cross_section, filters, reversion, trend

__all__ = ["basic", "cross_section", "filters", "reversion", "trend"]
