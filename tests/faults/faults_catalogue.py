"""All faults, and which combinations of launcher and isolation the repository's plan runs of each."""

from __future__ import annotations

from tests.faults import (
    faults_of_children,
    faults_of_ends,
    faults_of_input,
    faults_of_plugins,
    faults_of_state,
    faults_of_surroundings,
    faults_of_text,
    faults_of_time,
)
from tests.faults.fault import Fault

FAULTS: list[Fault] = [
    *faults_of_ends.FAULTS,
    *faults_of_time.FAULTS,
    *faults_of_state.FAULTS,
    *faults_of_text.FAULTS,
    *faults_of_children.FAULTS,
    *faults_of_plugins.FAULTS,
    *faults_of_surroundings.FAULTS,
    *faults_of_input.FAULTS,
]


def chosen(fault: Fault, number: int) -> set[tuple[str, str]]:
    """Combinations in which the fault meets each of its launchers and each of its isolations, as few as there can be.

    Most run exec with phase and warm with test, which takes the fewest processes; each fourth the other way round.
    """
    turned = number % 4 == 3
    isolations = fault.isolations[::-1] if turned else fault.isolations
    longest = max(len(fault.launchers), len(isolations))
    return {
        (fault.launchers[turn % len(fault.launchers)], isolations[turn % len(isolations)]) for turn in range(longest)
    }
