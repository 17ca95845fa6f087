"""A signal that asks a session to end, handed on to its workers: each of them leads a group of its own.

A session that waits for its workers must not end before them: it would take them along, and what they tear down. So
while it waits, the signal goes to their groups, nothing new starts, and the session ends after them. How long they may
take is for the runner to decide, which kills them all.
"""

from __future__ import annotations

import os
import signal
import types
from collections.abc import Callable, Iterable
from typing import Any

import pytest

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_getpid, _killpg = os.getpid, os.killpg  # as they are now: tests put something else in their places


class Interruption:
    """While it is `installed`, signals go to ``groups`` too. ``number`` is the first one that came, 0 before."""

    def __init__(self, groups: Callable[[], Iterable[int]]) -> None:
        self.number = 0
        self._groups = groups
        self._owner = _getpid()
        self._before: dict[int, Any] = {}
        self._missed: list[int] = []  # what came to a fork before it was given back its handlers

    def install(self) -> None:
        """Take the signals; one that is ignored stays so."""
        for number in (int(getattr(signal, name)) for name in _NAMES):
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN and before is not None:
                self._before[number] = signal.signal(number, self._handle)

    def give_back(self) -> None:
        """The handlers as they were before: at the end, and in a worker right after its fork."""
        before, self._before = self._before, {}
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in self._missed:
            signal.raise_signal(number)

    def forward(self, group: int) -> None:
        """A worker that was forked while the signal came has not had it."""
        if self.number:
            signal_group(group, self.number)

    def conclude(self) -> None:
        """All workers have ended: now the session ends as one does that the signal has come to itself.

        Where nobody handles it, that is at once: an end of pytest's own would take seconds on a busy machine.
        """
        if self.number:
            signal.raise_signal(self.number)
            raise pytest.exit.Exception(f"interrupted by {signal.Signals(self.number).name}")

    def _handle(self, number: int, _frame: types.FrameType | None) -> None:
        if _getpid() != self._owner:
            self._missed.append(number)
            return
        self.number = self.number or number
        for group in list(self._groups()):
            signal_group(group, number)


def signal_group(group: int, number: int) -> None:
    """Signal whatever belongs to a group; no error when it is gone."""
    try:
        _killpg(group, number)
    except OSError:  # it has ended, and has not been waited for
        pass
