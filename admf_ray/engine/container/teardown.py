"""The end of a container's components: all of them, last first, whatever any of them does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from admf_ray.components.base import Component
from admf_ray.errors import ComponentError
from admf_ray.logs import get_logger

__all__ = ["Failures", "raise_failures", "said", "tear_down"]

Failures = list[tuple[str, BaseException]]
log = get_logger(__name__)


def tear_down(
    begun: list[str],
    get: Callable[[str], Component],
    working: Callable[[str], AbstractContextManager[None]],
) -> Failures:
    """Tear down the components and return what they raised.

    Parameters
    ----------
    begun : list of str
        Components whose initialisation began, in that order; emptied.
    get : callable
        Component by name.
    working : callable
        Context of a piece of work by its description.
    """
    failures: Failures = []
    while begun:
        name = begun.pop()
        component = get(name)
        if not hasattr(component, "teardown"):
            continue
        with working(f"teardown of '{name}'"):
            try:
                component.teardown()
            except BaseException as error:
                failures.append((name, error))
                log.error("teardown of '%s' raised %s", name, said(error))
    return failures


def raise_failures(where: str, failures: Failures) -> None:
    """Raise one error that names all failures, if there are any.

    Raises
    ------
    ComponentError
        There are; an interrupt among them is raised itself.
    """
    for _, error in failures:
        if not isinstance(error, Exception):
            raise error
    if failures:
        found = "; ".join(f"'{name}' raised {said(error)}" for name, error in failures)
        raise ComponentError(
            f"{where}: teardown must not fail, found {found}; mend it, the rest was torn down"
        ) from failures[0][1]


def said(error: BaseException) -> str:
    """Return an error's type and message on one line."""
    return f"{type(error).__name__}: {error}"
