"""All faults, and the combination of launcher and isolation that the repository's plan runs of each."""

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


def chosen(fault: Fault, number: int) -> tuple[str, str]:
    """The one combination of launcher and isolation in which each commit runs the fault with this number.

    Faults that are alike stand next to each other, and neighbours get different combinations.
    """
    combinations = fault.combinations()
    return combinations[number % len(combinations)]
