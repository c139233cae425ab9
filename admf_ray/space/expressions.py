"""Expressions that can only compare and calculate: what a constraint may be written as."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from admf_ray.errors import ConfigError, closest

__all__ = ["ARITHMETIC", "COMPARISONS", "dotted_name", "known_names", "lookup", "names_in", "parse"]

ARITHMETIC: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
COMPARISONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
MAX_CHARACTERS = 500
MAX_DEPTH = 50


@lru_cache(maxsize=4096)
def parse(text: str) -> ast.expr:
    """Return the expression's tree, which holds nothing but comparisons, arithmetic, names and constants.

    Raises
    ------
    ConfigError
        For anything else.
    """
    shown = text if len(text) <= 60 else text[:57] + "..."
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(
            f"constraint {shown!r}: must be at most {MAX_CHARACTERS} characters, found {len(text)}; split it"
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ConfigError(
            f"constraint {shown!r}: not an expression; write one such as 'fast < slow'"
        ) from None
    _check(tree, text)
    return tree


def _check(node: ast.expr, text: str, depth: int = 0) -> None:
    """Refuse whatever is neither a comparison, arithmetic, a name nor a number."""
    if depth > MAX_DEPTH:
        raise ConfigError(f"constraint {text[:40]!r}...: must nest at most {MAX_DEPTH} deep; split it")
    parts: list[ast.expr] = []
    allowed = False
    if isinstance(node, ast.Constant):
        allowed = isinstance(node.value, (int, float, str))
    elif isinstance(node, (ast.Name, ast.Attribute)):
        allowed = dotted_name(node) is not None
    elif isinstance(node, ast.BinOp):
        allowed, parts = type(node.op) in ARITHMETIC, [node.left, node.right]
    elif isinstance(node, ast.UnaryOp):
        allowed, parts = type(node.op) in ARITHMETIC or isinstance(node.op, ast.Not), [node.operand]
    elif isinstance(node, ast.BoolOp):
        allowed, parts = True, node.values
    elif isinstance(node, ast.Compare):
        allowed = all(type(op) in COMPARISONS for op in node.ops)
        parts = [node.left, *node.comparators]
    if not allowed:
        raise ConfigError(
            f"constraint {text!r}: only comparisons and arithmetic over parameters are allowed, found "
            f"{type(node).__name__}; rewrite it"
        )
    for part in parts:
        _check(part, text, depth + 1)


def dotted_name(node: ast.expr) -> str | None:
    """Return the dotted name that a node spells, such as ``risk.stop_loss_frac``."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted_name(node.value)
        return None if owner is None else f"{owner}.{node.attr}"
    return None


def names_in(text: str) -> tuple[str, ...]:
    """Return the parameters a constraint speaks of, in order of appearance.

    Raises
    ------
    ConfigError
        For anything beyond comparing and calculating.

    Examples
    --------
    >>> names_in("fast < slow and risk.stop_loss_frac > 0")
    ('fast', 'slow', 'risk.stop_loss_frac')
    """
    found: dict[str, None] = {}

    def visit(node: ast.AST) -> None:
        if isinstance(node, (ast.Name, ast.Attribute)):
            found[dotted_name(node) or ""] = None
            return
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(parse(text))
    return tuple(found)


def lookup(text: str, name: str, values: Mapping[str, Any]) -> Any:
    """Return a parameter's value.

    Raises
    ------
    ConfigError
        The expression speaks of a parameter that is not there.
    """
    if name not in values:
        raise ConfigError(
            f"constraint {text!r}: no parameter '{name}'{closest(name, values) or '; check it'}"
        )
    return values[name]


def known_names(text: str, names: Iterable[str]) -> None:
    """Raise unless the constraint speaks of these parameters only.

    Raises
    ------
    ConfigError
        It speaks of another one.
    """
    have = dict.fromkeys(names)
    for name in names_in(text):
        lookup(text, name, have)
