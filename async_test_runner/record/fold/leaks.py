"""What tests have left behind."""

from __future__ import annotations

import msgspec

from ...model.result import Attempt, Leak
from ..events import LeakFound


class LeakFold:
    """The leaks of each attempt of a phase, which may be found before the attempt is over and after it."""

    def __init__(self) -> None:
        self._leaks: dict[tuple[str, int], list[Leak]] = {}

    def add(self, event: LeakFound) -> None:
        """Take a leak in."""
        self._leaks.setdefault((event.id, event.attempt), []).append(event.leak)

    def on(self, id: str, attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        """The attempts of a test with their leaks."""
        return tuple(self._with_leaks(id, attempt) for attempt in attempts) if self._leaks else attempts

    def _with_leaks(self, id: str, attempt: Attempt) -> Attempt:
        leaks = self._leaks.get((id, attempt.number))
        return msgspec.structs.replace(attempt, leaks=tuple(leaks)) if leaks else attempt

    def reopen(self, done: set[tuple[str, int]]) -> None:
        """The run is resumed: an attempt that is not among those ``done`` begins anew."""
        self._leaks = {attempt: leaks for attempt, leaks in self._leaks.items() if attempt in done}
