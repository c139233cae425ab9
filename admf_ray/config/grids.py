"""The parameter grid: a file of its own, or a part of the pipeline's."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from admf_ray.config.schema import PipelineConfig
from admf_ray.config.yaml import Document, read_yaml
from admf_ray.errors import ConfigError
from admf_ray.space.grid import Grid, parse_grid

__all__ = ["BASE_GRID", "grid_of", "load_grid", "mount_grid"]

BASE_GRID = "phase_1_mining.parameter_search.base_grid"


def load_grid(path: str | Path) -> Grid:
    """Return a parameter grid file, before its parameters are known.

    Raises
    ------
    ConfigError
        ``file:line path: rule, value found, next step``.
    """
    document = read_yaml(path)
    return parse_grid(document.value, "", document.place)


def grid_of(config: PipelineConfig) -> Grid:
    """Return the pipeline's parameter grid.

    Raises
    ------
    ConfigError
        When it is malformed.
    """
    grid = config.phase_1_mining.parameter_search.base_grid
    return load_grid(grid) if isinstance(grid, str) else parse_grid(grid, BASE_GRID, config.place)


def mount_grid(document: Document) -> Document:
    """Return a pipeline's document with the grid file it names in the file's place.

    Parameters
    ----------
    document : Document
        What stands under ``pipeline``.

    Raises
    ------
    ConfigError
        When the file cannot be read.

    Notes
    -----
    A resolved configuration holds its grid, so that its digest changes when the grid does.
    """
    search: Any = document.value
    for key in BASE_GRID.split(".")[:-1]:
        search = search.get(key) if isinstance(search, dict) else None
    name = search.get("base_grid") if isinstance(search, dict) else None
    if not isinstance(name, str) or not name:
        return document
    try:
        grid = read_yaml(name)
    except ConfigError as error:
        where = f"{name}: "
        if not str(error).startswith(where):
            raise
        text = str(error).removeprefix(where)
        raise ConfigError(f"{document.place(BASE_GRID)}: '{name}' {text}") from None
    value, origins = copy.deepcopy(document.value), dict(document.origins)
    value["phase_1_mining"]["parameter_search"]["base_grid"] = grid.value
    origins.update({f"{BASE_GRID}.{path}": origin for path, origin in grid.origins.items() if path})
    return Document(value, origins, (BASE_GRID,))
