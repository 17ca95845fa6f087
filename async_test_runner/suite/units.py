"""Which tests share a process: a phase divided by its isolation."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.inventory import CollectedTest
from ..model.plan import Phase
from ..model.vocabulary import Isolation


def units(phase: Phase, tests: Sequence[CollectedTest]) -> list[tuple[CollectedTest, ...]]:
    """The tests of a phase divided by its isolation, in the order of the collection."""
    if phase.isolation in (Isolation.PHASE, Isolation.CLEAN):  # the processes of a clean one are known at its end
        return [tuple(tests)] if tests else []
    grouped: dict[str, list[CollectedTest]] = {}
    for test in tests:
        grouped.setdefault(unit_key(phase.isolation, test), []).append(test)
    return [tuple(group) for group in grouped.values()]


def unit_key(isolation: Isolation, test: CollectedTest) -> str:
    """The same for tests that share a process."""
    if isolation in (Isolation.PHASE, Isolation.CLEAN):
        return ""
    if isolation is Isolation.TEST:
        return test.id
    if isolation is Isolation.CLASS and test.class_id:
        return test.class_id
    return test.file
