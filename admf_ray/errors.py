"""Every error a user can meet, under one root.

A message reads **where: rule, value found, next step**; the command line prints it as one line
and exits with 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ADMFError",
    "ComponentError",
    "ConfigError",
    "DataError",
    "ResourceError",
    "StoreError",
    "closest",
    "line_in",
]


class ADMFError(Exception):
    """Root of every error raised on purpose."""


class ConfigError(ADMFError):
    """A configuration file, option or parameter value breaks a rule."""


class DataError(ADMFError):
    """Market data is missing, malformed or unfit for what was asked."""


class ComponentError(ADMFError):
    """A strategy, filter or other component is unknown, wrong or used out of order."""


class ResourceError(ADMFError):
    """Memory, processes or time asked for cannot be had."""


class StoreError(ADMFError):
    """Stored results are missing, damaged or belong to something else."""


def closest(word: str, choices: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest choice, or ``""`` when none is near.

    Parameters
    ----------
    word : str
        What was written.
    choices : iterable of str
        What would have been accepted.

    Examples
    --------
    >>> closest("ma_crosover", ["ma_crossover", "rsi_reversion"])
    "; did you mean 'ma_crossover'?"
    >>> closest("zzz", ["ma_crossover"])
    ''
    """
    near = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def line_in(error: BaseException, file: str) -> str:
    """Return ``":12"``, the last line of a file that an error passed through, or ``""`` when it did not.

    Parameters
    ----------
    error : exception
        With its traceback.
    file : str
        As the code names it.
    """
    if isinstance(error, SyntaxError) and error.lineno:
        return f":{error.lineno}"
    line, trace = "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line
