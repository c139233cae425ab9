"""The few lines of a compiled stack that depend on its components' names and counts."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Part", "generate"]


@dataclass(frozen=True)
class Part:
    """One component of a stack as the generated text needs it.

    Attributes
    ----------
    key : str
        Field of the parameters: ``strategy``, ``filter0``, ``risk``, ``broker``, ``portfolio``.
    cls : type
    fields : tuple of str
        Names of its prepared values.
    """

    key: str
    cls: type[Any]
    fields: tuple[str, ...]

    @property
    def params(self) -> tuple[str, ...]:
        """Names of its parameters, in order."""
        return tuple(self.cls.parameters)

    @property
    def rule(self) -> Any:
        """Its per-bar rule: decide or admit; None for the others."""
        found = getattr(self.cls, "decide", None) or getattr(self.cls, "admit", None)
        return found if self.key == "strategy" or self.key.startswith("filter") else None


def generate(parts: Sequence[Part]) -> str:
    """Return the source that reads parameters, prepared values and memory, and chains the filters.

    Parameters
    ----------
    parts : sequence of Part
        Strategy, filters, risk, broker, portfolio.
    """
    lines = ["from collections import namedtuple", "import numpy as np", "from numba import njit", ""]
    lines += _params(parts) + _rows(parts) + _memory(parts)
    for place, part in enumerate(p for p in parts if p.rule is not None):
        lines += _call(place, part)
    lines += _chain([p for p in parts if p.rule is not None])
    return "\n".join(lines) + "\n"


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def _rule(head: str, *body: str) -> list[str]:
    return ["@rule", f"def {head}:", *(f"    {line}" for line in body), ""]


def _params(parts: Sequence[Part]) -> list[str]:
    lines, reads, offset = [], [], 0
    for part in parts:
        names = part.params or ("nothing",)
        lines.append(f"P_{part.key} = namedtuple('P_{part.key}', {names!r})")
        codes = [f"v[i, {offset + k}]" for k in range(len(part.params))] or ["0.0"]
        reads.append(f"P_{part.key}({', '.join(codes)})")
        offset += len(part.params)
    keys = tuple(part.key for part in parts)
    lines += [f"Params = namedtuple('Params', {keys!r})", ""]
    return lines + _rule("read_params(v, i)", f"return Params({', '.join(reads)})")


def _rows(parts: Sequence[Part]) -> list[str]:
    lines, offset = [], 0
    for part in parts:
        if part.fields:
            lines.append(f"N_{part.key} = namedtuple('N_{part.key}', {part.fields!r})")
            cells = ", ".join(f"cell(table, rows[{offset + k}], t, s)" for k in range(len(part.fields)))
            lines += _rule(f"{part.key}_now(table, rows, t, s)", f"return N_{part.key}({cells})")
        else:
            lines += _rule(f"{part.key}_now(table, rows, t, s)", "return (0.0,)")
        offset += len(part.fields)
    places = [f"ix[i, {k}]" for k in range(offset)] or ["0"]
    lines += _rule("read_rows(ix, i)", f"return {_tuple(places)}")
    body = ["ready = 0"] + [f"ready = max(ready, first[rows[{k}], s])" for k in range(offset)]
    lines += _rule("ready_at(first, rows, s)", *body, "return ready")
    lines += _rule("distance(table, rows, t, s)", "return distance_rule(risk_now(table, rows, t, s))")
    return lines


def _memory(parts: Sequence[Part]) -> list[str]:
    loads, stores, offset = [], [], 0
    for place, part in enumerate(p for p in parts if p.rule is not None):
        count = len(part.cls.memory)
        loads.append(_tuple([f"a[s, {offset + k}]" for k in range(count)]) if count else "()")
        stores += [f"a[s, {offset + k}] = memory[{place}][{k}]" for k in range(count)]
        offset += count
    return _rule("load_memory(a, s)", f"return {_tuple(loads)}") + _rule(
        "store_memory(a, s, memory)", *(stores or ["pass"])
    )


def _call(place: int, part: Part) -> list[str]:
    """One rule behind a fixed signature, whatever arguments its author asked for."""
    asked = list(inspect.signature(part.rule.py_func).parameters)
    given = {
        "now": f"{part.key}_now(table, rows, t, s)",
        "prev": f"{part.key}_now(table, rows, max(t - 1, 0), s)",
        "p": f"p.{part.key}",
        "memory": f"memory[{place}]",
    }
    call = f"rule_{part.key}({', '.join(given.get(name, name) for name in asked)})"
    if "memory" not in asked:
        return _rule(
            f"call_{part.key}(table, rows, t, s, weight, held, p, memory)", f"return float({call}), memory"
        )
    slots = [f"memory[{k}]" for k in range(place)] + ["own"]
    return _rule(
        f"call_{part.key}(table, rows, t, s, weight, held, p, memory)",
        f"weight, own = {call}",
        f"{''.join(f'own{k}, ' for k in range(len(part.cls.memory)))}= own",  # no other length compiles
        f"return float(weight), {_tuple(slots)} + memory[{place + 1}:]",
    )


def _chain(ruled: Sequence[Part]) -> list[str]:
    compiled = ruled and ruled[0].key == "strategy"
    lines = _rule(
        "decide(table, rows, t, s, held, p, memory)",
        "return call_strategy(table, rows, t, s, 0.0, held, p, memory)"
        if compiled
        else "return np.nan, memory",
    )
    filters = [part for part in ruled if part.key != "strategy"]
    calls = [f"call_{part.key}(table, rows, t, s, weight, held, p, memory)" for part in filters]
    lines += _rule(
        "admit(table, rows, t, s, weight, held, p, memory)",
        *(f"weight, memory = {call}" for call in calls),
        "return weight, memory",
    )
    choices = [line for k, call in enumerate(calls) for line in (f"if k == {k}:", f"    return {call}")]
    return lines + _rule(
        "admit_one(k, table, rows, t, s, weight, held, p, memory)", *choices, "return weight, memory"
    )
