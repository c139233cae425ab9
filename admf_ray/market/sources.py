"""From a path, glob, folder, address or frame to plain tables."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from admf_ray.errors import DataError, StoreError, closest
from admf_ray.later import pd
from admf_ray.market.columns import map_meaning
from admf_ray.storage import fetched, is_address, is_elsewhere

__all__ = ["SUFFIXES", "RawTable", "files_of", "path_of", "read_sources"]

SUFFIXES = (".parquet", ".pq", ".csv", ".csv.gz", ".txt", ".txt.gz", ".feather", ".arrow", ".ipc")
_MISSING = ["", "NaN", "nan", "null", "NULL", "NA", "N/A", "None", "none", "-"]


@dataclass(frozen=True)
class RawTable:
    """A table as it was read.

    Parameters
    ----------
    where : str
        The file's name, for messages.
    symbol : str
        The symbol when no column says it: the file's stem.
    frame : pandas.DataFrame
        Its rows.
    """

    where: str
    symbol: str
    frame: pd.DataFrame


def read_sources(source: str | Path | pd.DataFrame, symbol: str | None = None) -> Iterator[RawTable]:
    """Read what a source names, file by file in the order of names.

    Parameters
    ----------
    source : str, Path or pandas.DataFrame
        A Parquet, CSV (also gzipped), Feather or Arrow file; a folder or a glob of them, one symbol a
        file; a `pyarrow.fs` address of a file or folder; or a frame, whose DatetimeIndex counts as a column.
    symbol : str, optional
        The symbol of a source that does not say it.

    Raises
    ------
    DataError
        When there is no such file, or it cannot be read.
    """
    if isinstance(source, pd.DataFrame):
        named = any(name is not None for name in source.index.names)
        keep = named or not isinstance(source.index, pd.RangeIndex)
        yield RawTable("frame", symbol or "ASSET", source.reset_index() if keep else source)
        return
    for path in files_of(str(source)):
        yield RawTable(path.name, symbol or _stem(path), _read(path, _shown(str(source), path)))


def files_of(source: str) -> list[Path]:
    """Return the files that a path, folder, glob or address names, in order; reads none of them.

    Raises
    ------
    DataError
        There is none, or they cannot be fetched.
    """
    path = path_of(source)
    if path.is_dir():
        found = sorted(one for one in path.iterdir() if one.name.lower().endswith(SUFFIXES))
        if not found:
            raise DataError(
                f"{source}: a folder must hold data files, found none; put {', '.join(SUFFIXES[:3])} there"
            )
        return found
    if path.is_file():
        if not path.name.lower().endswith(SUFFIXES):
            raise DataError(
                f"{source}: must be one of {', '.join(SUFFIXES)}, found {path.suffix or 'no suffix'!r}; "
                "convert or rename it"
            )
        return [path]
    found = sorted(Path(one) for one in glob.glob(str(path)) if Path(one).is_file())
    if found:
        return found
    near = closest(path.name, [one.name for one in path.parent.iterdir()]) if path.parent.is_dir() else ""
    raise DataError(
        f"{source}: must be a file, folder or glob of files, found nothing there{near}; check the path"
    )


def path_of(source: str) -> Path:
    """Return the path, or glob, that a source stands at on this machine, fetched where it is elsewhere.

    Raises
    ------
    DataError
        It cannot be fetched.
    """
    try:
        return fetched(source if is_address(source) else os.path.expanduser(source))
    except StoreError as error:
        raise DataError(str(error)) from None


def _shown(source: str, path: Path) -> str:
    """Return what a file of a source is called in messages: its copy's path would say nothing."""
    if not is_elsewhere(source):
        return str(path)
    return source if path == path_of(source) else f"{source.partition('?')[0].rstrip('/')}/{path.name}"


def _stem(path: Path) -> str:
    name = path.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem


def _read(path: Path, shown: str) -> pd.DataFrame:
    name = path.name.lower()
    try:
        if name.endswith((".parquet", ".pq")):
            return _pandas(pa.parquet.read_table(path))
        if name.endswith((".csv", ".csv.gz", ".txt", ".txt.gz")):
            return _read_csv(path, shown)
        with pa.memory_map(str(path)) as file:
            return _pandas(pa.feather.read_table(file))
    except (pa.ArrowException, OSError, EOFError, ValueError) as error:
        if name.endswith((".arrow", ".ipc")):
            try:
                with pa.memory_map(str(path)) as file:
                    return _pandas(pa.ipc.open_stream(file).read_all())
            except (pa.ArrowException, OSError):
                pass
        reason = str(error).replace(str(path), shown).strip().splitlines()
        raise DataError(
            f"{shown}: must be readable, found {reason[0] if reason else type(error).__name__}; "
            "write the file again"
        ) from None


def _pandas(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(strings_to_categorical=True)
    return frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()


def _read_csv(path: Path, shown: str) -> pd.DataFrame:
    heads = {sep: pd.read_csv(path, sep=sep, nrows=0, encoding="utf-8-sig").columns for sep in ",;\t|"}
    separator = max(heads, key=lambda sep: len(heads[sep]))
    written = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str, encoding="utf-8-sig").iloc[0]
    twice = written[written.duplicated() & written.notna()]
    if len(twice):
        raise DataError(
            f"{shown}: each column must have a name of its own, found {twice.iloc[0]!r} twice; remove one"
        )
    with_symbol = {name for name in heads[separator] if map_meaning(name) == "symbol"}
    return pd.read_csv(
        path,
        sep=separator,
        encoding="utf-8-sig",
        dtype=dict.fromkeys(with_symbol, "category"),  # "NA" and "000001" are symbols
        keep_default_na=False,
        na_values={name: _MISSING for name in heads[separator] if name not in with_symbol},
    )
