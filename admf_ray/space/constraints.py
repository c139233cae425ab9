"""Constraints between parameters: one point's, or a whole block's at once."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.errors import ConfigError
from admf_ray.space.expressions import ARITHMETIC, COMPARISONS, dotted_name, lookup, names_in, parse
from admf_ray.space.parameters import parameters_text

__all__ = ["check_constraint", "evaluate", "evaluate_array"]

Bools = NDArray[np.bool_]


def evaluate(text: str, values: Mapping[str, Any]) -> bool:
    """Tell whether the constraint holds for the values.

    Parameters
    ----------
    text : str
        Comparisons and ``and``/``or``/``not`` over parameter names and numbers; names may be dotted.
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

    def number(node: ast.expr) -> Any:
        found = value(node)
        if isinstance(found, str):
            raise TypeError("words cannot be calculated with")
        return found

    def value(node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.Name, ast.Attribute)):
            return lookup(text, dotted_name(node) or "", values)
        if isinstance(node, ast.BinOp):
            return ARITHMETIC[type(node.op)](number(node.left), number(node.right))
        if isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.Not):
                return not value(node.operand)
            return ARITHMETIC[type(node.op)](number(node.operand))
        if isinstance(node, ast.BoolOp):
            results = (value(part) for part in node.values)
            return all(results) if isinstance(node.op, ast.And) else any(results)
        assert isinstance(node, ast.Compare)
        left = value(node.left)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = value(right_node)
            if not COMPARISONS[type(op)](left, right):
                return False
            left = right
        return True

    try:
        return bool(value(parse(text)))
    except (TypeError, ArithmeticError) as error:
        raise _incomputable(text, error) from None


def evaluate_array(text: str, values: Mapping[str, NDArray[Any]]) -> Bools:
    """Tell for many points at once whether the constraint holds; equal to `evaluate` on each.

    Parameters
    ----------
    text : str
        As in `evaluate`.
    values : mapping of str to array (n,)
        float64 of numbers, text arrays of words; all of one length.

    Returns
    -------
    bool (n,)

    Raises
    ------
    ConfigError
        For unknown names, or where a point's value cannot be computed.

    Notes
    -----
    ``and``, ``or`` and chained comparisons look at a later part only for the points that need it, so
    ``b != 0 and a / b > 2`` is safe. Numbers are float64: whole numbers are exact below 2**53.

    Examples
    --------
    >>> evaluate_array("fast < slow", {"fast": np.array([5.0, 30.0]), "slow": np.array([20.0, 20.0])})
    array([ True, False])
    """
    tree = parse(text)
    columns = {name: lookup(text, name, values) for name in names_in(text)}
    n = len(next(iter(values.values()))) if values else 0
    every = np.arange(n)

    def number(node: ast.expr, rows: NDArray[np.intp]) -> NDArray[Any]:
        found = value(node, rows)
        if found.dtype.kind not in "fb":
            raise TypeError("words cannot be calculated with")
        return found.astype(np.float64)

    def truth(node: ast.expr, rows: NDArray[np.intp]) -> Bools:
        found = value(node, rows)
        return (
            found
            if found.dtype == np.bool_
            else np.asarray(found != ("" if found.dtype.kind == "U" else 0.0))
        )

    def value(node: ast.expr, rows: NDArray[np.intp]) -> NDArray[Any]:
        if isinstance(node, ast.Constant):
            given: Any = node.value  # a word or a number: `parse` lets nothing else by
            return np.full(rows.size, given if isinstance(given, str) else float(given))
        if isinstance(node, (ast.Name, ast.Attribute)):
            return columns[dotted_name(node) or ""][rows]
        if isinstance(node, ast.BinOp):
            return np.asarray(ARITHMETIC[type(node.op)](number(node.left, rows), number(node.right, rows)))
        if isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.Not):
                return ~truth(node.operand, rows)
            return np.asarray(ARITHMETIC[type(node.op)](number(node.operand, rows)))
        if isinstance(node, ast.BoolOp):
            wanted = isinstance(node.op, ast.And)
            result, open_rows = np.full(rows.size, wanted), np.arange(rows.size)
            for part in node.values:
                held = truth(part, rows[open_rows])
                result[open_rows] = held
                open_rows = open_rows[held == wanted]
            return result
        assert isinstance(node, ast.Compare)
        result, open_rows = np.zeros(rows.size, dtype=np.bool_), np.arange(rows.size)
        left = value(node.left, rows)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = value(right_node, rows[open_rows])
            held = _compare(op, left, right)
            result[:] = False
            open_rows, left = open_rows[held], right[held]
            result[open_rows] = True
        return result

    try:
        with np.errstate(divide="raise", invalid="raise", over="ignore"):
            return truth(tree, every)
    except (TypeError, ArithmeticError) as error:
        raise _incomputable(text, error) from None


def _compare(op: ast.cmpop, left: NDArray[Any], right: NDArray[Any]) -> Bools:
    if (left.dtype.kind == "U") != (right.dtype.kind == "U"):
        if isinstance(op, (ast.Eq, ast.NotEq)):
            return np.full(left.size, isinstance(op, ast.NotEq))
        raise TypeError("words and numbers have no order")
    return np.asarray(COMPARISONS[type(op)](left, right), dtype=np.bool_)


def _incomputable(text: str, error: Exception) -> ConfigError:
    zero = isinstance(error, (ZeroDivisionError, FloatingPointError))
    reason = "division by zero" if zero else str(error)
    return ConfigError(f"constraint {text!r}: cannot be computed ({reason}); mend it")


def check_constraint(where: str, text: str, values: Mapping[str, Any]) -> None:
    """Raise unless the constraint holds.

    Raises
    ------
    ConfigError
        The constraint does not hold.
    """
    if not evaluate(text, values):
        shown = parameters_text({name: values[name] for name in values if name in names_in(text)})
        raise ConfigError(f"{where}: must satisfy {text}, found {shown}; change one of them")
