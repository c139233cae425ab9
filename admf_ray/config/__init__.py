"""Configuration: strict YAML in, frozen typed models out, every error with its line."""

from admf_ray.config.grids import grid_of, load_grid
from admf_ray.config.load import digest, load_pipeline, parse_pipeline, pipeline_schema
from admf_ray.config.schema import PipelineConfig
from admf_ray.config.spaces import fixed_of, load_space, search_of, stack_of, variant_of

__all__ = [
    "PipelineConfig",
    "digest",
    "fixed_of",
    "grid_of",
    "load_grid",
    "load_pipeline",
    "load_space",
    "parse_pipeline",
    "pipeline_schema",
    "search_of",
    "stack_of",
    "variant_of",
]
