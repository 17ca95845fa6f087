"""Child processes, with those that they have started themselves."""

from __future__ import annotations

import os
from os import getpid, listdir

from . import safe

_open = open  # as it is now: tests replace it
_MOST = 30
_STATES = {"R": "runs", "S": "sleeps", "D": "waits for a device", "Z": "is dead, and nobody has asked how it ended"}
_STOPPED = {"T": "is stopped", "t": "is stopped by a debugger"}


def described() -> tuple[str, ...]:
    """One line for each descendant, those of a child indented below it."""
    lines: list[str] = []
    _add(getpid(), 0, lines)
    return (*lines[:_MOST], *(["… and more"] if len(lines) > _MOST else []))


def _add(pid: int, depth: int, lines: list[str]) -> None:
    for child in _children(pid):
        if len(lines) > _MOST:
            return
        lines.append("  " * depth + one(child))
        _add(child, depth + 1, lines)


def _children(pid: int) -> list[int]:
    found = []
    try:
        for thread in listdir(f"/proc/{pid}/task"):
            found += [int(word) for word in _read(f"/proc/{pid}/task/{thread}/children").split()]
    except OSError:
        pass
    return sorted(found)


def one(pid: int) -> str:
    """``4711 sleeps: sh -c 'sleep 10'``."""
    state = state_of(_read(f"/proc/{pid}/stat"))
    command = _read(f"/proc/{pid}/cmdline").replace("\0", " ").strip() or _read(f"/proc/{pid}/comm").strip()
    return f"{pid} {state}: {safe.text(command, 200)}"


def state_of(stat: str) -> str:
    """The state in a line of ``/proc/<pid>/stat``; the name in brackets before it may hold anything."""
    letter = stat.rpartition(")")[2].strip()[:1]
    return (_STATES | _STOPPED).get(letter, "is in an unknown state" if letter else "is gone")


def _read(path: str) -> str:
    try:
        with _open(path, "rb") as file:
            return os.fsdecode(file.read(4096))
    except (OSError, ValueError):
        return ""
