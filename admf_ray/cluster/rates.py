"""What work cost before, kept beside the compiled code: a machine's figures, no part of any result."""

from __future__ import annotations

import json

from admf_ray.cluster.schedule import Rates
from admf_ray.errors import StoreError
from admf_ray.files import written_whole
from admf_ray.rules.compile import cache_root

__all__ = ["keep_rates", "known_rates"]

FILE = "rates.json"
MOST_KEPT = 1_000


def known_rates() -> Rates:
    """Return measured costs of earlier runs on this machine; none where nothing readable is there."""
    try:
        found = json.loads((cache_root() / FILE).read_text())
        return Rates(
            {str(key): {"ns": float(v["ns"]), "bytes": float(v["bytes"])} for key, v in found.items()}
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Rates()


def keep_rates(rates: Rates) -> None:
    """Keep measured costs, the newest thousand; one that cannot be kept is measured again."""
    newest = dict(list(rates.known.items())[-MOST_KEPT:])
    try:
        with written_whole(cache_root() / FILE) as file:
            file.write(json.dumps(newest).encode())
    except StoreError:
        pass
