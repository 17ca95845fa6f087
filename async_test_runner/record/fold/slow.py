"""Tests that were said to be slow."""

from __future__ import annotations

from ..events import TestSlow


class SlowFold:
    """The last notice about each test of a phase."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, str]] = {}

    def add(self, event: TestSlow) -> None:
        """Take a notice in."""
        self._last[event.id] = event.age, event.line

    def of(self, id: str) -> tuple[float, str] | None:
        """The test's age in seconds at the last notice, and what it was at."""
        return self._last.get(id)
