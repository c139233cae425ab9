"""What a page is made of: sections of prose, facts, tables and charts, before any of it is HTML."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

__all__ = ["Block", "Chart", "Charts", "Column", "Facts", "Kind", "Prose", "Section", "Table", "shown"]

WHOLE = re.compile(r"(=\s?-?\d+)\.0(?![\d.])")
Kind = Literal["text", "word", "long", "number", "percent", "integer", "p", "flag"]


def shown(value: Any, kind: Kind = "text") -> str:
    """Return a value as the report prints it everywhere.

    Parameters
    ----------
    value : object
        None and NaN are a dash.
    kind : Kind
        A text, an unbroken word, a sentence; a number with two decimals, a fraction as percent with one, a
        whole number, a p-value; yes or no. In texts ``fast=5.0`` is ``fast=5``.

    Examples
    --------
    >>> shown(-0.1234, "percent"), shown(0.00004, "p"), shown(float("nan"), "number")
    ('−12.3 %', '< 0.001', '–')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if kind == "flag":
        return "yes" if value else "no"
    if kind in ("text", "word", "long") or isinstance(value, str):
        return WHOLE.sub(r"\1", str(value))
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if kind == "p":
        return "< 0.001" if value < 0.001 else f"{value:.3f}"
    text = {"percent": f"{100 * value:,.1f} %", "integer": f"{value:,.0f}", "number": f"{value:,.2f}"}[kind]
    return text.replace("-", "−") if re.search("[1-9]", text) else text.replace("-", "")


@dataclass(frozen=True)
class Prose:
    """A paragraph.

    Attributes
    ----------
    text : str
    tone : {"plain", "lead", "note", "good", "bad"}
    """

    text: str
    tone: Literal["plain", "lead", "note", "good", "bad"] = "plain"


@dataclass(frozen=True)
class Column:
    """A table's column, or a figure in large type.

    Attributes
    ----------
    name : str
        Key of its values.
    title : str
    kind : Kind
    told : str
        What it means, shown when the title is pointed at and beneath the table.
    """

    name: str
    title: str
    kind: Kind = "text"
    told: str = ""


@dataclass(frozen=True)
class Facts:
    """Figures in large type.

    Attributes
    ----------
    items : sequence of (name, value, explanation)
        Texts.
    """

    items: Sequence[tuple[str, str, str]]

    @classmethod
    def of(cls, columns: Sequence[Column], values: Mapping[str, Any]) -> Facts:
        """Return those of the columns that have a value, as they are printed."""
        return cls([(c.title, shown(values[c.name], c.kind), c.told) for c in columns if c.name in values])


@dataclass(frozen=True)
class Table:
    """A table; columns that no row has are left out.

    Attributes
    ----------
    columns : sequence of Column
    rows : sequence of mapping
    caption : str
    marked : sequence of int
        Rows that stand out.
    """

    columns: Sequence[Column]
    rows: Sequence[Mapping[Any, Any]]
    caption: str = ""
    marked: Sequence[int] = ()

    @property
    def present(self) -> list[Column]:
        """The columns that some row has."""
        return [one for one in self.columns if any(one.name in row for row in self.rows)]


@dataclass(frozen=True)
class Chart:
    """A figure and what it says.

    Attributes
    ----------
    figure : plotly Figure
        Every text in it that a user gave has passed `style.plain`.
    title : str
    told : str
        How to read it.
    height : int
        Pixels.
    """

    figure: go.Figure
    title: str
    told: str = ""
    height: int = 420


@dataclass(frozen=True)
class Charts:
    """Charts side by side where there is room."""

    charts: Sequence[Chart]


Block = Prose | Facts | Table | Chart | Charts


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes
    ----------
    anchor, title : str
    question : str
        What it answers.
    blocks : sequence of Block
    """

    anchor: str
    title: str
    question: str
    blocks: Sequence[Block]
