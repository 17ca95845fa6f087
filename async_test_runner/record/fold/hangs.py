"""Where tests hang that are too late and have no outcome yet."""

from __future__ import annotations

from ..events import HangReported


class HangFold:
    """The last report about each such test of a phase."""

    def __init__(self) -> None:
        self._likely: dict[str, str] = {}

    def add(self, event: HangReported) -> None:
        """Take a report in. Those that a person has asked for say nothing about the end of a test."""
        if event.why == "overdue" and event.id:
            self._likely[event.id] = event.likely

    def over(self, id: str) -> None:
        """The test has its outcome, which says it all."""
        self._likely.pop(id, None)

    def of(self, id: str) -> str | None:
        """The line that most likely hangs; None where nothing was reported."""
        return self._likely.get(id)

    def reopen(self) -> None:
        """The run is resumed: its tests begin anew."""
        self._likely.clear()
