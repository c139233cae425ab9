"""What goes wrong in a user's code, as one line that names the place in the user's file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core.errors import NumbaError, UnsupportedBytecodeError

from admf_ray.errors import ADMFError, ComponentError, line_in
from admf_ray.rules.state import Held

__all__ = ["COMPILE_ERRORS", "DoesNotCompile", "asked", "explain"]

COMPILE_ERRORS = (NumbaError, UnsupportedBytecodeError)

_PLACE = re.compile(r'File "(?P<a>[^"]+)", line (?P<m>\d+)|(?:at|from) (?P<b>/\S+\.py) \((?P<n>\d+)\)')
_ATTRIBUTE = re.compile(r"Unknown attribute '(\w+)' of type ([NP]_\w+|Held)\(")
_HELD = "Held(float64 x 3)"
_NUMBERS = ", ".join(Held._fields)
_HAS_NO = {"N": "now has no '{}'", "P": "p has no '{}'", "H": f"held has no '{{}}', it has {_NUMBERS}"}


class DoesNotCompile(ComponentError):  # noqa: N818 - reads as what it says
    """A rule does not compile: wrong code for every point."""


def asked(
    where: str, function: Callable[..., Any], *arguments: Any, when: Callable[[], str] | None = None
) -> Any:
    """Call a user's function; what goes wrong in it becomes one line that begins with `where`.

    Parameters
    ----------
    where : str
        Component and function.
    function : callable
    *arguments
        Its arguments.
    when : callable, optional
        Returns what else to say, such as the bar.

    Raises
    ------
    ComponentError
        Whatever it raised, by name.
    """
    try:
        return function(*arguments)
    except ADMFError:
        raise
    except (Exception, SystemExit) as error:  # who ends itself would end the program, as if all were well
        code = getattr(function, "__code__", None)
        line = line_in(error, code.co_filename) if code is not None else ""
        place = f"{Path(code.co_filename).name}{line} " if code is not None and line else ""
        raised = f"raised {type(error).__name__}: {error}{when() if when is not None else ''}"
        raise ComponentError(f"{place}{where}: {raised}; mend it") from error


def explain(error: Exception, strategy: str) -> DoesNotCompile:
    """Return a compile failure as one line.

    Parameters
    ----------
    error : one of `COMPILE_ERRORS`
    strategy : str
        Label of the strategy whose stack was compiled.
    """
    text = str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = next((line for line in lines if not line.startswith("Failed in")), type(error).__name__)
    call = next((line[3:].strip() for line in lines if line.startswith(">>>")), None)
    attribute = _ATTRIBUTE.search(text)
    if attribute is not None:
        telling = _HAS_NO[attribute[2][0]].format(attribute[1])
    elif "NRT required" in text:
        telling = "a rule makes a list, an array or a text"
    elif telling.endswith("signature:") and call is not None:
        weight = call.startswith("float(") and f"a weight must be a number, found {call[6:-1]}"
        telling = weight or f"there is no {call.replace(_HELD, f'held ({_NUMBERS})')}"
    places = ((m["a"] or m["b"], m["m"] or m["n"]) for m in _PLACE.finditer(text))
    own = next((f"{Path(f).name}:{n} " for f, n in places if _is_users(Path(f))), "")
    telling = re.sub(r" *Raised from .*", "", telling)[:200].rstrip(".")
    return DoesNotCompile(f"{own}{strategy}: does not compile, {telling}; use scalars and math, or on_bar")


def _is_users(file: Path) -> bool:
    return "numba" not in file.parts and re.fullmatch(r"(stack|kernel)_[0-9a-f]{32}", file.stem) is None
