"""Prices that a component's own functions hold: what no change of the bars can reach."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher
from numpy.typing import NDArray

from admf_ray.components.tracing import Indicator
from admf_ray.engine.probes.findings import Finding, finding_at
from admf_ray.engine.probes.prepared import Prepared
from admf_ray.engine.probes.runs import Case, prices_of
from admf_ray.market import Bars, Window

__all__ = ["probe_memorised"]

FEWEST = 16


def probe_memorised(prepared: Prepared, case: Case, bars: Bars, window: Window) -> list[Finding]:
    """Look in globals and closures of the stack's functions for tables of the data's own prices.

    Notes
    -----
    Found are bars, and arrays, series, lists and dictionaries of 16 numbers and more of which half are
    prices of these bars, or that have a number for every bar of the window. Numba freezes such an array
    into a compiled rule, where it can hold the future whatever the bars are changed to.
    """
    prices: NDArray[np.float64] | None = None  # sorting all of them takes its time, and few hold a table
    found: dict[tuple[str, str], Finding] = {}
    for component, what, function in _functions(prepared, case):
        for name, value in _held(function, set()):
            if isinstance(value, Bars):
                detail = f"global {name} holds bars; a component gets its data from the engine"
                found.setdefault((component, name), finding_at(bars, component, what, window.start, detail))
                continue
            numbers = _numbers(value)
            if numbers is None:
                continue
            prices = prices_of(bars) if prices is None else prices
            own = numbers[np.isin(numbers, prices)]
            if 2 * len(own) >= len(numbers) or len(numbers) >= window.n_bars:
                t = _first_bar(bars, own)
                detail = (
                    f"global {name} holds {len(numbers)} numbers, {len(own)} of them prices of these bars; "
                    f"a component gets its data from the engine"
                )
                found.setdefault((component, name), finding_at(bars, component, what, t, detail))
    return list(found.values())


def _functions(prepared: Prepared, case: Case) -> Iterator[tuple[str, str, Any]]:
    parts = {cls.label(): cls for _, cls in case.stack.classes}
    for label, cls in parts.items():
        for base in cls.__mro__:
            if base.__module__.startswith("admf_ray.components.base"):
                break
            for name, member in vars(base).items():
                function = member.__func__ if isinstance(member, (staticmethod, classmethod)) else member
                if isinstance(function, (types.FunctionType, Dispatcher)):
                    yield label, name, function
    for key, rule in case.stack.structure(case.row).rules:
        if isinstance(rule, Dispatcher):
            yield (case.stack.broker.label(), key, rule)
    for node in prepared.graph.nodes:
        if isinstance(node.function, Indicator):
            yield case.stack.strategy.label(), f"indicator {node.function.__name__}", node.function.function


def _held(function: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Globals and closure cells of a function and of those it calls, that are not modules or classes."""
    function = inspect.unwrap(function) if isinstance(function, types.FunctionType) else function
    function = function.py_func if isinstance(function, Dispatcher) else function
    function = function.function if isinstance(function, Indicator) else function
    if not isinstance(function, types.FunctionType) or id(function) in seen:
        return
    seen.add(id(function))
    names = [n for n in _names(function.__code__) if n in function.__globals__]
    values = [(n, function.__globals__[n]) for n in sorted(names)]
    for word, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            values.append((word, cell.cell_contents))
        except ValueError:  # not bound yet
            continue
    for name, value in values:
        if isinstance(value, (types.FunctionType, Dispatcher, Indicator)):
            yield from _held(value, seen)
        elif not isinstance(value, (types.ModuleType, type)):
            yield name, value


def _names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names


def _numbers(value: Any) -> NDArray[np.float64] | None:
    """Return the distinct finite numbers of a table, when there are enough."""
    if isinstance(value, dict):
        value = [v for pair in value.items() for v in pair if isinstance(v, (int, float))]
    elif not isinstance(value, (np.ndarray, list, tuple)):
        value = getattr(value, "values", None)  # a pandas object
    try:
        array = np.asarray(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        return None
    array = array[np.isfinite(array)]
    return array if array.size >= FEWEST else None


def _first_bar(bars: Bars, own: NDArray[np.float64]) -> int:
    columns = np.concatenate([bars.open, bars.high, bars.low, bars.close], axis=1)
    rows = np.flatnonzero(np.isin(columns, own).any(axis=1))
    return int(rows[0]) if rows.size else -1
