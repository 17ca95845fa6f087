"""Tests that build on others, and processes that keep them apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..model.errors import UsageError
from ..model.inventory import CollectedTest, PytestFacts
from ..model.plan import Phase
from ..model.vocabulary import Isolation
from ..words.wording import listed, printable
from .assignment import AssignedPhase
from .units import unit_key
from .workers import workers_of

_SHOWN = 10
_ORDER_MARKS = ("order", "run")  # pytest-order's, and its older name


class Apart(msgspec.Struct, frozen=True):
    """A test and one that it needs, in different processes. ``phases`` are theirs."""

    test: CollectedTest
    needed: CollectedTest
    phases: tuple[Phase, Phase]


def apart(phases: Sequence[AssignedPhase], facts: PytestFacts) -> list[Apart]:
    """Every test that would not find in its process what it needs. What no phase runs is missing under pytest too."""
    homes = {test.id: (assigned.phase, test) for assigned in phases for test in assigned.tests}
    return [
        Apart(test, homes[needed][1], (phase, homes[needed][0]))
        for phase, test in homes.values()
        for needed in test.depends
        if needed in homes and _process(phase, test, facts) != _process(*homes[needed], facts)
    ]


def _process(phase: Phase, test: CollectedTest, facts: PytestFacts) -> tuple[str, str]:
    undivided = phase.isolation is Isolation.PHASE and workers_of(phase, facts) > 1
    if undivided or phase.isolation is Isolation.CLEAN:
        return phase.name, test.id  # any worker may get it
    return phase.name, unit_key(phase.isolation, test)


def check(path: str, phases: Sequence[AssignedPhase], facts: PytestFacts) -> None:
    """``UsageError`` for tests that would be skipped because what they need has run elsewhere. ``path``: the plan's."""
    found = apart(phases, facts)
    if not found:
        return
    phase = found[0].phases[0]
    lines = [f"  {printable(each.test.id)} needs {printable(each.needed.id)}" for each in found[:_SHOWN]]
    more = [f"  and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    raise UsageError(
        f"{path}:{phase.line}: phase {phase.name}: tests would be skipped, "
        "as others that they need by their marks run in another process:\n" + "\n".join([*lines, *more]),
        hint=_remedy(found, phase),
    )


def _remedy(found: Sequence[Apart], phase: Phase) -> str:
    if any(one.name != other.name for one, other in (each.phases for each in found)):
        return "let one phase take both, with `isolation: phase` and `workers: 1`"
    if all(each.test.file == each.needed.file for each in found):
        return f"set `isolation: file` in phase {phase.name}"
    return f"set `isolation: phase` and `workers: 1` in phase {phase.name}"


def notes(phases: Sequence[AssignedPhase], facts: PytestFacts) -> list[str]:
    """What several processes at a time cannot keep: the order that marks ask for."""
    said = []
    for assigned in phases:
        marks = sorted({mark for test in assigned.tests for mark in test.marks if mark in _ORDER_MARKS})
        if marks and workers_of(assigned.phase, facts) > 1:
            text = f"phase {assigned.phase.name}: its workers do not keep the order of the marks {listed(marks)}"
            said.append(f"{text}; `workers: 1` does")
    return said
