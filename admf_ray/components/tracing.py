"""Indicators as a graph: each distinct one is known before any is computed, and computed once.

In `prepare`, `bars` is a proxy whose columns are nodes; an indicator called on nodes returns a node.
Equal calls are one node, whichever point asked. Called on arrays, an indicator computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from admf_ray.errors import ComponentError, DataError
from admf_ray.market import Bars
from admf_ray.rules.compile import cached, kernel

__all__ = ["Graph", "Indicator", "Node", "TracedBars", "indicator"]

Array = NDArray[np.float64]


class Indicator:
    """A whole-array function that also traces.

    Parameters
    ----------
    function : callable
        Arrays (n_bars,) and numbers in, one array (n_bars,) out; value t from values up to t.
    across : bool
        Takes and returns (n_bars, n_symbols): ranks and other views over all symbols.

    Notes
    -----
    Compiled by numba when it can be, else called as plain Python, once per distinct argument.
    """

    def __init__(self, function: Callable[..., Any], across: bool = False) -> None:
        self.compiled = (
            function if isinstance(function, numba.core.dispatcher.Dispatcher) else kernel(function)
        )
        self.function: Callable[..., Any] = self.compiled.py_func
        self.across = across
        self.interpreted = False
        self.__name__ = self.function.__name__
        self.__doc__ = self.function.__doc__
        self.__module__ = self.function.__module__

    def __call__(self, *arguments: Any) -> Any:
        """Return a node for nodes, an array for arrays."""
        for argument in arguments:
            if isinstance(argument, Node):
                return argument.graph.call(self, arguments)
        return self.compute(*arguments)

    def compute(self, *arguments: Any) -> Any:
        """Compute on arrays."""
        if not self.interpreted:
            try:
                return cached(self.compiled)(*arguments)
            except NumbaError:
                self.interpreted = True
        return np.asarray(self.function(*arguments), dtype=np.float64)

    def __repr__(self) -> str:
        return f"<indicator {self.__name__}>"


def indicator(function: Callable[..., Any] | None = None, *, across: bool = False) -> Any:
    """Make an indicator of a whole-array function; usable as ``@indicator`` or ``@indicator(across=True)``.

    Examples
    --------
    >>> @indicator
    ... def spread(high, low):
    ...     return high - low
    """
    if function is None:
        return lambda f: Indicator(f, across)
    return Indicator(function, across)


class Node:
    """One distinct column or indicator call of a graph."""

    __slots__ = ("arguments", "function", "graph", "index")

    def __init__(self, graph: Graph, index: int, function: Any, arguments: tuple[Any, ...]) -> None:
        self.graph, self.index, self.function, self.arguments = graph, index, function, arguments

    def __add__(self, other: Any) -> Any:
        return _add(self, other)

    def __radd__(self, other: Any) -> Any:
        return _add(other, self)

    def __sub__(self, other: Any) -> Any:
        return _subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return _subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return _multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return _multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return _divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _divide(other, self)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            "prepare works on indicators, not on numbers: compare in decide, and put numpy code in a "
            "function of its own under @indicator"
        )

    __bool__ = __float__ = __getitem__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __array__ = __array_ufunc__ = __array_function__ = __iter__ = __len__ = __pow__ = __neg__ = _refuse


def _plain(name: str, function: Callable[..., Any]) -> Indicator:
    made = Indicator.__new__(Indicator)
    made.function, made.across, made.interpreted, made.__name__ = function, False, True, name
    return made


_add, _subtract = _plain("add", np.add), _plain("subtract", np.subtract)
_multiply, _divide = _plain("multiply", np.multiply), _plain("divide", np.divide)


class Graph:
    """All distinct nodes that some points asked for."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._index: dict[tuple[Any, ...], Node] = {}

    def column(self, name: str) -> Node:
        """Return the node of a column of the bars."""
        return self._intern(name, ())

    def call(self, function: Indicator, arguments: Sequence[Any]) -> Node:
        """Return the node of an indicator call."""
        return self._intern(function, tuple(arguments))

    def _intern(self, function: Any, arguments: tuple[Any, ...]) -> Node:
        key = (
            function if isinstance(function, str) else id(function),
            *((a.index,) if isinstance(a, Node) else (type(a), a) for a in arguments),
        )
        node = self._index.get(key)
        if node is None:
            node = Node(self, len(self.nodes), function, arguments)
            self.nodes.append(node)
            self._index[key] = node
        return node

    def compute(self, wanted: Sequence[int], bars: Bars, beat: Callable[[], None] | None = None) -> Array:
        """Compute the wanted nodes.

        Parameters
        ----------
        wanted : sequence of int
            Node indices.
        bars : Bars
        beat : callable, optional
            Called after each node.

        Returns
        -------
        float64 (len(wanted), n_bars, n_symbols)
            NaN where not yet known. Through a symbol's missing bars its last value stands.
        """
        table = np.empty((len(wanted), bars.n_bars, bars.n_symbols))
        needed = self._reach(wanted)
        keep = set(wanted)
        last_use = {i: max((n for n in needed if self._uses(n, i)), default=i) for i in needed - keep}
        values: dict[int, Array] = {}
        for index in sorted(needed):
            values[index] = _evaluate(self.nodes[index], values, bars)
            if beat is not None:
                beat()
            for done in [i for i, last in last_use.items() if last == index and i != index]:
                values.pop(done, None)
        for row, index in enumerate(wanted):
            own = values[index]
            table[row] = _carried(own, bars) if isinstance(self.nodes[index].function, str) else own
        return table

    def _uses(self, node: int, argument: int) -> bool:
        return any(isinstance(a, Node) and a.index == argument for a in self.nodes[node].arguments)

    def _reach(self, wanted: Sequence[int]) -> set[int]:
        seen: set[int] = set()
        stack = list(wanted)
        while stack:
            index = stack.pop()
            if index not in seen:
                seen.add(index)
                stack.extend(a.index for a in self.nodes[index].arguments if isinstance(a, Node))
        return seen


def column(bars: Bars, name: str) -> Array:
    """Return a column of the bars as float64 (n_bars, n_symbols).

    Raises
    ------
    DataError
        The data has no such column.
    """
    if name in ("day", "minute_of_day", "weekday"):
        values = np.asarray(getattr(bars, name), dtype=np.float64)
        return np.ascontiguousarray(np.broadcast_to(values[:, None], (bars.n_bars, bars.n_symbols)))
    found = bars.extra.get(name) if name in bars.extra else getattr(bars, name, None)
    if found is None:
        have = ["open", "high", "low", "close", *(["volume"] if bars.volume is not None else []), *bars.extra]
        raise DataError(f"bars.{name}: the data has no such column; it has {', '.join(have)}")
    return found


def _evaluate(node: Node, values: dict[int, Array], bars: Bars) -> Array:
    if isinstance(node.function, str):
        return column(bars, node.function)
    arguments = [values[a.index] if isinstance(a, Node) else a for a in node.arguments]
    shape = (bars.n_bars, bars.n_symbols)
    if node.function.across:
        return _checked(node, node.function.compute(*arguments), shape)
    result = np.empty(shape)
    for s in range(bars.n_symbols):
        here = [np.ascontiguousarray(a[:, s]) if isinstance(a, np.ndarray) else a for a in arguments]
        has_bar = np.isfinite(bars.close[:, s])
        if has_bar.all():
            result[:, s] = _checked(node, node.function.compute(*here), shape[:1])
        else:
            own = [a[has_bar] if isinstance(a, np.ndarray) else a for a in here]
            known = _checked(node, node.function.compute(*own), (int(has_bar.sum()),))
            place = np.cumsum(has_bar) - 1
            result[:, s] = np.where(place >= 0, known[np.maximum(place, 0)] if known.size else np.nan, np.nan)
    return result


def _carried(values: Array, bars: Bars) -> Array:
    """Return a column with each symbol's last value standing through its missing bars."""
    has_bar = np.isfinite(bars.close)
    if has_bar.all():
        return values
    steps = np.arange(bars.n_bars)[:, None]
    place = np.maximum.accumulate(np.where(has_bar, steps, -1), axis=0)
    carried = np.take_along_axis(values, np.maximum(place, 0), axis=0)
    return np.where(place >= 0, carried, np.nan)


def _checked(node: Node, result: Any, shape: tuple[int, ...]) -> Array:
    array = np.asarray(result, dtype=np.float64)
    if array.shape != shape:
        raise ComponentError(
            f"indicator {node.function.__name__}: must return one value per bar, shape {shape}, found "
            f"{array.shape}; return an array as long as its input"
        )
    return array


class TracedBars:
    """What `prepare` sees as `bars` while it is traced: columns by name."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def __getattr__(self, name: str) -> Node:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._graph.column(name)
