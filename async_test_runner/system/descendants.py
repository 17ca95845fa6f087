"""The descendants of this process as the system has them (Linux): who they are, and how they are stopped or ended.

A process is taken for ours only because the system says that it descends from us: no id that was once written down is
signalled later, when it may belong to somebody else.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .table import look

KILL: int = getattr(signal, "SIGKILL", signal.SIGTERM)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_GENERATIONS = 1000  # of orphans: whoever forks faster than that is not ended by killing
_REAPING = 1.0  # seconds that a killed process has to be gone: one in the middle of a broken disk may take for ever
_STOPS = 4  # looks at a stopped process before it is given up
_ROUNDS = 20  # looks for processes that were forked while the others were stopped


def signal_group(pid: int, number: int) -> None:
    """Signal the group that ``pid`` leads; where there are no groups, the process."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


def signal_process(pid: int, number: int) -> None:
    """Signal one process; no error when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


class Waking:
    """Has a process that somebody stops go on, at each look, and is at its end when that does not help."""

    def __init__(self) -> None:
        self._stops = 0  # looks in a row at which it was stopped

    def look(self, pid: int) -> None:
        """Call it each `LOOK`."""
        self._stops = self._stops + 1 if look(pid).is_stopped else 0
        if self._stops and not self.is_hopeless:
            signal_process(pid, signal.SIGCONT)

    @property
    def has_begun(self) -> bool:
        """It was stopped at the last look, and not at the one before."""
        return self._stops == 1

    @property
    def is_hopeless(self) -> bool:
        """It does not go on."""
        return self._stops >= _STOPS


def adopt_orphans() -> bool:
    """Become the process that orphaned descendants are handed to (Linux); False where the system has no such thing."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes  # of some weight, and needed once

    try:
        return bool(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def go_on_when_parent_dies() -> None:
    """Be continued by the system when the parent dies (Linux): a process that is stopped could not see to anything."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGCONT), 0, 0, 0)


class Orphan(NamedTuple):
    """A descendant that outlived the process that started it."""

    pid: int
    command: str


def end_orphans(known: set[int]) -> list[Orphan]:
    """Kill and reap the children of this process that are not ``known``; returns those that were still running.

    What they had started becomes a child of this process in its turn.
    """
    found: list[Orphan] = []
    given_up: set[int] = set()
    for _ in range(_GENERATIONS):
        pids = [pid for pid in children() if pid not in known | given_up]
        if not pids:
            break
        found += _end(pids, given_up)
    return found


def _end(pids: list[int], given_up: set[int]) -> list[Orphan]:
    found = []
    for pid in pids:
        command = _command(pid)
        signal_process(pid, KILL)
        if not _reap(pid):
            given_up.add(pid)
        if command:
            found.append(Orphan(pid, command))
    return found


def _reap(pid: int) -> bool:
    """Whether a killed child is gone."""
    until = time.monotonic() + _REAPING
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > until:
                return False
            time.sleep(0.001)
    return True


def children(pid: int | str = "self") -> list[int]:
    """The children of a process, those that have ended and were not waited for included."""
    pids: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            pids += [int(child) for child in task.read_text().split()]
    return pids


def tree(spared: set[int]) -> Iterator[int]:
    """Every descendant of this process, parents first; ``spared`` are left out, what they have started is not."""
    waiting = children()
    while waiting:
        pid = waiting.pop(0)
        if pid not in spared:
            yield pid
        waiting += children(pid)


class Stopped:
    """All descendants, stopped until `resume`. One that was stopped already stays so."""

    def __init__(self, spared: set[int]) -> None:
        self._stopped: dict[int, str] = {}  # process -> when it began, in the system's own words
        for _ in range(_ROUNDS):
            fresh = [pid for pid in tree(spared) if pid not in self._stopped]
            if not fresh:
                break
            for pid in fresh:
                self._stop(pid)

    def _stop(self, pid: int) -> None:
        found = look(pid)
        self._stopped[pid] = "" if found.is_stopped or found.is_gone else found.began
        if self._stopped[pid]:
            signal_process(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on, except those that ended meanwhile and whose number is another's now."""
        for pid, began in self._stopped.items():
            if began and look(pid).began == began:
                signal_process(pid, signal.SIGCONT)


def _command(pid: int) -> str:
    """The command line of a process, empty for one that is dead already (a zombie has none)."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode("utf-8", "backslashreplace").strip()
