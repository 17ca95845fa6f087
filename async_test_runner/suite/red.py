"""The tests that were red in an earlier run, as a question about collected tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from ..model.inventory import CollectedTest


def matcher(entries: Iterable[str], tests: Iterable[CollectedTest]) -> Callable[[CollectedTest], bool]:
    """Whether a test is meant by ids of an earlier collection.

    An id that is not collected any more means all that its function, class or file holds now: values in brackets may
    have changed, and of a file that could not be collected only the name is known.
    """
    wanted = set(entries)
    vanished = wanted - {test.id for test in tests}
    names = vanished | {_without_values(id) for id in vanished}
    return lambda test: test.id in wanted or not names.isdisjoint(_names(test.id))


def gone(entries: Collection[str], tests: Iterable[CollectedTest]) -> list[str]:
    """The entries that mean no collected test."""
    if not entries:
        return []
    known = {name for test in tests for name in _names(test.id)}
    return [id for id in entries if id not in known and _without_values(id) not in known]


def _without_values(id: str) -> str:
    return id.partition("[")[0]


def _names(id: str) -> set[str]:
    """The names that take a test: its own, those of its function, classes, file and directories, and none at all."""
    file, separator, name = id.partition("::")
    parts = _without_values(name).split("::") if separator else []
    directories = file.split("/")
    inside = {"::".join([file, *parts[:count]]) for count in range(len(parts) + 1)}
    return {id, "", *inside, *("/".join(directories[:count]) for count in range(1, len(directories)))}
