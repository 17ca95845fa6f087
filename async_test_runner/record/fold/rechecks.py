"""Red tests that are run once more, alone."""

from __future__ import annotations

from ...model.result import Recheck
from ...model.vocabulary import Outcome
from ..events import TestFinished, TestRechecked
from .books import Books
from .histories import HistoryFold


class RecheckFold:
    """Which tests of a phase are to be run once more, and what came of it."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._wanted: set[str] = set()
        self._told: dict[str, TestRechecked] = {}
        self._alone: dict[str, TestFinished] = {}  # retries that have shown what a recheck would

    def expect(self, event: TestFinished) -> None:
        """The attempt may be one that is followed by a recheck."""
        if event.recheck:
            self._wanted.add(event.id)
        if event.alone:
            self._alone[event.id] = event

    def add(self, event: TestRechecked, *, has_run: bool) -> None:
        """Take a recheck in, of a test that has had an attempt if all is well."""
        if not has_run:
            self._books.unplanned.append(event.id)
        elif event.id in self._told:
            self._books.duplicates.append(event.id)
        else:
            self._told[event.id] = event

    def of(self, id: str, histories: HistoryFold) -> Recheck | None:
        """What came of the recheck of a test; None for one that had none."""
        event = self._told.get(id) or self._alone.get(id)
        if event is None:
            return None
        history, position = histories.of(id)
        reason = event.reason if isinstance(event, TestRechecked) else ""
        return Recheck(
            outcome=event.outcome,
            passes=event.passes if isinstance(event, TestRechecked) else not event.fails,
            message=reason or next((detail.message for detail in event.details), ""),
            process=event.process,
            duration=event.duration,
            position=position,
            history=history,
        )

    def open(self) -> list[str]:
        """The tests that are yet to be run once more, sorted."""
        done = {id for id, event in self._told.items() if event.outcome is not Outcome.NOT_RUN}
        return sorted(self._wanted - done)

    def reopen(self) -> None:
        """The run is resumed: what could not be run may be now."""
        self._told = {id: event for id, event in self._told.items() if event.outcome is not Outcome.NOT_RUN}
