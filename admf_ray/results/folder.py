"""A folder of a run or of several, here or on object storage: files that are whole or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
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
from admf_ray.results.damage import told
from admf_ray.storage import opened, refused

__all__ = ["Folder"]

ROW_GROUP = 65_536


@dataclass(frozen=True)
class Folder:
    """Where files are kept.

    Parameters
    ----------
    uri : str
        A folder, or anything that `pyarrow.fs` opens, such as ``s3://bucket/results/run``.

    Notes
    -----
    Pickles as its address. Files appear whole under their names or not at all: locally by a rename of a
    synced file, elsewhere by a single upload. Every page of a table has a checksum, compared when it is read.
    """

    uri: str

    @cached_property
    def _place(self) -> tuple[Any, str]:
        return opened(self.uri)

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
        filesystem, root = self._place
        try:
            kind = filesystem.get_file_info(self.path(name) if name else root).type
        except (OSError, pa.ArrowException) as error:
            raise refused(self.uri, error) from None
        return bool(kind != pa.fs.FileType.NotFound)

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
        except (OSError, pa.ArrowException) as error:
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
                sink,
                first.schema,
                compression="snappy",
                use_dictionary=words,
                write_statistics=statistics,
                write_page_checksum=True,
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
            return pq.read_table(
                self.path(name),
                columns=columns,
                filters=filters,
                filesystem=self._place[0],
                page_checksum_verification=True,
            )
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"{self.uri}/{name}: must be readable, found {told(error)}; remove it and run again"
            ) from None


def _is_word(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind))
