"""Which prepared values which points need, found before any is computed.

`prepare` is asked once with symbols in place of the parameters that vary; its calls are then laid out
for all points at once. A `prepare` that does more with a parameter than pass it on is asked point by
point.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admf_ray.components.tracing import Graph, Node, TracedBars
from admf_ray.engine.stack import Stack, Structure, prepared
from admf_ray.errors import ComponentError

__all__ = ["trace"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def trace(
    stack: Stack, structure: Structure, values: Floats, graph: Graph, *, skip_strategy: bool = False
) -> Ints:
    """Return the graph node of each prepared value of each point, shape (n_points, n_prepared).

    Parameters
    ----------
    stack : Stack
    structure : Structure
        The points' common structure.
    values : float64 array (n_points, n_columns)
    graph : Graph
        Takes the nodes.
    skip_strategy : bool
        Leave the strategy's own values out.
    """
    blocks = []
    for (key, cls), span, fields in zip(stack.classes, stack.spans, structure.fields, strict=True):
        if fields and not (skip_strategy and key == "strategy"):
            blocks.append(_trace_part(cls, fields, np.ascontiguousarray(values[:, span]), graph))
    return np.concatenate(blocks, axis=1) if blocks else np.empty((len(values), 0), dtype=np.int64)


def _trace_part(cls: type[Any], fields: tuple[str, ...], values: Floats, graph: Graph) -> Ints:
    varying = [k for k in range(values.shape[1]) if (values[:, k] != values[0, k]).any()]
    if varying and len(values) > 8:
        try:
            return _trace_symbols(cls, fields, values, varying, graph)
        except _NotPassedOnError:
            pass
    return _trace_points(cls, fields, values, graph)


def _trace_points(cls: type[Any], fields: tuple[str, ...], values: Floats, graph: Graph) -> Ints:
    bars = TracedBars(graph)
    known: dict[bytes, list[int]] = {}
    found = np.empty((len(values), len(fields)), dtype=np.int64)
    for i, row in enumerate(values):
        code = row.tobytes()
        if code not in known:
            nodes = prepared(cls, bars, cls.decode(row))
            known[code] = [_node(nodes, name, graph, cls).index for name in fields]
        found[i] = known[code]
    return found


def _node(nodes: Mapping[str, Any], name: str, graph: Graph, cls: type[Any]) -> Node:
    node = nodes.get(name)
    if not isinstance(node, Node) or node.graph is not graph:
        raise ComponentError(
            f"{cls.label()}.prepare: '{name}' must be an indicator of the bars, found "
            f"{type(node).__name__}; a number belongs in a Param"
        )
    return node


class _NotPassedOnError(BaseException):
    """A symbol was used for more than an indicator's argument.

    No Exception, so that nothing on its way takes it for a failure of `prepare`.
    """


class _Symbol:
    """Stands for a parameter while `prepare` is asked once for all points."""

    __slots__ = ("column",)

    def __init__(self, column: int) -> None:
        self.column = column

    def _refuse(self, *_: Any) -> Any:
        raise _NotPassedOnError

    __bool__ = __int__ = __float__ = __index__ = __str__ = __len__ = __iter__ = __getitem__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __abs__ = __round__ = __pow__ = __rpow__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _refuse

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Symbol):
            return self.column == other.column
        raise _NotPassedOnError

    def __hash__(self) -> int:
        return hash(("symbol", self.column))


def _trace_symbols(
    cls: type[Any], fields: tuple[str, ...], values: Floats, varying: list[int], graph: Graph
) -> Ints:
    names = list(cls.parameters)
    p = SimpleNamespace(**vars(cls.decode(values[0])))
    for k in varying:
        setattr(p, names[k], _Symbol(k))
    sketch = Graph()
    nodes = prepared(cls, TracedBars(sketch), p)
    if tuple(nodes) != fields:
        raise _NotPassedOnError
    laid: dict[int, Ints] = {}
    columns = [_lay(_node(nodes, name, sketch, cls), cls, values, graph, laid) for name in fields]
    return np.stack(columns, axis=1)


def _lay(node: Node, cls: type[Any], values: Floats, graph: Graph, laid: dict[int, Ints]) -> Ints:
    """Return the real node for each point of a sketched one, shape (n_points,)."""
    if node.index in laid:
        return laid[node.index]
    if isinstance(node.function, str):
        result = np.full(len(values), graph.column(node.function).index, dtype=np.int64)
    else:
        params = list(cls.parameters.values())
        codes: list[NDArray[Any]] = []
        for argument in node.arguments:
            if isinstance(argument, Node):
                codes.append(_lay(argument, cls, values, graph, laid).astype(np.float64))
            elif isinstance(argument, _Symbol):
                codes.append(values[:, argument.column])
        keys = np.stack(codes, axis=1) if codes else np.zeros((len(values), 1))
        distinct, inverse = _distinct(keys)
        found = np.empty(len(distinct), dtype=np.int64)
        for k, row in enumerate(distinct):
            given = iter(row)
            arguments: list[Any] = []
            for argument in node.arguments:
                if isinstance(argument, Node):
                    arguments.append(graph.nodes[int(next(given))])
                elif isinstance(argument, _Symbol):
                    arguments.append(params[argument.column].decode(next(given)))
                else:
                    arguments.append(argument)
            found[k] = graph.call(node.function, arguments).index
        result = found[inverse]
    laid[node.index] = result
    return result


def _distinct(keys: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Distinct rows and each row's place among them; several columns are folded into one number first."""
    code = np.zeros(len(keys), dtype=np.int64)
    for column in keys.T:
        values, place = np.unique(column, return_inverse=True)
        code = code * len(values) + place
        _, code = np.unique(code, return_inverse=True)
    _, first = np.unique(code, return_index=True)
    return keys[first], code
