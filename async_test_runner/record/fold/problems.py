"""What is nobody's test."""

from __future__ import annotations

from collections.abc import Container

from ...model.result import Problem
from ..events import ProblemFound


class ProblemFold:
    """All of them in their order."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def add(self, event: ProblemFound) -> None:
        """Take one in."""
        self._problems.append(event.problem)

    def all(self) -> tuple[Problem, ...]:
        """What was found."""
        return tuple(self._problems)

    def reopen(self, complete: Container[str]) -> None:
        """The run is resumed, with these phases complete.

        What stood in the way of the run is to be met again, if it is still there; what its tests have shown stays.
        """
        self._problems = [problem for problem in self._problems if problem.phase in complete or _stays(problem)]


def _stays(problem: Problem) -> bool:
    return problem.stays or (problem.kind != "infrastructure" and (bool(problem.phase) or problem.kind == "internal"))
