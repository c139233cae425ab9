"""The component list of a container: names to registered classes and their parameters."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from admf_ray.components.registry import find
from admf_ray.config.base import FrozenDict, Listed, Model, Name, Settings, refuse, shown
from admf_ray.errors import ADMFError, ConfigError

__all__ = ["CONFIGURABLE", "ComponentConfig", "Components", "check_component", "class_named"]

CONFIGURABLE = "configurable"
ONE_EACH = ("data_handler", "strategy", "portfolio", "risk_manager", "broker")


class ComponentConfig(Model):
    """One component of a container."""

    name: Name
    """Its name within the container."""
    class_: Name = Field(alias="class")
    """A registered class; `configurable` for the strategy that each point sets."""
    params: Settings = Field(default_factory=FrozenDict)
    """Parameters; the rest take their defaults."""
    shared_data: bool | None = None
    """Data handlers only; false gives each container a private copy."""

    @property
    def kind(self) -> str:
        """``strategy``, ``filter``, ``risk_manager``, ``broker``, ``portfolio`` or ``data_handler``."""
        return "strategy" if self.class_ == CONFIGURABLE else str(find(self.class_).kind)


def _distinct(components: tuple[ComponentConfig, ...]) -> tuple[ComponentConfig, ...]:
    seen: set[str] = set()
    for one in components:
        if one.name in seen:
            refuse(f"each component must have its own name, found '{one.name}' twice; rename one")
        seen.add(one.name)
    return components


Components = Annotated[tuple[ComponentConfig, ...], Listed, AfterValidator(_distinct)]


def _as_components(value: Any) -> Any:
    """Accept a class name, a mapping without `name`, or a list of these."""
    items = value if isinstance(value, (list, tuple)) else [value]
    found = []
    for item in items:
        if isinstance(item, str):
            item = {"name": item, "class": item}
        elif isinstance(item, dict) and "name" not in item and isinstance(item.get("class"), str):
            item = {"name": item["class"], **item}
        elif not isinstance(item, (dict, ComponentConfig)):
            refuse(f"must be a component's class or mapping, found {shown(item)}; name a registered class")
        found.append(item)
    return tuple(found)


NamedComponents = Annotated[
    tuple[ComponentConfig, ...],
    BeforeValidator(
        _as_components, json_schema_input_type=str | ComponentConfig | list[str | ComponentConfig]
    ),
    AfterValidator(_distinct),
]


def class_named(name: str, where: str, kind: str | None = None) -> type[Any]:
    """Return a registered class.

    Raises
    ------
    ConfigError
        None of that name or kind, with the closest match.
    """
    try:
        return find(name, kind)
    except ADMFError as error:
        rule, _, step = str(error).partition(": ")[2].partition("; ")
        raise ConfigError(f"{where}: {rule}, found '{name}'; {step}") from None


def check_component(component: ComponentConfig, where: str, only: str | None = None) -> str:
    """Check a component against its registered class and return its kind.

    Parameters
    ----------
    component : ComponentConfig
    where : str
        Key path of the component.
    only : str, optional
        The one kind allowed here.

    Raises
    ------
    ConfigError
        Unknown class, one of another kind, or parameters it does not take; begins with the key path.
    """
    if component.class_ == CONFIGURABLE:
        kind = "strategy"
        if only not in (None, kind):
            raise ConfigError(
                f"{where}.class: must be a {only}, found '{CONFIGURABLE}'; name a registered one"
            )
        if component.params:
            raise ConfigError(f"{where}.params: must be left out, the grid sets them; remove it")
    else:
        cls = class_named(component.class_, f"{where}.class", only)
        kind = cls.kind
        _check_params(cls, component, f"{where}.params")
    if component.shared_data is not None and kind != "data_handler":
        raise ConfigError(f"{where}.shared_data: must stand at a data handler, found at a {kind}; remove it")
    return kind


def _check_params(cls: type[Any], component: ComponentConfig, where: str) -> None:
    try:
        cls.check(component.params)
    except ADMFError as error:
        path, _, text = str(error).partition(": ")
        key = path.removeprefix(cls.label()).removeprefix(".")
        raise ConfigError(f"{where}{'.' + key if key else ''}: {text}") from None


def check_stack(components: tuple[ComponentConfig, ...], where: str) -> None:
    """Check that components make one container.

    Raises
    ------
    ConfigError
        A component is wrong, a kind stands twice that a container has once, or there is no strategy.
    """
    places: dict[str, str] = {}
    for k, component in enumerate(components):
        kind = check_component(component, f"{where}[{k}]")
        if kind in ONE_EACH and kind in places:
            raise ConfigError(
                f"{where}[{k}]: a container has one {kind}, found also '{places[kind]}'; remove one"
            )
        places[kind] = component.name
    if components and "strategy" not in places:
        raise ConfigError(f"{where}: must have a strategy, found none; add one with class: configurable")
