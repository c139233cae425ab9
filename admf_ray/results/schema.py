"""The columns of a stored part: one row per point and window."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from admf_ray.results.identity import digest_of

__all__ = ["FORMAT", "STATUSES", "Context", "digest_in", "part_name", "part_table"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FORMAT = "1"
STATUSES = ("ok", "failed", "timeout", "crashed", "oom")


@dataclass(frozen=True)
class Context:
    """What all rows of a part have in common, and what names them.

    Attributes
    ----------
    strategy : str
        Registered name.
    code : str
        Digest of the sources of the stack's components; see `identity.code_digest`.
    engine : mapping
        See `identity.engine_facts`.
    bars : str
        Content hash of the bars.
    windows : tuple of (name, start, stop, train start, train stop)
        In bars; what `fit` may see stands last.
    varied : tuple of str
        Searched parameters, columns of the part.
    fixed : mapping of str to value
        All other parameters of the stack.
    conditions : mapping
        Further facts that move bits: warm-up, figures, regimes.
    regimes : tuple of str
        Names of the regimes, the unknown one last; none where nothing was classified.
    slice_bars : tuple of int
        Bars in each slice of the window ``full``, a remainder in front left out.
    bars_per_year : float
        Annualises the regimes' figures.
    regime_bars : tuple of int
        Bars of the window ``full`` in each regime.
    """

    strategy: str
    code: str
    engine: Mapping[str, str]
    bars: str
    windows: tuple[tuple[str, int, int, int, int], ...]
    varied: tuple[str, ...]
    fixed: Mapping[str, Any]
    conditions: Mapping[str, Any] = field(default_factory=dict)
    regimes: tuple[str, ...] = ()
    regime_bars: tuple[int, ...] = ()
    slice_bars: tuple[int, ...] = ()
    bars_per_year: float = 0.0

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal digits that two contexts share only when their rows are interchangeable."""
        return digest_of(
            [
                FORMAT, self.strategy, self.code, dict(self.engine), self.bars, self.windows, self.varied,
                dict(self.fixed), dict(self.conditions), self.regimes,
            ]
        )  # fmt: skip

    @property
    def window_names(self) -> tuple[str, ...]:
        """The windows' names, in order."""
        return tuple(one[0] for one in self.windows)

    def facts(self) -> dict[str, Any]:
        """Return the context as plain data, as a part's metadata and the run's manifest keep it."""
        return {
            "format": FORMAT,
            "strategy": self.strategy,
            "code": self.code,
            "engine": dict(self.engine),
            "bars": self.bars,
            "windows": [list(one) for one in self.windows],
            "varied": list(self.varied),
            "fixed": dict(self.fixed),
            "conditions": dict(self.conditions),
            "regimes": list(self.regimes),
            "regime_bars": list(self.regime_bars),
            "slice_bars": list(self.slice_bars),
            "bars_per_year": self.bars_per_year,
            "digest": self.digest,
        }


def part_name(context: Context, ids: Ints) -> str:
    """Return the file name of a part that holds these points: the same work has the same name."""
    own = digest_of([context.digest, np.ascontiguousarray(ids).tobytes().hex()])
    return f"{context.strategy}-{context.digest[:12]}-{own[:20]}.parquet"


def digest_in(name: str) -> str:
    """Return the digits of its context that a part's file name holds; none where it is no part's."""
    found = re.search(r"-([0-9a-f]{12})-[0-9a-f]{20}\.parquet$", name)
    return found[1] if found else ""


def part_table(
    context: Context,
    metrics: Sequence[str],
    ids: Ints,
    parameters: Mapping[str, Sequence[Any]],
    values: Floats,
    slice_sums: Floats,
    regime_sums: Floats,
    status: NDArray[np.uint8],
    errors: Mapping[int, tuple[str, str]],
    returns: Floats | None = None,
) -> pa.Table:
    """Return the rows of some points, all windows of a point in one window's block after the other.

    Parameters
    ----------
    context : Context
    metrics : sequence of str
        Names of the figures.
    ids : int64 array (n,)
    parameters : mapping of str to sequence (n,)
        The searched ones, decoded.
    values : float64 array (n, n_windows, n_metrics)
        NaN for a point that is not ok.
    slice_sums : float64 array (n, n_slices, 2)
        Of the window ``full``.
    regime_sums : float64 array (n, n_regimes, 4)
        Of the window ``full``: sum and sum of squares of returns, P&L, bars closed with a position.
    status : uint8 array (n,)
        Places in STATUSES.
    errors : mapping of int to (str, str)
        Type and text of what went wrong, by place.
    returns : float64 array (n, n_bars), optional
        Per bar of the window ``full``, NaN for a point that is not ok: of plain-Python strategies, whose
        replay takes too long to be done again. Of none where there are no bars.

    Returns
    -------
    pyarrow.Table
        ``point_id``, ``strategy``, the parameters, ``window``, ``status``, ``error_type``, ``error``, the
        figures; for the window ``full`` also ``slice_sum``, ``slice_square_sum``, four figures for each
        regime and, where they are given, ``returns``, null elsewhere. Its metadata ``admf_ray`` hold the
        context.
    """
    n, n_windows, _ = values.shape
    names = context.window_names
    columns: dict[str, Any] = {
        "point_id": pa.array(np.tile(ids, n_windows)),
        "strategy": _words([context.strategy], np.zeros(n * n_windows, dtype=np.int32)),
    }
    for name, own in parameters.items():
        columns[name] = pa.concat_arrays([pa.array(own)] * n_windows)
    columns["window"] = _words(list(names), np.repeat(np.arange(n_windows, dtype=np.int32), n))
    columns["status"] = _words(list(STATUSES), np.tile(status.astype(np.int32), n_windows))
    for place, name in enumerate(("error_type", "error")):
        texts = [errors[i][place] if i in errors else None for i in range(n)] if errors else None
        own_texts = pa.nulls(n, pa.string()) if texts is None else pa.array(texts, type=pa.string())
        columns[name] = pa.concat_arrays([own_texts] * n_windows)
    blocks = np.ascontiguousarray(values.transpose(2, 1, 0)).reshape(len(metrics), n * n_windows)
    columns.update({name: pa.array(block) for name, block in zip(metrics, blocks, strict=True)})
    full = names.index("full") if "full" in names else -1
    for k, name in enumerate(("slice_sum", "slice_square_sum")):
        columns[name] = _lists(slice_sums[:, :, k], full, n_windows)
    for name, figures in regime_figures(context, regime_sums).items():
        columns[name] = _placed(figures, full, n_windows)
    if returns is not None and returns.shape[1]:
        columns["returns"] = _long_lists(returns, full, n_windows)
    table = pa.table(columns)
    facts = context.facts() | {"first_id": int(ids[0]) if len(ids) else -1}
    return table.replace_schema_metadata({b"admf_ray": json.dumps(facts).encode()})


def regime_figures(context: Context, sums: Floats) -> dict[str, Floats]:
    """Return each regime's figures as columns named ``sharpe@up_quiet`` and so on, each (n,)."""
    out: dict[str, Floats] = {}
    for k, (name, bars) in enumerate(zip(context.regimes, context.regime_bars, strict=True)):
        total, squares, pnl, active = sums[:, k].T
        n = float(bars)
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = (squares - total * total / n) / (n - 1.0)
            spread = np.sqrt(np.where(variance > 1e-10 * squares / n, variance, np.nan))
            out[f"sharpe@{name}"] = total / n / spread * np.sqrt(context.bars_per_year)
        out[f"return_sum@{name}"], out[f"pnl@{name}"], out[f"exposed_bars@{name}"] = total, pnl, active
    return out


def _words(words: list[str], codes: NDArray[np.int32]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(words))


def _lists(block: Floats, full: int, n_windows: int) -> pa.Array:
    """Return lists for the rows of the window ``full``, nulls elsewhere."""
    n, width = block.shape
    kind = pa.list_(pa.float64(), width)
    parts = [pa.nulls(n, kind)] * n_windows
    if full >= 0:
        parts[full] = pa.FixedSizeListArray.from_arrays(
            pa.array(np.ascontiguousarray(block).reshape(-1)), width
        )
    return pa.concat_arrays(parts)


def _long_lists(block: Floats, full: int, n_windows: int) -> pa.Array:
    """Return lists as `_lists` does; a null takes no room, as one of a fixed size would."""
    n, width = block.shape
    parts = [pa.nulls(n, pa.list_(pa.float64()))] * n_windows
    ends = pa.array(np.arange(n + 1, dtype=np.int32) * width)
    parts[full] = pa.ListArray.from_arrays(ends, pa.array(np.ascontiguousarray(block).reshape(-1)))
    return pa.concat_arrays(parts)


def _placed(figures: Floats, full: int, n_windows: int) -> pa.Array:
    parts = [pa.nulls(figures.size, pa.float64())] * n_windows
    if full >= 0:
        parts[full] = pa.array(np.ascontiguousarray(figures))
    return pa.concat_arrays(parts)
