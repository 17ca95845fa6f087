"""The attempts of each planned test of a phase."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.inventory import TestRef
from ...model.result import Attempt
from ..events import TestFinished
from .books import Books


class AttemptFold:
    """Which attempts each test has had, which tests are to be tried again, and which fail although they are green."""

    def __init__(self, tests: Iterable[TestRef], books: Books) -> None:
        self._attempts: dict[str, tuple[Attempt, ...]] = {test.id: () for test in tests}
        self._books = books
        self._failing: set[str] = set()
        self._retrying: set[str] = set()
        self._after_others: set[str] = set()
        self._workers: dict[str, str] = {}  # each name once, however many attempts say it

    def add(self, event: TestFinished, process: str) -> bool:
        """Take an attempt in; False for one that does not count. ``process`` is the name that all its tests share."""
        before = self._attempts.get(event.id)
        if before is None:
            self._books.unplanned.append(event.id)
            return False
        if before and any(attempt.number == event.attempt for attempt in before):
            self._books.duplicates.append(event.id)
            return False
        worker = self._workers.setdefault(event.worker, event.worker)
        self._attempts[event.id] = (*before, _attempt(event, process, worker))
        if event.fails:
            self._failing.add(event.id)
        if event.outcome.is_red and event.nth:
            self._after_others.add(event.id)
        if event.retry:
            self._retrying.add(event.id)
        elif self._retrying:
            self._retrying.discard(event.id)
        return True

    def of(self, id: str) -> tuple[Attempt, ...]:
        """The attempts of a test in their order; none for one that is not planned."""
        return self._attempts.get(id, ())

    def fails(self, id: str) -> bool:
        """Whether a test fails although it is green in the end."""
        return id in self._failing

    @property
    def is_complete(self) -> bool:
        """Every test has its last attempt."""
        return not self._retrying and all(self._attempts.values())

    def settled(self) -> frozenset[str]:
        """The tests that have their last attempt."""
        return frozenset(id for id, attempts in self._attempts.items() if attempts and id not in self._retrying)

    def next(self) -> dict[str, int]:
        """The tests that are to be tried again -> the number of the attempt that follows."""
        return {id: self.of(id)[-1].number + 1 for id in sorted(self._retrying) if self.of(id)}

    def after_others(self) -> frozenset[str]:
        """The tests that are to be tried again, and were red after others in their process."""
        return frozenset(self._after_others & self._retrying)

    def done(self) -> set[tuple[str, int]]:
        """All attempts, as a test and a number."""
        return {(id, attempt.number) for id, attempts in self._attempts.items() for attempt in attempts}

    def replan(self, tests: Iterable[TestRef]) -> None:
        """The collection of a resumed run: attempts stay with their tests."""
        self._attempts = {test.id: self.of(test.id) for test in tests}


def _attempt(event: TestFinished, process: str, worker: str) -> Attempt:
    return Attempt(
        number=event.attempt,
        outcome=event.outcome,
        at=event.started or event.at,
        duration=event.duration,
        call=event.call,
        details=event.details,
        sections=event.sections,
        properties=event.properties,
        attributes=event.attributes,
        process=process,
        worker=worker,
        slot=event.slot,
    )
