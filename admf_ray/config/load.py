"""Configuration in: read, overridden, checked; and out: resolved, hashed, as a schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import admf_ray.components.library
import admf_ray.engine.handlers  # noqa: F401  (both register what configurations may name)
from admf_ray.components.user_files import import_components
from admf_ray.config.base import Model, plain
from admf_ray.config.checks import check_pipeline
from admf_ray.config.grids import BASE_GRID, mount_grid
from admf_ray.config.overrides import override
from admf_ray.config.problems import first_problem
from admf_ray.config.schema import PipelineConfig
from admf_ray.config.spaces import load_space
from admf_ray.config.yaml import Document, read_yaml
from admf_ray.errors import ComponentError, ConfigError, closest

__all__ = ["digest", "load_pipeline", "parse_pipeline", "pipeline_schema"]


def load_pipeline(path: str | Path, overrides: Sequence[str] = ()) -> PipelineConfig:
    """Return a pipeline file as a checked configuration.

    Parameters
    ----------
    path : str or Path
        YAML with the root key ``pipeline``, relative to the working directory.
    overrides : sequence of str
        ``path.to.key=value``, as after ``--set``.

    Raises
    ------
    ConfigError
        ``file:line path: rule, value found, next step``, for the first problem in the file.

    Notes
    -----
    Imports the files under ``strategies``. Paths within stay as written: relative to the working
    directory, not to the file. A grid file's content takes the place of its name, so the result
    stands for itself.
    """
    return _checked(read_yaml(path), overrides)


def parse_pipeline(value: Mapping[str, Any], overrides: Sequence[str] = ()) -> PipelineConfig:
    """Return plain data, such as `PipelineConfig.to_dict` gives, as a checked configuration.

    Raises
    ------
    ConfigError
        As `load_pipeline`, without file and line.
    """
    return _checked(Document(json.loads(json.dumps(value)), {}), overrides)


def _checked(document: Document, overrides: Sequence[str]) -> PipelineConfig:
    for key in document.value:
        if key != "pipeline":
            hint = closest(key, ["pipeline"]) or "; everything stands below 'pipeline:'"
            raise ConfigError(f"{document.place(key)}: unknown key{hint}")
    if not isinstance(document.value.get("pipeline"), dict):
        raise ConfigError(f"{document.place('pipeline')}: must be a mapping of keys, found nothing; add it")
    body = document.below("pipeline")
    if any(f"{BASE_GRID}." in setting.partition("=")[0] for setting in overrides):
        body = mount_grid(body)
    body = mount_grid(override(body, overrides))
    try:
        config = PipelineConfig.model_validate(body.value)
    except ValidationError as error:
        raise first_problem(error, body) from None
    config._document = replace(body, value={})
    for k, file in enumerate(config.strategies):
        try:
            import_components(file)
        except ComponentError as error:
            raise ConfigError(f"{config.place(f'strategies[{k}]')}: {error}") from None
    check_pipeline(config)
    load_space(config)  # refuses a grid that does not fit the components
    return config


def digest(config: Model) -> str:
    """Return the SHA-256 of a resolved configuration or a part of it, as 64 hexadecimal digits.

    Notes
    -----
    Of canonical JSON: keys sorted, defaults included, the pipeline's name left out. The order of keys in
    the file, its comments and the way a value is written (``512MB``, ``512000000``) do not matter; whole
    floats and ints of one key are the same.
    """
    body = plain(config)
    if isinstance(config, PipelineConfig):
        del body["name"]
    text = json.dumps(_canonical(body), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def pipeline_schema() -> dict[str, Any]:
    """Return the JSON Schema of pipeline files, for editors."""
    body = PipelineConfig.model_json_schema(by_alias=True)
    definitions = body.pop("$defs", {})
    definitions["PipelineConfig"] = body
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "admf-ray pipeline",
        "type": "object",
        "properties": {"pipeline": {"$ref": "#/$defs/PipelineConfig"}},
        "required": ["pipeline"],
        "additionalProperties": False,
        "$defs": definitions,
    }
