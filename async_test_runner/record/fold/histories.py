"""The order in which the tests of a process ran: for the tests that are red after others and not alone."""

from __future__ import annotations

from ..events import TestFinished


class History:
    """The tests of one process in their order."""

    __slots__ = ("_frozen", "_ids")

    def __init__(self, first: str) -> None:
        self._ids = [first]
        self._frozen: tuple[str, ...] = ()

    def begins_with(self, id: str) -> bool:
        """Whether this is its first test."""
        return self._ids[0] == id

    def append(self, id: str) -> None:
        """The next test, or another attempt of the last."""
        if self._ids[-1] != id:
            self._ids.append(id)

    def ids(self) -> tuple[str, ...]:
        """All of them: the same tuple for all who ask, for a history may be long and tell of many tests."""
        if len(self._frozen) != len(self._ids):
            self._frozen = tuple(self._ids)
        return self._frozen


class HistoryFold:
    """The history of each process of a phase, and where in one a test stands that is run once more alone."""

    def __init__(self) -> None:
        self._histories: dict[tuple[str, str], History] = {}
        self._places: dict[str, tuple[History, int]] = {}

    def add(self, event: TestFinished, process: str) -> None:
        """Take the next test of a process in."""
        key = process, event.worker
        history = self._histories.get(key)
        if event.nth == 0 and (history is None or not history.begins_with(event.id)):
            history = self._histories[key] = History(event.id)
        elif history is None:
            history = History(event.id)  # what ran before it is not known
        else:
            history.append(event.id)
        if event.recheck or (event.outcome.is_red and event.nth):
            self._places[event.id] = history, event.nth

    def of(self, id: str) -> tuple[tuple[str, ...], int]:
        """The tests of the process in which a test was red, and how many of them ran before it."""
        history, position = self._places.get(id, (None, 0))
        return (history.ids(), position) if history is not None else ((), 0)
