"""The choice as a small file: what was chosen, why, and the hashes of what it rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from admf_ray.cluster.jobs import StackNames
from admf_ray.components.user_files import import_components
from admf_ray.config.yaml import read_yaml
from admf_ray.errors import ConfigError
from admf_ray.phases.validation.case import Member, TestCase

__all__ = ["CHOICE", "choice_text", "is_choice", "read_choice"]

CHOICE = "choice.yaml"
KEY = "choice"


def choice_text(case: TestCase, files: tuple[str, ...], evidence: Mapping[str, Any], data: Any) -> str:
    """Return the choice as YAML.

    Parameters
    ----------
    case : TestCase
    files : tuple of str
        Users' files with components.
    evidence : mapping
        Plain data, for people.
    data : mapping
        Training and test data as the configuration has them, and the regimes' settings; an adaptive strategy
        fits its classifier on the former again.
    """
    body = {
        "name": case.name,
        "kind": case.kind,
        "told": case.told(),
        "strategies": list(files),
        "account": _plain(case.account),
        "members": [_plain(one) for one in case.members],
        "weights": list(case.weights),
        "by_regime": list(case.by_regime),
        "identity": case.identity,
        "data": data,
        "evidence": evidence,
    }
    head = "# What validation chose. `admf-ray backtest`, `run` and `signal` take this file.\n"
    return head + yaml.dump({KEY: json.loads(json.dumps(body))}, Dumper=_Plain, sort_keys=False, width=100)


class _Plain(yaml.SafeDumper):
    """Writes what stands twice twice: our own reader takes no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def is_choice(path: str | Path) -> bool:
    """Tell whether a YAML file is a choice."""
    try:
        return KEY in read_yaml(path).value
    except ConfigError:
        return False


def read_choice(path: str | Path) -> tuple[TestCase, Mapping[str, Any]]:
    """Return a choice's test strategy and all that its file says.

    Raises
    ------
    ConfigError
        No choice, or its code is another than when it was chosen.
    """
    document = read_yaml(path)
    body = document.value.get(KEY)
    if not isinstance(body, dict) or "account" not in body:
        raise ConfigError(f"{path}: must be a choice of admf-ray run, found no '{KEY}'; give its choice.yaml")
    for file in body.get("strategies", ()):
        import_components(file)
    case = TestCase(
        body["name"],
        body["kind"],
        _member(body["account"]),
        tuple(_member(one) for one in body["members"]),
        tuple(float(one) for one in body["weights"]),
        tuple(int(one) for one in body["by_regime"]),
    )
    if case.identity != body["identity"]:
        raise ConfigError(
            f"{path}: must be of the code and parameters it was chosen with, found others; go back to "
            f"them or validate again"
        )
    return case, body


def _plain(member: Member) -> dict[str, Any]:
    names = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in member.names._asdict().items()
    }
    return {"components": names, "parameters": dict(member.parameters())}


def _member(raw: Mapping[str, Any]) -> Member:
    names = raw["components"]
    stack = StackNames(**{**names, "filters": tuple(names["filters"])}).build()
    return Member.of(stack, stack.vector(raw["parameters"]))
