"""Why a test has no attempt: it will not run, it was in flight when the run ended, or the run did not come to it."""

from __future__ import annotations

from ..events import TestNotRun, TestStarted
from .hangs import HangFold

IN_FLIGHT = "in flight when the run ended"
NOT_REACHED = "the run ended before it"


class UnfinishedFold:
    """The tests of a phase that run, and those that will not."""

    def __init__(self) -> None:
        self._running: set[str] = set()
        self._reasons: dict[str, str] = {}

    def start(self, event: TestStarted) -> None:
        """A test runs; one that is only run once more has its outcome."""
        if not event.recheck:
            self._running.add(event.id)

    def over(self, id: str) -> None:
        """A test has an attempt."""
        self._running.discard(id)

    def add(self, event: TestNotRun) -> None:
        """Tests will not run."""
        self._reasons.update(dict.fromkeys(event.ids, event.reason))

    def of(self, id: str, hangs: HangFold, *, ended: bool) -> str:
        """Why a test has no attempt; empty where the phase has ``ended`` without saying so."""
        if reason := self._reasons.get(id):
            return reason
        if id in self._running:
            likely = hangs.of(id)
            at = f"; it hangs, most likely: {likely}" if likely is not None else ""
            return f"{IN_FLIGHT}{at}"
        return "" if ended else NOT_REACHED

    def reopen(self) -> None:
        """The run is resumed: all of them are open again."""
        self._running.clear()
        self._reasons.clear()
