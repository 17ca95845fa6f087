"""The setup and teardown commands of a phase."""

from __future__ import annotations

from ...model.result import CommandResult
from ..events import CommandFinished


class CommandFold:
    """Those that have ended, in their order."""

    def __init__(self) -> None:
        self._results: list[CommandResult] = []

    def add(self, event: CommandFinished) -> None:
        """Take one in."""
        self._results.append(event.result)

    def all(self) -> tuple[CommandResult, ...]:
        """What came of them."""
        return tuple(self._results)

    def reopen(self) -> None:
        """The run is resumed: they run again."""
        self._results.clear()
