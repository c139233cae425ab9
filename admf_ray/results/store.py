"""A run's folder: parts that are whole or not there, a manifest, and who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

from admf_ray.errors import StoreError
from admf_ray.files import written_whole
from admf_ray.logs import get_logger

__all__ = ["RunStore"]

log = get_logger(__name__)

MANIFEST = "run.json"
POINTS = "points"
ROW_GROUP = 65_536


@dataclass(frozen=True)
class RunStore:
    """Where a run's results are kept.

    Parameters
    ----------
    uri : str
        A folder, or anything that `pyarrow.fs` opens, such as ``s3://bucket/results/run``.

    Notes
    -----
    Pickles as its address. Files appear whole under their names or not at all: locally by a rename of a
    synced file, elsewhere by a single upload. Writing the same part twice changes nothing, so several
    processes may write side by side.
    """

    uri: str

    @cached_property
    def _place(self) -> tuple[Any, str]:
        try:
            if "://" not in self.uri:
                return pa.fs.LocalFileSystem(), os.path.abspath(self.uri)
            found, path = pa.fs.FileSystem.from_uri(self.uri)
        # ArrowNotImplementedError: pyarrow was built without that storage
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, ValueError) as error:
            raise StoreError(f"{self.uri}: must be a folder or a storage address, found {error}") from None
        return found, path

    def __getstate__(self) -> dict[str, str]:
        # whole, since another process stands in another folder
        return {"uri": self.uri if "://" in self.uri else os.path.abspath(self.uri)}

    @property
    def is_local(self) -> bool:
        """Whether it stands on a file system that this machine sees."""
        return isinstance(self._place[0], pa.fs.LocalFileSystem)

    def uri_of(self, name: str) -> str:
        """Return the address of a file or folder of the run, as other programs take it."""
        return self.path(name) if self.is_local else f"{self.uri.rstrip('/')}/{name}"

    def path(self, name: str) -> str:
        """Return where a file of the run stands."""
        return f"{self._place[1]}/{name}"

    def exists(self, name: str = "") -> bool:
        """Tell whether a file, or the run itself, is there."""
        filesystem, _ = self._place
        kind = filesystem.get_file_info(self.path(name) if name else self._place[1]).type
        return bool(kind != pa.fs.FileType.NotFound)

    def create(self) -> None:
        """Make the folder.

        Raises
        ------
        StoreError
            It cannot be made.
        """
        filesystem, root = self._place
        try:
            filesystem.create_dir(f"{root}/{POINTS}", recursive=True)
        except OSError as error:
            raise StoreError(
                f"{self.uri}: must be a folder to write to, found {error}; choose another"
            ) from error

    def write_bytes(self, name: str, data: bytes | memoryview) -> None:
        """Write a file whole.

        Raises
        ------
        StoreError
            The system refuses.
        """
        filesystem, _ = self._place
        if self.is_local:
            with written_whole(self.path(name)) as file:
                file.write(data)
            return
        try:
            with filesystem.open_output_stream(self.path(name)) as file:
                file.write(data)
        except OSError as error:
            raise StoreError(f"{self.uri}/{name}: must be writable, found {error}; try again") from error

    def remove(self, name: str) -> None:
        """Remove a file, where it is there.

        Raises
        ------
        StoreError
            The system refuses.
        """
        try:
            if self.exists(name):
                self._place[0].delete_file(self.path(name))
        except OSError as error:
            raise StoreError(f"{self.uri}/{name}: must be removable, found {error}; remove it") from error

    def read_bytes(self, name: str) -> bytes:
        """Return a file's content.

        Raises
        ------
        StoreError
            It is not there or cannot be read.
        """
        try:
            with self._place[0].open_input_stream(self.path(name)) as file:
                return bytes(file.read())
        except OSError as error:
            raise StoreError(f"{self.uri}/{name}: must be readable, found {error}; check the run") from error

    def write_json(self, name: str, value: Any) -> None:
        """Write plain data as JSON, whole."""
        self.write_bytes(name, (json.dumps(value, indent=2) + "\n").encode())

    def read_json(self, name: str) -> Any:
        """Return plain data.

        Raises
        ------
        StoreError
            It is not there, or no JSON.
        """
        try:
            return json.loads(self.read_bytes(name))
        except ValueError as error:
            raise StoreError(
                f"{self.uri}/{name}: must be JSON, found {error}; restore or remove it"
            ) from None

    def manifest(self) -> dict[str, Any]:
        """Return what the run is of.

        Raises
        ------
        StoreError
            There is no run.
        """
        if not self.exists(MANIFEST):
            raise StoreError(f"{self.uri}: must hold a run, found no {MANIFEST}; run a pipeline first")
        found: dict[str, Any] = self.read_json(MANIFEST)
        return found

    def write_manifest(self, facts: Mapping[str, Any]) -> None:
        """Say what the run is of."""
        self.write_json(MANIFEST, facts)

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write a Parquet file, whole; words by dictionary."""
        self.write_tables(name, [table])

    def write_tables(self, name: str, tables: Iterable[pa.Table]) -> None:
        """Write tables of one schema under each other into a Parquet file, whole; no file for no table."""
        waiting = iter(tables)
        first = next(waiting, None)
        if first is None:
            return
        words = [one.name for one in first.schema if _is_word(one.type)]
        statistics = ["window"] if "window" in first.column_names else False
        with (
            self._whole(name) as sink,
            pq.ParquetWriter(
                sink, first.schema, compression="snappy", use_dictionary=words, write_statistics=statistics
            ) as writer,
        ):
            for table in chain([first], waiting):
                writer.write_table(table, row_group_size=ROW_GROUP)

    @contextmanager
    def _whole(self, name: str) -> Iterator[Any]:
        """Give a file to write to that is there when the block ends well; elsewhere than here, one upload."""
        if self.is_local:
            with written_whole(self.path(name)) as file:
                yield file
            return
        sink = pa.BufferOutputStream()
        yield sink
        self.write_bytes(name, memoryview(sink.getvalue()))

    def read_table(self, name: str, columns: list[str] | None = None, filters: Any = None) -> pa.Table:
        """Return a Parquet file's table; `filters`, an expression, says which rows.

        Raises
        ------
        StoreError
            It is not there or damaged.
        """
        try:
            return pq.read_table(self.path(name), columns=columns, filters=filters, filesystem=self._place[0])
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"{self.uri}/{name}: must be readable, found {error}; remove it and run again"
            ) from None

    def write_part(self, name: str, table: pa.Table) -> None:
        """Keep a part; one of that name already there is the same part."""
        self.write_table(f"{POINTS}/{name}", table)

    def has_part(self, name: str) -> bool:
        """Tell whether a part is there."""
        return self.exists(f"{POINTS}/{name}")

    def parts(self) -> list[str]:
        """Return the names of the parts, sorted."""
        return [name for name in self.names(POINTS) if name.endswith(".parquet")]

    def names(self, folder: str) -> list[str]:
        """Return the names of the whole files in a folder of the run, sorted; none where it is not there."""
        filesystem, root = self._place
        chosen = pa.fs.FileSelector(f"{root}/{folder}", allow_not_found=True)
        names = [info.base_name for info in filesystem.get_file_info(chosen)]
        return sorted(name for name in names if not name.startswith("."))

    def part_schema(self, name: str) -> pa.Schema | None:
        """Return a part's schema; None for a damaged one, which is set aside so that it is made again."""
        path = self.path(f"{POINTS}/{name}")
        try:
            return pq.read_schema(path, filesystem=self._place[0])
        except (OSError, pa.ArrowException) as error:
            log.warning("%s is damaged (%s); set aside and made again", path, error)
            self._place[0].move(path, f"{path}.damaged")
            return None

    def dataset(self, names: list[str]) -> Any:
        """Return parts of one context as one dataset."""
        import pyarrow.dataset as ds  # half of pyarrow, needed only where parts are read

        paths = [self.path(f"{POINTS}/{name}") for name in names]
        return ds.dataset(paths, filesystem=self._place[0], format="parquet")

    def take_parts(self, other: RunStore, names: list[str]) -> None:
        """Take parts over from another run; shared on disk where the file system can."""
        for name in names:
            if self.has_part(name):
                continue
            if self.is_local and other.is_local:
                try:
                    os.link(other.path(f"{POINTS}/{name}"), self.path(f"{POINTS}/{name}"))
                    continue
                except OSError:
                    pass
            self.write_bytes(f"{POINTS}/{name}", other.read_bytes(f"{POINTS}/{name}"))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the run: one driver at a time.

        Raises
        ------
        StoreError
            Another process holds it; says which.

        Notes
        -----
        Locally a lock of the kernel's that ends with its process. On object storage there is none: two
        drivers would do the same work, and write the same parts.
        """
        if not self.is_local:
            log.warning("%s: object storage cannot be locked; see to it that one driver works here", self.uri)
            yield
            return
        with open(self.path("lock"), "a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                holder = file.read().strip() or "another process"
                raise StoreError(
                    f"{self.uri}: must be held by one driver at a time, found {holder} at work; wait for it "
                    f"or choose another --out"
                ) from None
            file.truncate(0)
            since = time.strftime("%Y-%m-%d %H:%M:%S")
            file.write(f"process {os.getpid()} on {socket.gethostname()} since {since}")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)


def _is_word(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind))
