"""What the run is: data, points, windows, rules, and the digests that name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from admf_ray.report.blocks import Column, Facts, Prose, Section, Table, shown
from admf_ray.report.tables import Tables

__all__ = ["overview"]

FAILURES = (
    Column("strategy", "strategy"),
    Column("status", "status", told="failed, timeout, crashed or oom (out of memory)"),
    Column("points", "points", "integer", "Points with that status; they count as trials all the same"),
)
ORIGINS = (
    Column("strategy", "strategy"),
    Column("varied", "searched parameters"),
    Column("points", "points", "integer", "Points of the grid"),
    Column("off_grid", "neighbours off the grid", "integer", "Run only to judge the points' surroundings"),
    Column("code", "code", told="Digest of the sources of the strategy and all that it imports"),
    Column("engine", "engine", told="Digest of the engine's sources, and versions that move bits"),
    Column("digest", "rows", told="Digest that names the rows: equal digests hold interchangeable rows"),
)


def overview(run: Tables) -> Section | None:
    """Return what the run is of."""
    if not run.contexts:
        return None
    bars, mining, summary = run.manifest.get("bars", {}), run.mining, run.summary
    data, search = mining.get("data", {}), mining.get("parameter_search", {})
    first = run.contexts[0]
    spans = {name: stop - start for name, start, stop, *_ in first["windows"]}
    tests = [name for name in spans if name.startswith("test_")]
    items = [
        ("symbols", ", ".join(bars.get("symbols", ())) or "–", str(data.get("source", ""))),
        ("training span", _period(data, bars), f"{spans.get('full', 0):,} bars, {_rate(first)}"),
        ("points", shown(summary.get("points"), "integer"), _off_grid(summary)),
        ("walk-forward windows", f"{len(tests):,}", _windows(mining) if tests else "none were asked for"),
        ("objective", run.objective, f"points selected by {summary.get('select_by', '–')}"),
        ("neighbourhood", *_neighbourhood(search)),
    ]
    blocks: list[Any] = [Facts(items)]
    blocks += [Prose(text, "note") for text in summary.get("remarks", ())]
    blocks.append(Table(ORIGINS, _origins(run), "Strategies searched"))
    failed = _failed(run)
    if failed:
        blocks.append(Table(FAILURES, failed, "Points that did not finish"))
    blocks.append(
        Table((Column("what", "what"), Column("value", "value")), _settled(run), "Settled for all points")
    )
    return Section("run", "What was run", "Data, search, costs, seeds, and what names the code.", blocks)


def _origins(run: Tables) -> list[dict[str, Any]]:
    index = run.frame("index", "strategy", "off_grid")
    rows = []
    for one in run.contexts:
        engine = dict(one.get("engine", {}))
        source = engine.pop("sources", "")[:12]
        own = None if index is None else index[index["strategy"] == one["strategy"]]["off_grid"]
        rows.append(
            {
                "strategy": one["strategy"],
                "varied": ", ".join(one["varied"]),
                "points": None if own is None else int((~own).sum()),
                "off_grid": None if own is None else int(own.sum()),
                "code": one.get("code", "")[:12],
                "engine": ", ".join([source, *(f"{name} {value}" for name, value in engine.items())]),
                "digest": one.get("digest", "")[:12],
            }
        )
    return rows


def _failed(run: Tables) -> list[dict[str, Any]]:
    rows = []
    for one in run.contexts:
        counts = Counter(run.points(one)["status"])
        rows += [
            {"strategy": one["strategy"], "status": status, "points": count}
            for status, count in sorted(counts.items())
            if status != "ok"
        ]
    return rows


def _settled(run: Tables) -> list[dict[str, str]]:
    """Return costs, seeds and what else a reader would ask for first."""
    bars, mining = run.manifest.get("bars", {}), run.mining
    found = {
        "begun": run.manifest.get("created"),
        "admf_ray": run.manifest.get("admf_ray"),
        "bars, content hash": bars.get("hash"),
        "history before the span from": bars.get("first"),
        "warm-up": mining.get("warmup"),
        "search": mining.get("parameter_search", {}).get("method"),
    }
    found |= {
        f"{part['class']}.{name}": value
        for part in mining.get("container_components", ())
        for name, value in part.get("params", {}).items()
    }
    found |= {f"seed, {where}": seed for where, seed in _seeds(run.manifest.get("pipeline", {}))}
    return [{"what": name, "value": shown(value)} for name, value in found.items() if value not in (None, "")]


def _seeds(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        return []
    found = [(path, seed) for name, seed in value.items() if name == "seed" and seed is not None]
    for name, inner in value.items():
        found += _seeds(inner, f"{path}.{name}" if path else str(name))
    return found


def _period(data: Mapping[str, Any], bars: Mapping[str, Any]) -> str:
    return f"{data.get('start') or bars.get('first', '–')} to {data.get('end') or bars.get('last', '–')}"


def _rate(context: Mapping[str, Any]) -> str:
    return f"{context.get('bars_per_year', 0):g} a year"


def _off_grid(summary: Mapping[str, Any]) -> str:
    return f"and {summary.get('off_grid', 0):,} neighbours off the grid"


def _windows(mining: Mapping[str, Any]) -> str:
    walk = mining.get("walk_forward", {})
    return (
        f"{walk.get('mode', '')}: train {walk.get('training_window', '–')}, test "
        f"{walk.get('test_window', '–')}, step {walk.get('step_size', '–')}"
    )


def _neighbourhood(search: Mapping[str, Any]) -> tuple[str, str]:
    near = search.get("neighborhood_testing", {})
    if not near.get("enabled"):
        return "off", "nothing tells plateaus from luck"
    return (
        f"radius {near.get('radius', '–')}",
        f"{near.get('shape', '')}, resolution {near.get('resolution', '')}",
    )
