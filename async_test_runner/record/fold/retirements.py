"""In how many processes the tests of a clean phase ran, and what has ended them."""

from __future__ import annotations

from ...model.result import Retirement
from ...model.vocabulary import Isolation
from ..events import TestFinished, WorkerRetired


class RetirementFold:
    """All of one phase, in their order."""

    def __init__(self, isolation: Isolation) -> None:
        self._is_clean = isolation is Isolation.CLEAN
        self._found: list[Retirement] = []
        self.processes = 0

    def finish(self, event: TestFinished) -> None:
        """An attempt is over; the first one of a process counts the process."""
        if self._is_clean and event.nth == 0:
            self.processes += 1

    def add(self, event: WorkerRetired) -> None:
        """A process is at its end."""
        self._found.append(Retirement(event.process, event.worker, event.id, event.why))

    def all(self) -> tuple[Retirement, ...]:
        """What ended them, in their order."""
        return tuple(self._found)
