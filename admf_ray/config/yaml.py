"""YAML, strictly: no duplicate keys, tags, anchors or guesses, and the line of every key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from admf_ray.config.scalars import plain_scalar
from admf_ray.errors import ConfigError, StoreError
from admf_ray.storage import is_address, opened

__all__ = ["Document", "key_path", "parse_text", "read_text", "read_yaml"]

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
OVERRIDDEN = "--set"  # where a value stands that the command line gave

KeyPath = Sequence[str | int]


def key_path(parts: KeyPath) -> str:
    """Return a key path as it stands in error messages.

    Examples
    --------
    >>> key_path(["phase_1_mining", "container_components", 2, "params"])
    'phase_1_mining.container_components[2].params'
    """
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


@dataclass(frozen=True)
class Document:
    """What a YAML file holds, and where.

    Parameters
    ----------
    value : dict
        Plain dicts, lists, strings, numbers, booleans and None.
    origins : mapping of str to str
        ``file:line`` by key path; ``""`` is the whole.
    mounts : tuple of str
        Key paths below which another file stands; its errors name the path within that file.
    """

    value: dict[str, Any]
    origins: Mapping[str, str]
    mounts: tuple[str, ...] = ()

    def place(self, path: str) -> str:
        """Return ``file:line path``, by the nearest key above where the path itself is not in the file."""
        above = path
        while above not in self.origins and above:
            above = re.sub(r"(\.?[^.\[\]]*|\[\d+\])$", "", above)
        origin = self.origins.get(above, "")
        for mount in self.mounts if origin != OVERRIDDEN else ():
            path = path.removeprefix(f"{mount}.")
        return f"{origin} {path}".strip()

    def below(self, key: str) -> Document:
        """Return the part under a top-level key, with paths from there."""
        origins = {"": self.origins.get(key, self.origins.get("", ""))}
        for path, origin in self.origins.items():
            if path.startswith((f"{key}.", f"{key}[")):
                origins[path.removeprefix(key).removeprefix(".")] = origin
        return Document(self.value[key], origins)


class _Loader(yaml.SafeLoader):
    """Composes nodes only; refuses what lets a small file become something else."""

    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event = self.peek_event()
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _Refused(event.start_mark.line, "anchors and aliases are not allowed; write the value out")
        if getattr(event, "tag", None) is not None:
            raise _Refused(event.start_mark.line, f"tags are not allowed, found '{event.tag}'; remove it")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Refused(event.start_mark.line, f"must nest at most {MAX_DEPTH} deep; flatten it")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Refused(Exception):  # noqa: N818
    """A rule broken at a line, counted from 0."""

    def __init__(self, line: int, text: str, path: str = "") -> None:
        super().__init__(text)
        self.line, self.text, self.path = line, text, path


def read_text(path: str | Path) -> str:
    """Return a UTF-8 file's text, from disk or a ``pyarrow.fs`` URI.

    Raises
    ------
    ConfigError
        When it cannot be read, is too large or not UTF-8.
    """
    try:
        if is_address(str(path)):
            system, name = opened(str(path))
            with system.open_input_stream(name) as stream:
                raw = stream.read(MAX_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
    except StoreError as error:
        raise ConfigError(str(error)) from None
    except FileNotFoundError:
        hint = f"paths are relative to the working directory, {Path.cwd()}"
        if is_address(str(path)):
            hint = "correct the address"
        raise ConfigError(f"{path}: must be a file, found none; {hint}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: must be a file, found a folder; name a file in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ConfigError(f"{path}: must be readable, found '{reason}'; check the path") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: must be at most {MAX_BYTES:,} bytes, found more; split it")
    try:
        return bytes(raw).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = bytes(raw).count(b"\n", 0, error.start) + 1
        found = f"byte 0x{raw[error.start]:02x}"
        raise ConfigError(f"{path}:{line}: must be UTF-8, found {found}; save it as UTF-8") from None


def read_yaml(path: str | Path) -> Document:
    """Return a YAML file whose root is a mapping.

    Parameters
    ----------
    path : str or Path
        A file, relative to the working directory, or a ``pyarrow.fs`` URI.

    Raises
    ------
    ConfigError
        One line with file and line number, for whatever is wrong.
    """
    value, origins = _parse(read_text(path), str(path))
    if value is None:
        raise ConfigError(f"{path}: must hold a mapping of keys, found nothing; write some")
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else repr(value)[:60]
        raise ConfigError(f"{origins['']}: must hold a mapping of keys, found {kind}; write 'key: value'")
    return Document(value, origins)


def parse_text(text: str, where: str) -> Any:
    """Return the value of a piece of YAML, such as the right side of ``--set key=value``.

    Raises
    ------
    ConfigError
        When it breaks a rule.
    """
    try:
        return _parse(text, where)[0]
    except ConfigError as error:
        message = str(error).removeprefix(where)
        raise ConfigError(where + re.sub(r"^:1\b", "", message)) from None


def _parse(text: str, name: str) -> tuple[Any, dict[str, str]]:
    origins = {"": f"{name}:1"}
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        if node is None:
            return None, origins
        origins[""] = f"{name}:{node.start_mark.line + 1}"
        return _value(node, (), name, origins), origins
    except _Refused as refused:
        raise ConfigError(
            f"{name}:{refused.line + 1} {refused.path}".rstrip() + f": {refused.text}"
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{name}:{line}: must be printable text, found character {error.character!r}; remove it"
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = " ".join((error.problem or error.context or "unreadable").split())
        raise ConfigError(f"{name}:{line}: must be valid YAML, found: {problem}; mend the syntax") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ConfigError(f"{name}:1: must be valid YAML, found: {reason}; mend the syntax") from None


def _value(node: Node, path: tuple[str | int, ...], name: str, origins: dict[str, str]) -> Any:
    line = node.start_mark.line
    if isinstance(node, ScalarNode):
        if node.style is not None:
            return node.value
        try:
            return plain_scalar(node.value)
        except ValueError as error:
            raise _Refused(line, f"{error}, found {node.value}; write one", key_path(path)) from None
    if isinstance(node, SequenceNode):
        items = []
        for k, child in enumerate(node.value):
            origins[key_path((*path, k))] = f"{name}:{child.start_mark.line + 1}"
            items.append(_value(child, (*path, k), name, origins))
        return items
    assert isinstance(node, MappingNode)
    found: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, child in node.value:
        line = key_node.start_mark.line
        key = _value(key_node, path, name, {}) if isinstance(key_node, ScalarNode) else key_node.value
        if not isinstance(key, str) or not key:
            shown = "a list or mapping" if isinstance(key, list) else repr(key)
            raise _Refused(line, f"keys must be words, found {shown}; quote or rename it", key_path(path))
        here = key_path((*path, key))
        if key in found:
            raise _Refused(
                line, f"each key must stand once, found again after line {lines[key] + 1}; remove one", here
            )
        lines[key] = line
        origins[here] = f"{name}:{line + 1}"
        found[key] = _value(child, (*path, key), name, origins)
    return found
