"""Why a run stops: the signals that have come."""

from __future__ import annotations

import signal


class Stopping:
    """The signals of a run in their order; the first one ends it in order, a second one at once."""

    def __init__(self) -> None:
        self.signals: list[int] = []

    def add(self, number: int) -> None:
        """A signal has come."""
        self.signals.append(number)

    @property
    def name(self) -> str:
        """The first one's name."""
        return signal.Signals(self.signals[0]).name

    @property
    def reason(self) -> str:
        """Why no further phase starts; empty as long as none has come."""
        return f"interrupted by {self.name}" if self.signals else ""
