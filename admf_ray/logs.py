"""Logging: quiet unless asked, and every record says which container and point it speaks of."""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

__all__ = ["Logger", "configure", "get_logger", "identity"]

FORMAT = "%(levelname)s %(name)s [%(container)s %(point)s] %(message)s"
LEVELS = (logging.INFO, logging.DEBUG)

_root = logging.getLogger("admf_ray")
_root.addHandler(logging.NullHandler())


class _Identity(NamedTuple):
    container: str = "-"
    point: str = "-"


# one per thread and task, so that containers on several threads never mix their names up
_identity: ContextVar[_Identity] = ContextVar("admf_ray_identity", default=_Identity())  # noqa: B039 - immutable


class Logger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose records carry ``container`` and ``point``, whichever handler they meet."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the identity to the record's attributes."""
        kwargs["extra"] = {**_identity.get()._asdict(), **(kwargs.get("extra") or {})}
        return msg, kwargs


def get_logger(name: str) -> Logger:
    """Return the logger of a module.

    Parameters
    ----------
    name : str
        The module's ``__name__``.
    """
    return Logger(logging.getLogger(name), {})


@contextmanager
def identity(*, container: str | None = None, point: str | None = None) -> Iterator[None]:
    """Name the container or the point that records within the block speak of.

    Parameters
    ----------
    container, point : str, optional
        What is left out stays as it was outside.

    Notes
    -----
    Held by the thread (or task) that entered the block; a thread started inside begins without it.
    """
    outer = _identity.get()
    inner = _Identity(
        outer.container if container is None else container, outer.point if point is None else point
    )
    token = _identity.set(inner)
    try:
        yield
    finally:
        _identity.reset(token)


def configure(verbosity: int) -> None:
    """Show records on standard error.

    Parameters
    ----------
    verbosity : int
        0 shows nothing, 1 from INFO up, 2 and more from DEBUG up: the number of ``-v``.

    Notes
    -----
    Calling it again replaces the earlier choice. Handlers that others installed are left alone.
    """
    for handler in [one for one in _root.handlers if isinstance(one, _Console)]:
        _root.removeHandler(handler)
    _root.setLevel(logging.NOTSET)
    if verbosity > 0:
        _root.setLevel(LEVELS[min(verbosity, len(LEVELS)) - 1])
        _root.addHandler(_Console())


class _Console(logging.StreamHandler[Any]):
    """Standard error, with the identity added to records that came without one."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(FORMAT))

    def handle(self, record: logging.LogRecord) -> bool:
        for name, value in _identity.get()._asdict().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return super().handle(record)
