"""Which tests a test builds on, by the marks of pytest-dependency and pytest-depends.

Both plugins skip a test if one that it names has not passed *in its process*. So it has to be known who needs whom
before the tests are divided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from .items import item_id

_DEPENDENCY, _DEPENDS = "dependency", "depends"


class Relations:
    """The ids of the tests that a test names; empty for most suites, which have no such mark."""

    def __init__(self, items: Sequence[pytest.Item]) -> None:
        self._by_name: dict[str, list[pytest.Item]] = {}
        if any(item.get_closest_marker(_DEPENDENCY) or item.get_closest_marker(_DEPENDS) for item in items):
            for item in items:
                for name in _names(item):
                    self._by_name.setdefault(name, []).append(item)

    def of(self, item: pytest.Item) -> list[str]:
        """In no other process may these run."""
        if not self._by_name:
            return []
        found: dict[str, None] = {}
        for name, scope in _wanted(item):
            place = item.getparent(scope)
            for other in self._by_name.get(name, ()):
                if other is not item and other.getparent(scope) is place:
                    found[item_id(other)] = None
        return list(found)


def _names(item: pytest.Item) -> Iterator[str]:
    """What others may call it: a name of its own, its id, and its id within its file or class."""
    nodeid = str(item.nodeid)
    yield from {nodeid, *_tails(nodeid)}
    for mark in (item.get_closest_marker(_DEPENDENCY), item.get_closest_marker(_DEPENDS)):
        name = mark.kwargs.get("name") if mark is not None else None
        for each in [name] if isinstance(name, str) else name or []:
            if isinstance(each, str) and each not in (nodeid, *_tails(nodeid)):
                yield each


def _tails(nodeid: str) -> list[str]:
    parts = nodeid.split("::")
    return ["::".join(parts[start:]) for start in range(1, min(len(parts), 3))]


def _wanted(item: pytest.Item) -> Iterator[tuple[str, Any]]:
    dependency, depends = item.get_closest_marker(_DEPENDENCY), item.get_closest_marker(_DEPENDS)
    if dependency is not None:
        scope = _SCOPES.get(str(dependency.kwargs.get("scope", "module")), pytest.Session)
        yield from ((name, scope) for name in _strings(dependency.kwargs.get("depends")))
    if depends is not None:
        yield from ((name, pytest.Session) for name in _strings(depends.kwargs.get("on")))


_SCOPES: dict[str, Any] = {"module": pytest.Module, "class": pytest.Class, "package": pytest.Package}


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list | tuple) else []
