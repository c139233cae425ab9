"""What an unquoted word of YAML means: the core schema of YAML 1.2, and sizes such as ``512MB``."""

from __future__ import annotations

import math
import re
from decimal import Decimal

__all__ = ["parse_bytes", "plain_scalar"]

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("true", "True", "TRUE"))
_FALSE = frozenset(("false", "False", "FALSE"))
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LONGEST_NUMBER = 400

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*")
_UNITS = {
    unit.lower(): factor
    for k, letter in enumerate("KMGT", start=1)
    for unit, factor in (
        (f"{letter}B", 1000**k),
        (f"{letter}iB", 1024**k),
        (letter, 1000**k),
        (f"{letter}i", 1024**k),
    )
} | {"": 1, "b": 1}


def plain_scalar(text: str) -> str | int | float | bool | None:
    """Return the value of an unquoted scalar.

    Parameters
    ----------
    text : str
        As it stands in the file.

    Raises
    ------
    ValueError
        For a number that is not finite.

    Notes
    -----
    Only ``true`` and ``false`` are booleans; ``yes``, ``no``, ``on``, ``12:30``, ``1_000`` and dates are
    words; ``1e5`` is a number.

    Examples
    --------
    >>> plain_scalar("1e5"), plain_scalar("12:30"), plain_scalar("no"), plain_scalar("0x10")
    (100000.0, '12:30', 'no', 16)
    """
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("must be a finite number")
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise ValueError("must be a finite number")
        return value
    return text


def parse_bytes(value: int | float | str) -> int:
    """Return a size in bytes.

    Parameters
    ----------
    value : int or str
        A whole number of bytes, or a number with a unit: ``kB``, ``MB``, ``GB``, ``TB`` are powers of
        1000, ``KiB``, ``MiB``, ``GiB``, ``TiB`` powers of 1024; case does not matter, ``B`` may be left out.

    Raises
    ------
    ValueError
        When it is neither, or not positive; the message is the rule.

    Examples
    --------
    >>> parse_bytes("512MB"), parse_bytes("1.5 GiB")
    (512000000, 1610612736)
    """
    match = None if isinstance(value, bool) else _SIZE.fullmatch(str(value))
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError("must be a size such as 512MB or 1GiB")
    size = Decimal(match[1]) * _UNITS[match[2].lower()]
    if size < 1:
        raise ValueError("must be at least 1 byte")
    return int(size)
