"""Which tests of a session go to a worker together. Pure functions over pytest's items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest

_SLICE = 25  # tests in a slice, at most
_SHARES = 8  # slices per worker, at least, so that none idles long at the end


def units(positions: Mapping[str, int], wanted: Sequence[Sequence[str]]) -> Iterator[list[int]]:
    """Positions of the tests of each unit of a divided phase; ``positions`` is by id."""
    for unit in wanted:
        found = sorted(positions[id] for id in unit if id in positions)
        if found:
            yield found


def groups(items: Sequence[pytest.Item], workers: int) -> Iterator[list[int]]:
    """Positions in groups for one worker each: a file or a class where it has fixtures of that scope, else a slice."""
    size = max(1, min(_SLICE, len(items) // (workers * _SHARES)))
    scopes = [_scope(item) for item in items]
    group: list[int] = []
    for position, scope in enumerate(scopes):
        if group and (scope != scopes[position - 1] or (not scope and len(group) >= size)):
            yield group
            group = []
        group.append(position)
    if group:
        yield group


def _scope(item: pytest.Item) -> str:
    """The node whose tests must stay together with this one; empty when none must."""
    info = getattr(item, "_fixtureinfo", None)
    if info is None:
        return str(item.nodeid).partition("::")[0]
    found = {str(definition.scope) for definitions in info.name2fixturedefs.values() for definition in definitions}
    if found & {"package", "module"}:
        return str(item.nodeid).partition("::")[0]
    parent = item.getparent(pytest.Class)
    return str(parent.nodeid) if "class" in found and parent is not None else ""
