"""Curves of growth with their drawdowns beneath."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from admf_ray.report.blocks import Chart
from admf_ray.report.style import BLUE, GREY, INK, ORANGE, axis, figure, plain, thinned

__all__ = ["drawdown", "equity_chart"]


def drawdown(growth: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the fraction below the running peak, <= 0; the peak is at least 1, where the curve begins.

    Examples
    --------
    >>> drawdown(np.array([0.9, 1.2, 0.6])).round(3).tolist()
    [-0.1, 0.0, -0.5]
    """
    return growth / np.maximum(np.maximum.accumulate(growth), 1.0) - 1.0


def equity_chart(
    title: str,
    time: Any,
    curves: dict[str, Any],
    told: str,
    lines: list[Any] | None = None,
    shade: Any = None,
    log: bool = False,
) -> Chart:
    """Return curves of growth with their drawdowns beneath, on one time axis.

    Parameters
    ----------
    title : str
    time : sequence of stamps (n_bars,)
    curves : dict of str to array (n_bars,)
        Growth of 1; at most four.
    told : str
    lines : list of stamps, optional
        Where thin vertical lines stand.
    shade : tuple of arrays, optional
        Times, lower and upper end of a band.
    log : bool
        Whether equal ratios are equally far apart.
    """
    traces: list[Any] = []
    if shade is not None:
        soft = {"width": 0, "color": GREY}
        traces += [
            go.Scatter(x=shade[0], y=shade[1], mode="lines", line=soft, hoverinfo="skip", showlegend=False),
            go.Scatter(
                x=shade[0],
                y=shade[2],
                mode="lines",
                line=soft,
                fill="tonexty",
                hoverinfo="skip",
                fillcolor="rgba(125,135,145,0.22)",
                name="90 % of resampled paths",
            ),
        ]
    stamps = pd.DatetimeIndex(pd.Series(time))
    for (name, curve), colour, dash in zip(
        curves.items(), (BLUE, ORANGE, INK, GREY), ("solid", "solid", "dot", "dash"), strict=False
    ):
        growth = np.asarray(curve, dtype=np.float64)
        below = drawdown(growth)
        kept = thinned(growth, below)
        line = {"color": colour, "width": 1.6, "dash": dash}
        group = {"x": stamps[kept], "mode": "lines", "line": line, "name": plain(name), "legendgroup": name}
        traces.append(go.Scatter(**group, y=growth[kept], hovertemplate="%{x|%Y-%m-%d} %{y:.3f}"))
        traces.append(
            go.Scatter(
                **group, y=below[kept], yaxis="y2", showlegend=False, hovertemplate="%{x|%Y-%m-%d} %{y:.1%}"
            )
        )
    thin = {"color": GREY, "width": 0.6, "dash": "dot"}
    shapes = [
        {
            "type": "line",
            "x0": at,
            "x1": at,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": thin,
            "layer": "below",
        }
        for at in lines or ()
    ]
    scale = "log" if log else "linear"
    found = figure(
        traces,
        xaxis=axis("time of the bar's close (UTC)", anchor="y2"),
        yaxis=axis("growth of 1, log scale" if log else "growth of 1", domain=[0.36, 1.0], type=scale),
        yaxis2=axis("drawdown", domain=[0.0, 0.3], tickformat=".0%"),
        shapes=shapes,
    )
    return Chart(found, title, told, 520)
