"""Symbols: the names of the columns, as they are given and as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from admf_ray.errors import DataError, closest

__all__ = ["named", "places_of"]


def named(symbols: Sequence[str] | str | None, n_symbols: int) -> list[str]:
    """Return a name for each column, ``S0``, ``S1``, … zero-padded when none are given.

    Raises
    ------
    DataError
        When there are more or fewer names than columns.
    """
    if symbols is None:
        width = len(str(n_symbols - 1))
        return [f"S{k:0{width}d}" for k in range(n_symbols)]
    names = [symbols] if isinstance(symbols, str) else list(symbols)
    if len(names) != n_symbols:
        raise DataError(
            f"bars.symbols: {n_symbols} columns need as many names, found {len(names)}; name each"
        )
    return names


def places_of(wanted: Sequence[str], symbols: Sequence[str]) -> list[int]:
    """Return where the wanted symbols stand.

    Raises
    ------
    DataError
        When one is not there.
    """
    for name in wanted:
        if name not in symbols:
            raise DataError(
                f"bars: no symbol {name!r}, found {', '.join(symbols)}{closest(name, symbols)}"
                "; choose among them"
            )
    return [symbols.index(name) for name in wanted]
