"""Long replays kept at intervals, so that a later run of the same point goes on where the last one ended."""

from __future__ import annotations

import hashlib
import io
import pickle
import platform
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from admf_ray.engine.stack import Stack
from admf_ray.errors import StoreError
from admf_ray.files import written_whole
from admf_ray.logs import get_logger
from admf_ray.market import Bars, Window

__all__ = ["Checkpoints", "Keeper"]

HEAD = b"admf_ray checkpoint 1\n"

log = get_logger(__name__)


class Checkpoints:
    """Where replays are kept, and how often.

    Parameters
    ----------
    folder : str or Path
        One run's; made when it is not there. Whoever can write to it can have code run: files are pickles.
    every_s : float
        Seconds of replay between two.

    Notes
    -----
    A file is named by the bars, the window, the point, the text of its components' modules and the
    versions. Modules that those import are the caller's care: another folder for another run.
    """

    def __init__(self, folder: str | Path, every_s: float) -> None:
        self.folder = Path(folder)
        self.every_s = every_s

    def keeper(self, bars: Bars, stack: Stack, row: Any, window: Window, train: Window | None) -> Keeper:
        """Return what keeps one point over one window."""
        hasher = hashlib.blake2b(digest_size=16)
        versions = (platform.python_version(), np.__version__)
        shown = repr((versions, bars.content_hash, window, train, np.asarray(row).tobytes()))
        hasher.update(shown.encode())
        for _, cls in stack.classes:
            hasher.update(f"{cls.__module__}.{cls.__qualname__}".encode())
            hasher.update(_source(cls.__module__))
        return Keeper(self.folder / f"{hasher.hexdigest()}.checkpoint", self.every_s, stack.strategy.label())


class Keeper:
    """One replay's checkpoint.

    Parameters
    ----------
    path : Path
    every_s : float
    label : str
        The strategy's, for the log.

    Attributes
    ----------
    parts : mapping of str to object
        Components whose attributes are kept with the replay.
    known : mapping of str to object
        What they may refer to and is there again when the replay goes on: bars, view, container, bus.
    """

    def __init__(self, path: Path, every_s: float, label: str) -> None:
        self.path, self.every_s, self.label = path, every_s, label
        self.parts: Mapping[str, Any] = {}
        self.known: Mapping[str, Any] = {}
        self.began = self.gave_up = False
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time to keep the replay."""
        return not self.gave_up and time.monotonic() - self._last >= self.every_s

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep a replay's state and its components'; what cannot be pickled or written is not kept."""
        self._last = time.monotonic()
        parts = {
            name: {k: v for k, v in vars(part).items() if k != "container_id"}
            for name, part in self.parts.items()
        }
        buffer = io.BytesIO()
        try:
            _Pickler(buffer, {**self.known, **self.parts}).dump((dict(state), parts))
            with written_whole(self.path) as file:
                file.write(_head(self.path, buffer.getvalue()))
                file.write(buffer.getvalue())
            self.began = True
        except Exception as error:  # a component's own pickling may raise anything
            self.gave_up = True
            _say_once(self.label, f"{type(error).__name__}: {error}")

    def load(self) -> dict[str, Any] | None:
        """Return the replay's state, its components' put back; None where there is none that can be used."""
        try:
            data = self.path.read_bytes()
        except OSError:
            return None
        start = len(_head(self.path, b""))
        payload = data[start:]
        try:
            if data[:start] != _head(self.path, payload):
                raise StoreError(f"{self.path}: is damaged or another point's")
            state, parts = _Unpickler(io.BytesIO(payload), {**self.known, **self.parts}).load()
            fresh = [(self.parts[name], attributes) for name, attributes in parts.items()]
        except Exception as error:  # unpickling foreign bytes may raise anything
            log.warning("%s is not used and removed: %s", self.path, error)
            self.drop()
            return None
        for part, attributes in fresh:
            own = {"container_id": part.container_id}
            vars(part).clear()
            vars(part).update(attributes | own)
        self.began = True
        return dict(state)

    def drop(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def _head(path: Path, payload: bytes) -> bytes:
    """Return what stands before the payload, always as long: whose it is and its digest."""
    own = hashlib.blake2b(path.name.encode(), digest_size=32).digest()
    return HEAD + own + hashlib.blake2b(payload, digest_size=32).digest()


def _source(module: str) -> bytes:
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file).read_bytes() if file is not None and Path(file).exists() else b""


@cache
def _say_once(label: str, reason: str) -> None:
    log.warning("%s: must be picklable for its replays to be kept, found %s; hold plain data", label, reason)


class _Pickler(pickle.Pickler):
    """Leaves out what is there again, by name."""

    def __init__(self, file: io.BytesIO, known: Mapping[str, Any]) -> None:
        super().__init__(file, protocol=5)
        self._names = {id(value): name for name, value in known.items()}

    def persistent_id(self, obj: Any) -> str | None:
        """Return the name of an object that is there again."""
        return self._names.get(id(obj))


class _Unpickler(pickle.Unpickler):
    """Puts in what is there again."""

    def __init__(self, file: io.BytesIO, known: Mapping[str, Any]) -> None:
        super().__init__(file)
        self._known = known

    def persistent_load(self, pid: Any) -> Any:
        """Return the object of a name."""
        return self._known[pid]
