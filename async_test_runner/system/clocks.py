"""The time of a run: it stands still while the run is stopped (Ctrl-Z), so that no deadline passes meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypedDict

Clock = Callable[[], tuple[float, float]]


class Stamp(TypedDict):
    """When something happened, as every event has it: wall time and the run's monotonic time."""

    at: float
    mono: float


class RunClock:
    """Wall time and a monotonic time that leaves out the pauses. ``wall`` and ``monotonic`` are the system's."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._pauses: list[tuple[float, float]] = []  # the system's monotonic time: from, to
        self._since: float | None = None

    def __call__(self) -> tuple[float, float]:
        """Wall time and monotonic time, seconds."""
        return self._wall(), self.of(self._monotonic())

    def stamp(self) -> Stamp:
        """The times of an event that happens now."""
        at, mono = self()
        return {"at": at, "mono": mono}

    def pause(self) -> None:
        """Time stands still from here on."""
        self._since = self._monotonic()

    def go_on(self) -> float:
        """Time passes again; returns how long it has stood still."""
        assert self._since is not None
        self._pauses.append((self._since, self._monotonic()))
        self._since = None
        return self._pauses[-1][1] - self._pauses[-1][0]

    def of(self, monotonic: float) -> float:
        """What this clock showed at a time of the system's monotonic clock."""
        if self._since is not None:
            monotonic = min(monotonic, self._since)
        return monotonic - self.paused(0.0, monotonic)

    def paused(self, begin: float, end: float) -> float:
        """How much of a span of the system's monotonic clock fell into pauses."""
        return sum(max(0.0, min(end, until) - max(begin, since)) for since, until in self._pauses)

    def loop(self) -> asyncio.AbstractEventLoop:
        """An event loop whose timeouts and delays follow this clock."""
        loop = asyncio.new_event_loop()
        loop.time = lambda: self()[1]  # type: ignore[method-assign]
        return loop


def real_clock() -> tuple[float, float]:
    """Wall time and monotonic time as the system has them, seconds."""
    return time.time(), time.monotonic()
