"""What the system says of single processes (Linux), for what nobody else has told: gone, dead, stopped, traced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

LOOK = 1.0  # seconds between two looks at a process
_EXIT_CODE = 49  # fields of /proc/<pid>/stat after the name: the state is 0, the start time 19
_BEGAN = 19
_USER, _SYSTEM = 11, 12


class Look(NamedTuple):
    """``letter`` is Linux's own, ``X`` for a process that is gone, ``?`` where the system does not say.

    ``began`` tells two processes of one id apart. ``status`` is the exit status of one that is dead and not waited for.
    """

    letter: str
    began: str = ""
    status: int | None = None

    @property
    def is_gone(self) -> bool:
        """It has ended, whether or not its parent knows."""
        return self.letter in ("X", "Z")

    @property
    def is_stopped(self) -> bool:
        """Somebody has stopped it, or traces it."""
        return self.letter in ("T", "t")


def look(pid: int) -> Look:
    """What a process is at."""
    try:
        fields = _fields(pid)
    except OSError:
        return Look("X") if _HAS_TABLE or not _answers(pid) else Look("?")
    if not fields:
        return Look("X")
    letter = fields[0].decode("ascii", "replace")
    began = fields[_BEGAN].decode() if len(fields) > _BEGAN else ""
    raw = int(fields[_EXIT_CODE]) if letter == "Z" and len(fields) > _EXIT_CODE else None
    return Look(letter, began, os.waitstatus_to_exitcode(raw) if raw is not None else None)


def processor_time(pid: int) -> float | None:
    """Seconds of processor time that a process has used; None where the system does not say."""
    try:
        fields = _fields(pid)
        return (int(fields[_USER]) + int(fields[_SYSTEM])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def _fields(pid: int) -> list[bytes]:
    """What stands after the name, which may have spaces and brackets in it."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


_HAS_TABLE = Path("/proc/self/stat").exists()
