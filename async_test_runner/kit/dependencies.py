"""Dependencies of an application, overridden for a while and surely given back."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from .errors import KitError

_NOTHING = object()


@contextlib.contextmanager
def override_dependency(app: Any, dependency: Callable[..., Any], value: Any) -> Iterator[Any]:
    """While the block runs, ``dependency`` gives ``value``: a function is called in its place, anything else is given.

    Only this override is taken back afterwards, whatever happens in the block: an outer one is in force again.
    """
    is_provider = inspect.isroutine(value) or inspect.isclass(value)
    with overridden(app, dependency, value if is_provider else lambda: value):
        yield value


@contextlib.contextmanager
def overridden(app: Any, dependency: Callable[..., Any], provider: Callable[..., Any]) -> Iterator[None]:
    """Put ``provider`` in the place of ``dependency``."""
    known: dict[Any, Any] | None = getattr(app, "dependency_overrides", None)
    if known is None:
        raise KitError(
            f"{type(app).__name__} has no dependency_overrides",
            "give the FastAPI application itself, not what wraps it",
        )
    if not callable(dependency):
        raise KitError(f"{dependency!r} is no dependency", "name the function that stands in Depends(…)")
    before = known.get(dependency, _NOTHING)
    known[dependency] = provider
    try:
        yield
    finally:
        if before is _NOTHING:
            known.pop(dependency, None)
        else:
            known[dependency] = before
