"""``admf-ray schema``: pipeline files for editors."""

from __future__ import annotations

import json

import click

from admf_ray.config.load import pipeline_schema

__all__ = ["schema"]


@click.command()
def schema() -> None:
    """Print the JSON Schema of pipeline files."""
    click.echo(json.dumps(pipeline_schema(), indent=2))
