"""A validation error of pydantic as one line of ours."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from admf_ray.config.base import shown
from admf_ray.config.yaml import Document, key_path
from admf_ray.errors import ConfigError, closest

__all__ = ["first_problem"]

_RULES = {
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "mapping_type": "must be a mapping of keys",
    "greater_than": "must be > {gt:g}",
    "greater_than_equal": "must be >= {ge:g}",
    "less_than": "must be < {lt:g}",
    "less_than_equal": "must be <= {le:g}",
    "literal_error": "must be {expected}",
    "too_short": "must hold at least {min_length} item",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters",
}


def first_problem(error: ValidationError, document: Document) -> ConfigError:
    """Return the problem that stands first in the file.

    Parameters
    ----------
    error : pydantic.ValidationError
    document : Document
        What was validated.
    """
    lines = [_line(problem, document) for problem in error.errors(include_url=False)]
    return ConfigError(min(lines)[1])


def _line(problem: Any, document: Document) -> tuple[tuple[str, int], str]:
    context: dict[str, Any] = problem.get("ctx", {})
    path: list[str | int] = list(problem["loc"])
    kind, found = problem["type"], shown(problem["input"])
    if kind == "rule":
        if context.get("key"):
            path.append(context["key"])
        text = context["rule"]
    elif kind == "missing":
        text = "must be given, found nothing; add it"
    elif kind == "literal_error":
        options = [word.strip("' ") for word in context["expected"].replace(" or ", ", ").split(",")]
        hint = closest(str(problem["input"]), options) or "; choose one"
        text = f"must be {' or '.join(options)}, found {found}{hint}"
    else:
        rule = _RULES.get(kind, problem["msg"]).format(**context)
        text = f"{rule}, found {found}; correct it"
    place = document.place(key_path(path))
    origin = place.split(" ", 1)[0]
    number = origin.rpartition(":")[2]
    return (("", int(number)) if number.isdigit() else (origin, 0)), f"{place}: {text}"
