"""What a browser would see in a page, read without one."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """Elements, attributes, scripts and visible text of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.words, self.charts = [], [], [], []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = f"{tag}:{dict(attrs).get('type', '')}"

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script:":
            self.scripts.append(data)
        elif self._inside == "script:application/json":
            self.charts.append(json.loads(data))
        elif not self._inside.startswith("style"):
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))

    @property
    def headings(self):
        return [attrs["id"] for tag, attrs in self.elements if tag == "section"]

    @property
    def policy(self):
        return next(
            a["content"] for _, a in self.elements if a.get("http-equiv") == "Content-Security-Policy"
        )

    @property
    def figures(self):
        return [one for one in self.charts if "data" in one]

    def allowed(self, script):
        """Tell whether the page lets a script of its own run."""
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        return f"'sha256-{digest}'" in self.policy
