"""``--set path.to.key=value``: change a loaded file before it is checked."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from admf_ray.config.base import Model, model_within, shown
from admf_ray.config.schema import PipelineConfig
from admf_ray.config.yaml import OVERRIDDEN, Document, key_path, parse_text
from admf_ray.errors import ConfigError, closest

__all__ = ["override"]

# Below these keys stand parameters, whose full names have dots: risk.stop_loss_frac.
_BY_FULL_NAME = ("params", "parameters", "grid")


def override(document: Document, settings: Sequence[str]) -> Document:
    """Return the document with values set.

    Parameters
    ----------
    document : Document
        What stands under ``pipeline``.
    settings : sequence of str
        ``path=value``; the value is read as YAML, so ``5`` is a number and ``[a, b]`` a list. An item of a
        list is named by position, ``container_components[2]``, or by its name,
        ``container_components.portfolio``. The leading ``pipeline.`` may be left out.

    Raises
    ------
    ConfigError
        When the path is unknown, with the closest match, or the value is no YAML.
    """
    value, origins = copy.deepcopy(document.value), dict(document.origins)
    for setting in settings:
        path, sign, text = setting.partition("=")
        parts = _parts(path)
        if not sign or not parts:
            raise ConfigError(
                f"{OVERRIDDEN} {setting}: must be path=value, found '{setting}'; write e.g. name=test"
            )
        new = parse_text(text, f"{OVERRIDDEN} {path}")
        for known in _put(value, parts, new):
            origins = {p: o for p, o in origins.items() if not p.startswith((f"{known}.", f"{known}["))}
            origins[known] = OVERRIDDEN
    return replace(document, value=value, origins=origins)


def _parts(path: str) -> list[str | int]:
    found = re.findall(r"[^.\[\]]+", path.strip())
    parts: list[str | int] = [int(part) if part.isdigit() else part for part in found]
    return parts[1:] if parts[:1] == ["pipeline"] else parts


def _put(root: dict[str, Any], parts: list[str | int], new: Any) -> list[str]:
    """Set the value and return the key paths that were written."""
    here: Any = root
    model: type[Model] | None = PipelineConfig
    taken: list[str | int] = []
    written: list[str] = []
    part: Any
    for k, part in enumerate(parts):
        last = k == len(parts) - 1
        if isinstance(here, list):
            part = _position(here, part, taken)
        elif model is not None:
            model = _known(model, str(part), [*taken, part])
        elif not isinstance(part, str):
            part = str(part)
        if model is None and isinstance(here, dict) and not last:
            joined = ".".join(str(p) for p in parts[k:])
            named = taken[-1] in _BY_FULL_NAME and part not in here
            if joined in here or named:
                part, last = joined, True
        taken.append(part)
        if last:
            here[part] = new
            return [*written, key_path(taken)]
        child = here[part] if isinstance(here, list) else here.get(part)
        if child is None:
            child = {}
            written.append(key_path(taken))
        elif part == "data" and isinstance(child, str):
            child = {"source": child}
        elif not isinstance(child, (dict, list)):
            raise ConfigError(
                f"{OVERRIDDEN} {key_path(parts)}: must be below a mapping, found {shown(child)}; "
                f"set {key_path(taken)} itself"
            )
        here[part] = child
        here = child
    return written


def _known(model: type[Model], part: str, path: list[str | int]) -> type[Model] | None:
    """Return the model below a key, or None where keys are free."""
    for name, field in model.model_fields.items():
        if part == (field.alias or name):
            return model_within(field.annotation) or _from_metadata(field.metadata)
    hint = closest(part, model.keys_known()) or f"; known: {', '.join(model.keys_known())}"
    raise ConfigError(f"{OVERRIDDEN} {key_path(path)}: unknown key{hint}")


def _from_metadata(metadata: Sequence[Any]) -> type[Model] | None:
    for item in metadata:
        found = model_within(item)
        if found is not None:
            return found
    return None


def _position(items: list[Any], part: str | int, taken: list[str | int]) -> int:
    names = [str(one.get("name")) for one in items if isinstance(one, dict) and "name" in one]
    if isinstance(part, int):
        if part < len(items):
            return part
        raise ConfigError(
            f"{OVERRIDDEN} {key_path([*taken, part])}: must be below {len(items)}, found {part}; 0 is first"
        )
    for k, one in enumerate(items):
        if isinstance(one, dict) and one.get("name") == part:
            return k
    hint = closest(part, names) or f"; known: {', '.join(names) or f'0 to {len(items) - 1}'}"
    raise ConfigError(f"{OVERRIDDEN} {key_path([*taken, part])}: no item of that name{hint}")
