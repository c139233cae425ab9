"""Constraints between parameters, as expressions that can only compare and calculate."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from admf_ray.errors import ConfigError, closest

__all__ = ["check_constraint", "evaluate"]

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@cache
def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        raise ConfigError(
            f"constraint {text!r}: not an expression; write one such as 'fast < slow'"
        ) from None


def evaluate(text: str, values: Mapping[str, Any]) -> bool:
    """Tell whether the constraint holds for the values.

    Parameters
    ----------
    text : str
        Comparisons and ``and``/``or``/``not`` over parameter names and numbers.
    values : mapping
        Parameter values by name.

    Raises
    ------
    ConfigError
        For unknown names or anything beyond comparing and calculating.

    Examples
    --------
    >>> evaluate("fast < slow", {"fast": 5, "slow": 20})
    True
    """

    def value(node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)):
            return node.value
        if isinstance(node, ast.Name):
            if node.id not in values:
                raise ConfigError(
                    f"constraint {text!r}: no parameter '{node.id}'{closest(node.id, values) or '; check it'}"
                )
            return values[node.id]
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.operand))
        if isinstance(node, ast.BoolOp):
            results = (value(part) for part in node.values)
            return all(results) if isinstance(node.op, ast.And) else any(results)
        if isinstance(node, ast.Compare) and all(type(op) in _OPERATORS for op in node.ops):
            left = value(node.left)
            for op, right_node in zip(node.ops, node.comparators, strict=True):
                right = value(right_node)
                if not _OPERATORS[type(op)](left, right):
                    return False
                left = right
            return True
        raise ConfigError(
            f"constraint {text!r}: only comparisons and arithmetic over parameters are allowed, found "
            f"{type(node).__name__}"
        )

    try:
        return bool(value(_parse(text)))
    except (TypeError, ZeroDivisionError) as error:
        raise ConfigError(f"constraint {text!r}: cannot be computed ({error}); mend it") from None


def check_constraint(where: str, text: str, values: Mapping[str, Any]) -> None:
    """Raise unless the constraint holds.

    Raises
    ------
    ConfigError
        The constraint does not hold.
    """
    if not evaluate(text, values):
        shown = ", ".join(f"{k}={values[k]}" for k in values if k in text)
        raise ConfigError(f"{where}: must satisfy {text}, found {shown}; change one of them")
