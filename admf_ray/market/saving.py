"""Bars out: Parquet files that load without a question."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from admf_ray.errors import ConfigError
from admf_ray.files import written_whole
from admf_ray.later import pd
from admf_ray.market.bars import Bars
from admf_ray.market.loading import load_bars
from admf_ray.market.table import PRICES

__all__ = ["to_frame", "write_parquet", "write_samples"]


def to_frame(bars: Bars) -> pd.DataFrame:
    """Return bars as rows, one per symbol and tradable bar.

    Parameters
    ----------
    bars : Bars
        What to write; forward-filled and missing bars are left out.

    Returns
    -------
    pandas.DataFrame
        ``close_time`` in the exchange zone, ``symbol``, ``open``, ``high``, ``low``, ``close``,
        ``volume`` where known, and the further columns; in order of symbol, then time.
    """
    parts = []
    for k, symbol in enumerate(bars.symbols):
        rows = np.flatnonzero(bars.tradable[:, k])
        stamps = pd.DatetimeIndex(bars.time_ns[rows].view("M8[ns]"), tz="UTC").tz_convert(bars.zone)
        columns = {name: getattr(bars, name)[rows, k] for name in PRICES}
        if bars.volume is not None:
            columns["volume"] = bars.volume[rows, k]
        columns |= {name: array[rows, k] for name, array in bars.extra.items()}
        parts.append(pd.DataFrame({"close_time": stamps, "symbol": symbol, **columns}))
    return pd.concat(parts, ignore_index=True)


def write_parquet(bars: Bars, path: str | Path) -> Path:
    """Write bars to one Parquet file, which `load_bars` reads without options.

    A declared session end, instruments and annualisation are not in the file: declare them again.

    Parameters
    ----------
    bars : Bars
        What to write.
    path : str or Path
        Where; its folder is made when it is not there, an old file is replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        Another ending than ``.parquet`` or ``.pq``, by which the file would not be read again.
    StoreError
        The file cannot be written; then nothing is.
    """
    target = Path(path)
    if target.suffix not in (".parquet", ".pq"):
        raise ConfigError(f"{target}: must end in .parquet or .pq, found {target.suffix!r}; rename it")
    with written_whole(target) as file:
        to_frame(bars).to_parquet(file, index=False)
    return target


def write_samples(folder: str | Path) -> tuple[Path, ...]:
    """Write EURUSD (``sample:eurusd``) as ``train_2020_2023.parquet`` and ``test_2024.parquet``.

    Parameters
    ----------
    folder : str or Path
        Made when it is not there.

    Returns
    -------
    tuple of Path
        The two files.
    """
    bars = load_bars("sample:eurusd", start="2020", end="2024")
    return (
        write_parquet(bars.between("2020", "2023"), Path(folder) / "train_2020_2023.parquet"),
        write_parquet(bars.between("2024", "2024"), Path(folder) / "test_2024.parquet"),
    )
