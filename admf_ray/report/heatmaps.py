"""Heatmaps of a strategy's scores over two parameters, the chosen point's plateau outlined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from admf_ray.report.blocks import Chart
from admf_ray.report.plateau import KEPT_FRAC, MOST_LEVELS, Side, cells, edges_of, plateau_of, reach, side_of
from admf_ray.report.style import BLUE, DIVERGING, INK, ORANGE, SEQUENTIAL, axis, figure, plain

__all__ = ["Mapped", "heatmaps", "lines_of", "word"]

Floats = NDArray[np.float64]
MOST_TICKS = 14
LIGHT, DARK = "#fffffe", "#000001"  # the same on light and dark pages: they stand on the map's own colours


@dataclass(frozen=True)
class Mapped:
    """One strategy's scored points over the training span.

    Attributes
    ----------
    strategy : str
    varied : list of str
    objective : str
    grid : DataFrame (n_points, ...)
        Points of the grid in lattice order, with ``score`` (higher is better) and, if `judged`,
        ``robust_score``.
    points : DataFrame
        The same and the neighbours off the grid.
    radius : int
    judged : bool
        Whether neighbourhoods were tested.
    """

    strategy: str
    varied: list[str]
    objective: str
    grid: pd.DataFrame
    points: pd.DataFrame
    radius: int
    judged: bool

    @cached_property
    def score(self) -> Floats:
        """Scores, higher better, (n_points,)."""
        return self.grid["score"].to_numpy(dtype=np.float64)

    @cached_property
    def robust(self) -> Floats:
        """What selects, (n_points,)."""
        return self.grid["robust_score"].to_numpy(dtype=np.float64) if self.judged else self.score

    @cached_property
    def chosen(self) -> int:
        """Row of the best point by what selects; the first of equals."""
        return int(np.argmax(np.nan_to_num(self.robust, nan=-np.inf)))

    @cached_property
    def peak(self) -> int:
        """Row of the raw optimum; the first of equals."""
        return int(np.argmax(np.nan_to_num(self.score, nan=-np.inf)))

    def value(self, row: int) -> float:
        """Return a point's objective."""
        return float(self.grid[self.objective].iloc[row])

    def name(self, row: int) -> str:
        """Return a point's parameters in words."""
        return ", ".join(f"{name} = {word(self.grid[name].iloc[row])}" for name in self.varied)

    def pair(self, importance: Mapping[str, float] | None) -> tuple[str, str]:
        """Return the two most important parameters, in the order of the grid."""
        weight = importance or {name: self._between(name) for name in self.varied}
        first = sorted(self.varied, key=lambda name: -weight.get(name, 0.0))[:2]
        x, y = sorted(first, key=self.varied.index)
        return x, y

    def _between(self, name: str) -> float:
        """Return the share of the score's variance that lies between a parameter's values."""
        known = np.isfinite(self.score)
        score = pd.Series(self.score[known])
        groups = score.groupby(self.grid[name].to_numpy()[known]).transform("mean")
        spread = float(score.var(ddof=0))
        return float(groups.var(ddof=0)) / spread if spread > 0 else 0.0


def heatmaps(one: Mapped, importance: Mapping[str, float] | None) -> list[list[Chart]]:
    """Return rows of two charts: others as at the chosen point and, if there are others, over all of them."""
    x, y = one.pair(importance)
    others = [name for name in one.varied if name not in (x, y)]
    sides = side_of(x, one.grid[x]), side_of(y, one.grid[y])
    same = np.ones(len(one.grid), dtype=np.bool_)
    for name in others:
        same &= (one.grid[name] == one.grid[name].iloc[one.chosen]).to_numpy()
    at = ", ".join(f"{name} = {word(one.grid[name].iloc[one.chosen])}" for name in others)
    rows = [_row(one, sides, same, f" at {at}" if others else "", mark=True)]
    if others:
        rows.append(_row(one, sides, np.ones_like(same), f", median over {', '.join(others)}", mark=False))
    return rows


def _row(
    one: Mapped, sides: tuple[Side, Side], kept: NDArray[np.bool_], where: str, *, mark: bool
) -> list[Chart]:
    x, y = sides
    raw = cells(x, y, np.where(kept, one.score, np.nan))
    maps = [("robust score", cells(x, y, np.where(kept, one.robust, np.nan)))] if one.judged else []
    maps.append((one.objective, raw))
    scale = _scale([values for _, values in maps])
    marks = _marks(one, sides, maps[0][1]) if mark else []
    merged = (
        " A cell is the median of several values." if MOST_LEVELS in (len(x.labels), len(y.labels)) else ""
    )
    unit = (
        f"{one.objective}, annualised" if one.objective in ("sharpe", "sortino", "calmar") else one.objective
    )
    return [
        Chart(
            _figure(sides, values, marks, scale, plain(unit)),
            f"{one.strategy}: {name}{where}",
            _told(one, name) + merged
            if mark
            else "The median of each cell: does the map hold beside the chosen values?",
            440,
        )
        for name, values in maps
    ]


def _told(one: Mapped, name: str) -> str:
    if name == "robust score":
        return (
            "25th percentile over each point and its neighbours. White line: cells connected with the "
            f"chosen point that keep {KEPT_FRAC:.0%} of its score. Dashed box: the neighbourhood that was "
            f"run, radius {one.radius}. Both maps share their colours."
        )
    return (
        f"Each point by itself. ◇ is the highest {name} anywhere on the grid, its other parameters left "
        "aside."
    )


def _scale(maps: list[Floats]) -> dict[str, Any]:
    """Return colours for all maps: about 0 where signs differ, else from the lowest to the highest."""
    known = np.concatenate([one[np.isfinite(one)] for one in maps])
    low, high = (float(one) for one in np.percentile(known, [1, 99])) if known.size else (0.0, 1.0)
    if low < 0 < high:
        most = max(-low, high)
        return {"colorscale": DIVERGING, "zmin": -most, "zmax": most}
    return {"colorscale": SEQUENTIAL, "zmin": low, "zmax": high if high > low else low + 1e-9}


def _figure(
    sides: tuple[Side, Side], values: Floats, marks: list[Any], scale: dict[str, Any], unit: str
) -> go.Figure:
    x, y = sides
    hover = [
        [f"{plain(x.name)} {plain(a)}<br>{plain(y.name)} {plain(b)}" for a in x.labels] for b in y.labels
    ]
    bar = {"title": {"text": unit, "side": "right"}, "thickness": 12, "outlinewidth": 0}
    gap = 1 if max(len(x.labels), len(y.labels)) < MOST_LEVELS else 0
    heat = go.Heatmap(
        z=values,
        text=hover,
        hovertemplate="%{text}<br>%{z:.3f}<extra></extra>",
        xgap=gap,
        ygap=gap,
        colorbar=bar,
        **scale,
    )
    return figure([heat, *marks], xaxis=_ticks(x), yaxis=_ticks(y))


def _ticks(side: Side) -> dict[str, Any]:
    n = len(side.labels)
    every = -(-n // MOST_TICKS)
    shown = list(range(0, n, every))
    return axis(
        plain(side.name),
        tickvals=shown,
        ticktext=[plain(side.labels[k]) for k in shown],
        range=[-0.5, n - 0.5],
        showgrid=False,
        zeroline=False,
        constrain="domain",
    )


def _marks(one: Mapped, sides: tuple[Side, Side], robust: Floats) -> list[Any]:
    """Return the plateau's outline, the neighbourhood's box, the chosen point and the raw optimum."""
    x, y = sides
    column, row = int(x.of[one.chosen]), int(y.of[one.chosen])
    found: list[Any] = []
    if one.judged:
        xs, ys = edges_of(plateau_of(robust, row, column))
        if xs:
            found += _cased(xs, ys, "plateau", {"width": 2.5})
        if x.at is not None and y.at is not None:
            left, right = _reach(one, x)
            low, high = _reach(one, y)
            found += _cased(
                [left, right, right, left, left],
                [low, low, high, high, low],
                "neighbourhood run",
                {"width": 1.5, "dash": "dot"},
            )
    chosen = "chosen (robust score)" if one.judged else "highest"
    found += _points(column, row, chosen, "star", one.name(one.chosen))
    if one.judged:
        at = int(x.of[one.peak]), int(y.of[one.peak])
        found += _points(*at, "raw optimum", "diamond-open", one.name(one.peak))
    return found


def _reach(one: Mapped, side: Side) -> tuple[float, float]:
    stored = one.points[side.name].to_numpy(dtype=np.float64)
    return reach(side, float(one.grid[side.name].iloc[one.chosen]), stored, one.radius)


def _cased(xs: Any, ys: Any, name: str, line: dict[str, Any]) -> list[Any]:
    """Return a white line in a black casing: seen on any colour."""
    shared = {"x": xs, "y": ys, "mode": "lines", "hoverinfo": "skip", "showlegend": False}
    return [
        go.Scatter(**shared, line={"color": DARK, "width": line["width"] + 2.5}),
        go.Scatter(**shared, line={"color": LIGHT, **line}),
        _key(name, mode="lines", line={"color": INK, **line}),
    ]


def _key(name: str, **look: Any) -> Any:
    """Return a legend's entry in the page's own ink: white would not be seen there."""
    return go.Scatter(x=[None], y=[None], name=name, **look)


def _points(x: int, y: int, name: str, symbol: str, told: str) -> list[Any]:
    """Return a white mark in a black casing, and its entry in the legend."""

    def mark(size: int, colour: str, width: float) -> dict[str, Any]:
        return {"symbol": symbol, "size": size, "color": colour, "line": {"width": width, "color": colour}}

    shared = {"x": [x], "y": [y], "mode": "markers", "showlegend": False}
    return [
        go.Scatter(**shared, marker=mark(15, DARK, 5), hoverinfo="skip"),
        go.Scatter(
            **shared, marker=mark(15, LIGHT, 2), hovertemplate=f"{name}<br>{plain(told)}<extra></extra>"
        ),
        _key(name, mode="markers", marker=mark(11, INK, 1.5)),
    ]


def lines_of(one: Mapped) -> Chart:
    """Return the scores along the only parameter."""
    side = side_of(one.varied[0], one.grid[one.varied[0]])
    order = np.argsort(side.of, kind="stable")
    x = side.of[order] if side.at is None else one.grid[side.name].to_numpy()[order]
    pairs = [("robust score", one.robust, BLUE)] if one.judged else []
    pairs.append((one.objective, one.score, ORANGE))
    traces = [
        go.Scatter(x=x, y=values[order], mode="lines+markers", name=plain(name), line={"color": colour})
        for name, values, colour in pairs
    ]
    found = figure(
        traces,
        xaxis=axis(plain(side.name)) if side.at is not None else _ticks(side),
        yaxis=axis(plain(one.objective)),
    )
    return Chart(
        found, f"{one.strategy}: scores along {side.name}", "A plateau is flat; a spike is luck.", 340
    )


def word(value: Any) -> str:
    """Return a parameter's value as a text."""
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)
