"""How charts look: a palette safe for the colour-blind, in light and dark."""

from __future__ import annotations

import html
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

__all__ = [
    "BLUE",
    "DIVERGING",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "PURPLE",
    "SEQUENTIAL",
    "SWAPS",
    "VERMILION",
    "axis",
    "figure",
    "plain",
    "row_axis",
    "themes",
    "thinned",
]

# Okabe and Ito (2008), "Color universal design"; each has a lighter twin for dark pages
BLUE, ORANGE, GREEN = "#0072b2", "#b87d00", "#00805d"
VERMILION, PURPLE, GREY, INK = "#c44e00", "#a8558a", "#7a828a", "#15191d"
SWAPS = {
    BLUE: "#5fb8f0",
    ORANGE: "#f0b840",
    GREEN: "#34c79c",
    VERMILION: "#ff8f4d",
    PURPLE: "#e09ac2",
    GREY: "#8d969f",
    INK: "#f2f5f8",
}
SEQUENTIAL = "Cividis"
DIVERGING = "RdBu"
MOST_MARKS = 1_500


def plain(text: Any) -> str:
    """Return a text such that a chart shows it letter by letter: charts read tags and entities."""
    return html.escape(str(text), quote=False)


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis with its title, unit included."""
    return {"title": {"text": title}, **more}


def row_axis(labels: list[str]) -> dict[str, Any]:
    """Return an upright axis of named rows at 0, 1, …, the first on top."""
    places = list(range(len(labels)))
    return axis("", tickvals=places, ticktext=labels, range=[len(places) - 0.4, -0.6], zeroline=False)


def figure(traces: list[Any], **layout: Any) -> go.Figure:
    """Return a figure with the house's margins and legend, colours left to the page's theme."""
    found = go.Figure(traces)
    found.update_layout(
        template="none",
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hoverlabel={"namelength": -1},
    )
    found.update_layout(**layout)
    found.update_xaxes(automargin=True)
    found.update_yaxes(automargin=True)
    return found


def themes() -> dict[str, Any]:
    """Return the templates of light and dark pages, as charts take them."""
    return {"light": _theme("#24292f", "#e3e6ea", "#ffffff"), "dark": _theme("#d4dae0", "#353c44", "#1b2026")}


def _theme(ink: str, grid: str, page: str) -> dict[str, Any]:
    side = {
        "gridcolor": grid,
        "linecolor": grid,
        "zerolinecolor": ink,
        "zerolinewidth": 1,
        "tickcolor": grid,
        "title": {"standoff": 10},
    }
    return {
        "layout": {
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": ink, "family": "system-ui, 'DejaVu Sans', sans-serif", "size": 12},
            "hoverlabel": {"bgcolor": page, "bordercolor": ink, "font": {"color": ink}},
            "xaxis": side,
            "yaxis": side,
            "hovermode": "closest",
        }
    }


def thinned(*curves: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return which bars of long curves to draw: in each stretch the lowest and highest of every curve.

    Examples
    --------
    >>> thinned(np.array([1.0, 3.0, 2.0])).tolist()
    [0, 1, 2]
    """
    n = len(curves[0])
    if n <= MOST_MARKS:
        return np.arange(n)
    edges = np.linspace(0, n, MOST_MARKS // (2 * len(curves)) + 1).astype(np.int64)
    kept = {0, n - 1}
    for a, b in pairwise(edges.tolist()):
        for curve in curves:
            own = np.where(np.isnan(curve[a:b]), 0.0, curve[a:b])
            kept |= {int(a + own.argmin()), int(a + own.argmax())}
    return np.array(sorted(kept), dtype=np.int64)
