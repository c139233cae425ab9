"""Damage as a disk does it: a bit of a stored table flipped, its footer left whole."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq


def flip(path: str | Path, column: str) -> None:
    """Flip the highest bit but one of the last byte of a column's pages: the exponent of a last float."""
    chunks = pq.read_metadata(path).row_group(0)
    names = [chunks.column(k).path_in_schema.split(".")[0] for k in range(chunks.num_columns)]
    chunk = chunks.column(names.index(column))
    end = (chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size
    with open(path, "r+b") as file:
        file.seek(end - 1)
        (byte,) = file.read(1)
        file.seek(end - 1)
        file.write(bytes([byte ^ 0x40]))
