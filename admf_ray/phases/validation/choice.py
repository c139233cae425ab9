"""The choice as a small file: what was chosen, why, and the hashes of what it rests on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml

from admf_ray.cluster.jobs import StackNames
from admf_ray.components.user_files import import_components
from admf_ray.config.data import DataConfig
from admf_ray.config.yaml import read_yaml
from admf_ray.errors import ADMFError, ComponentError, ConfigError, DataError
from admf_ray.market import Bars, Window
from admf_ray.phases.search import training_bars
from admf_ray.phases.validation.case import Member, TestCase
from admf_ray.phases.validation.sealed import test_bars
from admf_ray.results.identity import code_digest, digest_of

__all__ = ["CHOICE", "Choice", "choice_text", "is_choice", "read_choice"]

CHOICE = "choice.yaml"
KEY = "choice"
Found = TypeVar("Found")
DIGEST = "digest"  # stands last, so that a file cut short has none


@dataclass(frozen=True)
class Choice:
    """What validation chose.

    Attributes
    ----------
    path : str or Path
        Its file.
    case : TestCase
    body : mapping
        All that the file says.
    """

    path: str | Path
    case: TestCase
    body: Mapping[str, Any]

    @property
    def fits(self) -> bool:
        """Whether one of its points has a `fit`."""
        return any(one.stack.strategy.fit is not None for one in self.case.parts)

    @property
    def last_day(self) -> str:
        """Last day of the data it was chosen and has learned on."""
        return str(self.body["data"]["training_days"][1])

    def data_of(self, name: str) -> DataConfig:
        """Return how its ``training`` or ``test`` data are read."""
        raw = self.body["data"][name]
        return DataConfig.model_validate({**raw, "source": str(raw.get("source"))})

    @cached_property
    def training(self) -> tuple[Bars, Window]:
        """The training data with all history before them, and the window trained on, as in validation.

        Raises
        ------
        DataError
            They are gone, or are others.
        """
        return self._unchanged("training", "chosen", training_bars)

    @cached_property
    def tested(self) -> tuple[Bars, int]:
        """The test data behind their history, and the first bar tested on.

        Raises
        ------
        DataError
            They, or the training data, are gone or are others.
        """
        training, _ = self.training
        return self._unchanged(
            "test", "tested", lambda data: test_bars(data, self.data_of("training"), training)
        )

    def _unchanged(
        self, name: str, what: str, read: Callable[[DataConfig], tuple[Bars, Found]]
    ) -> tuple[Bars, Found]:
        data = self.data_of(name)
        try:
            bars, found = read(data)
        except ADMFError as error:
            raise DataError(f"{self.path} data.{name}: needs the data it was {what} on: {error}") from None
        if bars.content_hash != self.body["data"][f"{name}_hash"]:
            raise DataError(
                f"{self.path} data.{name}: must be the data it was {what} on, found others in {data.source}; "
                f"bring them back or validate again"
            )
        return bars, found


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
        Training and test data as the configuration has them, their hashes, the training's first and last
        day, and the regimes' settings: what learns does so on the training data again.
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
        "code": _code(case),
        "data": data,
        "evidence": evidence,
    }
    body = json.loads(json.dumps(body))
    body[DIGEST] = _digest(body)
    head = "# What validation chose. `admf-ray backtest`, `run` and `signal` take this file.\n"
    return head + yaml.dump({KEY: body}, Dumper=_Plain, sort_keys=False, width=100)


class _Plain(yaml.SafeDumper):
    """Writes what stands twice twice: our own reader takes no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _digest(body: Mapping[str, Any]) -> str:
    """Return a digest of all that a choice says, but for where files are: they may be moved."""
    data = {
        name: {key: value for key, value in part.items() if key != "source"}
        if isinstance(part, dict)
        else part
        for name, part in body["data"].items()
    }
    kept = {key: value for key, value in body.items() if key not in (DIGEST, "strategies", "data")}
    return digest_of({**kept, "data": data})


def is_choice(path: str | Path) -> bool:
    """Tell whether a YAML file is a choice."""
    try:
        return KEY in read_yaml(path).value
    except ConfigError:
        return False


def read_choice(path: str | Path) -> Choice:
    """Return a choice.

    Raises
    ------
    ConfigError
        No choice, cut short or edited, or its code is another than when it was chosen.
    """
    body = read_yaml(path).value.get(KEY)
    if body is None:
        raise ConfigError(f"{path}: must be a choice of admf-ray run, found no '{KEY}'; give its choice.yaml")
    if not isinstance(body, dict) or DIGEST not in body:
        raise ConfigError(
            f"{path}: must be whole, found no '{KEY}.{DIGEST}' at its end; copy it from its run again"
        )
    if not isinstance(body.get("data"), dict) or _digest(body) != body[DIGEST]:
        raise ConfigError(
            f"{path}: must be as it was written, found it edited; where files are may be changed "
            f"(strategies, data.*.source), else validate again"
        )
    files = body.get("strategies") or ()
    files = (files,) if isinstance(files, str) else files
    if not isinstance(files, (list, tuple)) or not all(isinstance(one, str) for one in files):
        raise ConfigError(
            f"{path} strategies: must be a list of Python files, found {files!r}; write [FILE.py]"
        )
    try:
        for file in files:
            import_components(file)
        case = _case(body)
    except ComponentError as error:
        raise ConfigError(f"{path} strategies: {error}") from None
    others = [label for label, code in _code(case).items() if body["code"].get(label) != code]
    if others or case.identity != body["identity"]:
        raise ConfigError(
            f"{path}: must be of the code it was chosen with, found other code of {', '.join(others)}; go "
            f"back to it or validate again"
        )
    return Choice(path, case, body)


def _case(body: Mapping[str, Any]) -> TestCase:
    return TestCase(
        body["name"],
        body["kind"],
        _member(body["account"]),
        tuple(_member(one) for one in body["members"]),
        tuple(float(one) for one in body["weights"]),
        tuple(int(one) for one in body["by_regime"]),
    )


def _code(case: TestCase) -> dict[str, str]:
    """Return a digest of the code of each component, with all it imports, by label."""
    members = (case.account, *case.members)
    return {cls.label(): code_digest(cls) for one in members for _, cls in one.stack.classes}


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
