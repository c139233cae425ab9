"""``admf-ray signal``: what the chosen strategy wants after the last bar."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click

from admf_ray.cli.options import data_options
from admf_ray.cli.places import LOCAL
from admf_ray.phases.signal import signal as run_signal

__all__ = ["signal"]


@click.command()
@click.argument("choice", type=LOCAL, metavar="CHOICE.yaml")
@data_options
@click.option("--start", help="First day on which an account follows it; bars before are history.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def signal(choice: Path, load: dict[str, Any], start: str | None, as_json: bool) -> None:
    """Print the position and the orders that CHOICE.yaml's strategy wants after the data's last bar."""
    found, held = run_signal(choice, start=start, **load)
    days = held.result.time_ns.astype("datetime64[ns]").astype("datetime64[m]")
    if as_json:
        rows = [{**one._asdict(), "orders": [_finite(order) for order in one.orders]} for one in found]
        click.echo(json.dumps({"after": str(days[-1]), "signals": rows}, indent=2))
        return
    click.echo(f"after the close of {days[-1]} UTC")
    for one in found:
        click.echo(f"{one.symbol}: weight {one.weight:g}, holds {one.position:,.4f}")
        for order in one.orders:
            price = "" if math.isnan(order["price"]) else f" at {order['price']:,.4f}"
            click.echo(f"  {order['kind']} order {order['qty']:+,.4f}{price} ({order['reason']})")
        if not one.orders:
            click.echo("  no order")


def _finite(order: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in order.items()}
