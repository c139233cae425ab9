"""What a command takes as a place: a file or folder of this machine, or a storage address as well."""

from __future__ import annotations

from pathlib import Path

import click

from admf_ray.errors import ConfigError

__all__ = ["ADDRESS", "LOCAL"]


class _Address(click.ParamType[str]):
    """A path or an address of a storage, as it was written."""

    name = "path"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse a place without a name, which would mean the working directory."""
        if not value.strip():
            raise ConfigError(f"{_said(param)}: must name a file or folder, found nothing; name one")
        if "\0" in value:
            raise ConfigError(f"{_said(param)}: must be a path, found one with a NUL character; correct it")
        return value


class _Local(click.ParamType[Path]):
    """A path on this machine."""

    name = "path"

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Refuse a storage address too, of which a path would make a folder named ``s3:``."""
        text = ADDRESS.convert(str(value), param, ctx)
        if "://" in text:
            raise ConfigError(
                f"{_said(param)}: must be a path on this machine, found {text}; only a run's folder, data, "
                f"grids and strategies may stand at an address"
            )
        return Path(text)


def _said(param: click.Parameter | None) -> str:
    if param is None:
        return "path"
    return (
        param.opts[0]
        if isinstance(param, click.Option)
        else param.make_metavar(click.get_current_context()).strip("[].")
    )


ADDRESS = _Address()
LOCAL = _Local()
