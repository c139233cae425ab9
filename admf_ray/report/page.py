"""The page: sections put into one HTML file that fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from admf_ray.report.blocks import Chart, Charts, Section, shown
from admf_ray.report.style import SWAPS, themes

__all__ = ["page"]


def page(title: str, subtitle: str, sections: Sequence[Section], footer: str) -> str:
    """Return a whole page.

    Parameters
    ----------
    title, subtitle, footer : str
    sections : sequence of Section

    Notes
    -----
    Every text is escaped where it enters; charts are JSON in which ``<`` does not occur. The browser is told
    to run only the two scripts of the page, by their hashes, and to load nothing: a name that got through
    could do nothing either. plotly.js stands in the page once, and not at all where there is no chart.
    """
    scripts = [get_plotlyjs(), _text("page.js")] if any(_has_chart(one) for one in sections) else []
    hashes = " ".join(f"'sha256-{_digest(one)}'" for one in scripts) or "'none'"
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; base-uri "
        "'none'; form-action 'none'"
    )
    return _template().render(
        title=title,
        subtitle=subtitle,
        sections=sections,
        footer=footer,
        shown=shown,
        figure=_json,
        policy=Markup(policy),
        css=Markup(_text("page.css")),
        look=_data({"swaps": SWAPS, "themes": themes()}),
        plotly=Markup(scripts[0]) if scripts else "",
        js=Markup(scripts[1]) if scripts else "",
    )


@cache
def _template() -> Template:
    house = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return house.from_string(_text("page.html"))


def _has_chart(section: Section) -> bool:
    return any(isinstance(block, Chart | Charts) for block in section.blocks)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _text(name: str) -> str:
    return files("admf_ray.report").joinpath(name).read_text(encoding="utf-8")


def _json(chart: Chart) -> Markup:
    return _in_script(chart.figure.to_json())


def _data(value: object) -> Markup:
    return _in_script(json.dumps(value))


def _in_script(text: str) -> Markup:
    """Return JSON that cannot end the element it stands in."""
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
