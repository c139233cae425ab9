"""What is in a container, by name: shared services and components."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from admf_ray.components.base import Component
from admf_ray.engine.container.dependencies import initialisation_order
from admf_ray.engine.container.frozen import freeze
from admf_ray.engine.container.specification import ComponentSpec
from admf_ray.errors import ComponentError, closest

__all__ = ["Contents"]


class Contents:
    """Services and components of one container.

    Parameters
    ----------
    where : str
        Who speaks in error messages.
    reserved : collection of str
        Names taken by the container itself.
    """

    def __init__(self, where: str, reserved: Collection[str]) -> None:
        self._where = where
        self._reserved = reserved
        self._services: dict[str, Any] = {}
        self._specs: dict[str, ComponentSpec] = {}
        self._components: dict[str, Component] = {}

    def share(self, name: str, service: object) -> Any:
        """Freeze a service, keep it and return it.

        Raises
        ------
        ComponentError
            The name is taken, or the service cannot be frozen.
        """
        self.check_name(name)
        self._services[name] = freeze(service, name)
        return self._services[name]

    def add(self, spec: ComponentSpec, component: Component) -> None:
        """Keep a component under its checked name."""
        self._specs[spec.name] = spec
        self._components[spec.name] = component

    def check_name(self, name: str) -> None:
        """Refuse a name that is taken or none.

        Raises
        ------
        ComponentError
            It is.
        """
        if not isinstance(name, str) or not name or name.startswith("_"):
            raise ComponentError(
                f"{self._where}: must be named by text without leading '_', found {name!r}; rename it"
            )
        if name in self._services or name in self._components:
            raise ComponentError(f"{self._where}: a name serves once, found '{name}' again; choose another")
        if name in self._reserved:
            raise ComponentError(
                f"{self._where}: must not hide what every container has, found '{name}'; choose another name"
            )

    def order(self) -> tuple[str, ...]:
        """Return the components' names in the order of initialisation.

        Raises
        ------
        ComponentError
            Something needed is not there, or components need each other in a circle.
        """
        needs = {name: spec.needs for name, spec in self._specs.items()}
        return initialisation_order(self._where, needs, self._services)

    def get(self, name: str, asking: str = "", ready: Collection[str] = ()) -> Any:
        """Return a component or service.

        Parameters
        ----------
        name : str
        asking : str
            The component that is being initialised, if one is.
        ready : collection of str
            Components that such a one may have.

        Raises
        ------
        ComponentError
            There is none, or it is not ready for who asks.
        """
        if name in self._services:
            service = self._services[name]
            return copy.deepcopy(service) if asking and not self._specs[asking].shared_data else service
        if name not in self._components:
            have = [*self._components, *self._services]
            hint = closest(name, have) or f"; has {', '.join(have) or 'none'}"
            raise ComponentError(f"{self._where}: no component or service '{name}'{hint}")
        if asking and name not in ready:
            raise ComponentError(
                f"{self._where}: '{asking}' asks for '{name}', found it not yet initialized; "
                f"add it to requires or depends_on of '{asking}'"
            )
        return self._components[name]

    def clear(self) -> None:
        """Let go of everything."""
        self._services, self._specs, self._components = {}, {}, {}
