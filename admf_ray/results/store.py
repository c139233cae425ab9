"""A run's folder: parts that are whole or not there, a manifest, and who holds it."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

from admf_ray.errors import StoreError
from admf_ray.files import usable_folder
from admf_ray.logs import get_logger
from admf_ray.results.damage import damage_in, is_damage, told
from admf_ray.results.folder import Folder
from admf_ray.storage import refused

__all__ = ["MANIFEST", "RunStore"]

log = get_logger(__name__)

MANIFEST = "run.json"
MANIFEST_HAS = {"format": str, "pipeline": dict, "bars": dict, "contexts": list}
POINTS = "points"
BUCKETS = ("s3", "gcs", "abfs")  # storages of buckets, in which the ledger stands beside the runs
DAMAGED = "damaged"  # what a part's name ends in when it is set aside


@dataclass(frozen=True)
class RunStore(Folder):
    """Where a run's results are kept.

    Parameters
    ----------
    uri : str
        See `Folder`.

    Notes
    -----
    Writing the same part twice changes nothing, so several processes may write side by side.
    """

    def usable(self) -> None:
        """Refuse a place that cannot hold a run: asked before long work, leaves nothing behind.

        Raises
        ------
        StoreError
            A folder that cannot be made or written to, a bucket without a folder, or storage that does not
            answer. Whether one may write there shows with the first file.
        """
        filesystem, root = self._place
        if self.is_local:
            usable_folder(root)
        elif filesystem.type_name in BUCKETS and "/" not in root.strip("/"):
            raise refused(self.uri, "a bucket without a folder")
        else:
            self.exists(MANIFEST)

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
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"{self.uri}: must be a folder to write to, found {error}; choose another"
            ) from error

    def manifest(self) -> dict[str, Any]:
        """Return what the run is of.

        Raises
        ------
        StoreError
            There is no run, or its manifest is not one.
        """
        if not self.exists(MANIFEST):
            raise StoreError(f"{self.uri}: must hold a run, found no {MANIFEST}; run a pipeline first")
        found = self.read_json(MANIFEST)
        facts: dict[str, Any] = found if isinstance(found, dict) else {}
        missing = [name for name, kind in MANIFEST_HAS.items() if not isinstance(facts.get(name), kind)]
        if missing:
            raise StoreError(
                f"{self.uri}/{MANIFEST}: must say what the run is of, found no "
                f"{' nor '.join(missing)}; restore it, or run again elsewhere with --out"
            )
        return facts

    def write_manifest(self, facts: Mapping[str, Any]) -> None:
        """Say what the run is of."""
        self.write_json(MANIFEST, facts)

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
        """Return a part's schema; None for a damaged one, which is set aside so that it is made again.

        Raises
        ------
        StoreError
            The system refuses.
        """
        path = self.path(f"{POINTS}/{name}")
        try:
            return pq.read_schema(path, filesystem=self._place[0])
        except (OSError, pa.ArrowException) as error:
            if not is_damage(error):
                raise StoreError(f"{path}: must be readable, found {told(error)}; try again") from None
            self._set_aside(name)
            log.warning("%s is damaged (%s); set aside and made again", path, told(error))
            return None

    def dataset(self, names: list[str]) -> Any:
        """Return parts of one context as one dataset; `read_parts` reads it."""
        import pyarrow.dataset as ds  # half of pyarrow, needed only where parts are read

        kind = ds.ParquetFileFormat(
            default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
        )
        paths = [self.path(f"{POINTS}/{name}") for name in names]
        return ds.dataset(paths, filesystem=self._place[0], format=kind)

    def read_parts(self, names: list[str], columns: list[str], filters: Any = None) -> pa.Table:
        """Return columns of parts of one context, under each other; `filters` says which rows.

        Parameters
        ----------
        names, columns : list of str
        filters : pyarrow.compute.Expression, optional

        Raises
        ------
        StoreError
            A part cannot be read. Damaged ones are set aside first, so that the next run, which lacks them,
            computes their points anew.

        Notes
        -----
        Footers are looked at when a run begins, pages when they are read: a part damaged inside is found
        by its pages' checksums. Then all of `names` are looked through, so that one message has them all.
        """
        try:
            return self.dataset(names).to_table(columns=columns, filter=filters)
        except (OSError, pa.ArrowException) as error:
            raise self._unreadable(names, error) from None

    def _unreadable(self, names: list[str], error: Exception) -> StoreError:
        """Set aside what is damaged among some parts and return what to say of it."""
        found = {}
        if is_damage(error):
            found = {name: damage_in(self.path(f"{POINTS}/{name}"), self._place[0]) for name in names}
        damaged = [name for name, why in found.items() if why]
        for name in damaged:
            self._set_aside(name)
        if not damaged:
            return StoreError(f"{self.uri}: all parts must be readable, found {told(error)}; run again")
        first = damaged[0]
        more = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
        return StoreError(
            f"{self.path(f'{POINTS}/{first}')}{more}: must be whole, found {found[first]}; set aside as "
            f"{first}.{DAMAGED}: run again, its points are computed anew"
        )

    def _set_aside(self, name: str) -> None:
        """Take a damaged part out of the run, for whoever wants to look at it."""
        path = self.path(f"{POINTS}/{name}")
        try:
            self._place[0].move(path, f"{path}.{DAMAGED}")
        except FileNotFoundError:
            pass  # another process was first
        except OSError as error:
            raise StoreError(
                f"{path}: is damaged and must be set aside, found {told(error)}; remove it and run again"
            ) from None

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
