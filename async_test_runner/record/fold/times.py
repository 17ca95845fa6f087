"""How long a phase has taken."""

from __future__ import annotations

from ..events import PhaseFinished, PhaseStarted


class TimeFold:
    """The time of a phase, in all parts of a run that was resumed. ``now`` is the run's monotonic clock."""

    def __init__(self) -> None:
        self._started: PhaseStarted | None = None
        self._ended: PhaseFinished | None = None
        self._earlier = 0.0  # seconds that it took before it was started last

    def start(self, event: PhaseStarted) -> None:
        """It runs, perhaps once more."""
        if self._ended is not None:
            self.close(event.mono)
        self._started = event

    def end(self, event: PhaseFinished) -> None:
        """It is over."""
        self._ended = event

    def close(self, now: float) -> None:
        """What it took so far is past; it is to start anew."""
        self._earlier = self.wall(now)
        self._started = self._ended = None

    def wall(self, now: float) -> float:
        """Seconds that it took, or has taken so far."""
        started, ended = self._started, self._ended
        return self._earlier + (ended.wall if ended else max(0.0, now - started.mono) if started else 0.0)

    @property
    def has_started(self) -> bool:
        """Now, or before the run was resumed."""
        return self._started is not None or self._earlier > 0.0

    @property
    def has_ended(self) -> bool:
        """It is over."""
        return self._ended is not None

    @property
    def reason(self) -> str:
        """Why it ended early; empty if it did not."""
        return self._ended.reason if self._ended is not None else ""
